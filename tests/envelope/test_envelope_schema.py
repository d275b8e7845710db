"""What `read --json` prints is what `envelope schema` describes, for every sample and every kind of message."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from envelope_scenario import KINDS, SAMPLES, as_bytes, document_of_kind, full_document
from jsonschema import Draft202012Validator, FormatChecker

from edocx.documents.words import StatusCode
from edocx.envelope import Envelope, open_envelope
from edocx.envelope.record import from_record, schema, to_record
from edocx.envelope.status_message import status_message
from edocx.errors import EdocxError

SCHEMA = schema()
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())


def printed(source) -> dict:
    with open_envelope(source) as reading:
        return json.loads(json.dumps(to_record(reading, file="x", seal={"indication": "TOTAL-PASSED"})))


def faults(record: dict) -> list[str]:
    return [error.message for error in VALIDATOR.iter_errors(record)]


def test_the_schema_is_one() -> None:
    meta = Draft202012Validator(Draft202012Validator.META_SCHEMA)
    assert [error.message for error in meta.iter_errors(SCHEMA)] == []


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.edxml")), ids=lambda path: path.stem)
def test_the_record_of_a_sample_fits_the_schema(path: Path) -> None:
    try:
        record = printed(path)
    except EdocxError:
        return
    assert faults(record) == []
    from_record(record)


@pytest.mark.parametrize("kind", KINDS)
def test_the_record_of_every_kind_of_document_fits_the_schema(kind: str) -> None:
    assert faults(printed(as_bytes(document_of_kind(kind)))) == []


@pytest.mark.parametrize("code", list(StatusCode))
def test_the_record_of_every_status_fits_the_schema(code: StatusCode) -> None:
    assert faults(printed(as_bytes(full_status(code)))) == []


def full_status(code: StatusCode) -> Envelope:
    about = full_document()
    at = about.trace[0].timestamp
    return status_message(code, about, sender=about.to[0], at=at, to="H41", reason="Lý do", staff=about.staff)


def test_an_empty_record_and_the_blank_one_fit_the_schema() -> None:
    assert faults({}) == []
    assert faults(printed(b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope/></edXML>')) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"subjct": "x"},
        {"kind": "letter"},
        {"due_date": "31/02/2024"},
        {"to": {"unit": "G22"}},
        {"business": "3"},
        {"code": {"number": 1}},
        {"trace": [{"unit": "G22", "place": "Hà Nội"}]},
    ],
)
def test_what_write_refuses_does_not_fit_the_schema(wrong: dict) -> None:
    assert faults(wrong)
    with pytest.raises(EdocxError):
        from_record(wrong)
