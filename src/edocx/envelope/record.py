"""The JSON record of an envelope: what ``edocx envelope read --json`` prints and ``write`` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from pydantic import ValidationError

from edocx.envelope.dialect import Dialect
from edocx.envelope.model import Code, DocumentType, Envelope, Organization, Other, Promulgation, Signatory
from edocx.envelope.read import Reading
from edocx.errors import InputError, Text

_ATTACHMENT_SHOWN: Final = ("content_id", "name", "media_type")
_IGNORED: Final = frozenset(
    ("schema", "file", "dialect", "attachments", "quirks", "findings", "seal", "unknown", "error")
)
"""Keys of a record that say how an envelope was read; they are passed over when one is written."""

_ORDER: Final = (
    *("kind", "business", "business_reason", "business_target", "update", "replaces", "document_id", "code"),
    *("subject", "content", "document_type", "promulgation", "from", "to", "signatory", "due_date", "steering"),
    *("to_places", "other", "staff", "paper", "status_code", "description", "timestamp", "response_for", "trace"),
    *("tasks", "application_type", "trace_paper", "trace_id", "trace_version"),
)


def to_record(
    reading: Reading,
    *,
    file: str | None = None,
    extracted: Sequence[Path | None] = (),
    seal: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the record of an envelope that was read: plain values, ISO dates, in a fixed order.

    Args:
        reading: the open reading.
        file: the name to show.
        extracted: where each attachment was put, from `extract`.
        seal: the verdict on the seal, if one was made.
    """
    return {
        "schema": 1,
        "file": file,
        "dialect": reading.dialect,
        **header_record(reading.envelope),
        "attachments": attachment_records(reading.envelope, extracted),
        "quirks": [quirk.model_dump() for quirk in reading.quirks],
        "findings": [finding.model_dump() for finding in reading.findings],
        "seal": dict(seal) if seal is not None else None,
        "unknown": reading.unknown,
    }


def header_record(envelope: Envelope) -> dict[str, Any]:
    """Return the fields of an envelope, without attachments and unknown elements."""
    values = envelope.model_dump(mode="json", by_alias=True, exclude={"attachments", "unknown"})
    return {key: _BLANK[key] if values[key] is None and key in _BLANK else values[key] for key in _ORDER}


def attachment_records(envelope: Envelope, extracted: Sequence[Path | None] = ()) -> list[dict[str, Any]]:
    """Return one record an attachment; sizes and digests are of the file itself, after a zip was opened."""
    paths = [*extracted, *([None] * (len(envelope.attachments) - len(extracted)))]
    return [
        {key: getattr(item, key) for key in _ATTACHMENT_SHOWN}
        | {
            "size": item.content.size if item.content else None,
            "sha256": item.content.sha256 if item.content else None,
            "file": str(path) if path else None,
            "description": item.description,
        }
        for item, path in zip(envelope.attachments, paths, strict=True)
    ]


def from_record(record: Mapping[str, Any]) -> Envelope:
    """Return the envelope that a record describes, without attachments.

    Keys that say how it was read (dialect, quirks, findings, seal, attachments …) are passed over. Raises
    `InputError` (``EDX-RECORD``) that names the first field that does not fit.
    """
    if not isinstance(record, Mapping):
        raise _misfit("$", "phải là một đối tượng JSON", "must be a JSON object")
    values = {key: value for key, value in record.items() if key not in _IGNORED}
    for key, value in values.items():
        if value is None and key in _LISTS:
            values[key] = ()
        elif key in _BLANK and isinstance(value, Mapping) and all(not item and item != 0 for item in value.values()):
            values[key] = None
    try:
        return Envelope.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"])
        raise _misfit(place, f"không hợp lệ ({first['msg']})", f"does not fit: {first['msg']}") from error


def schema() -> dict[str, Any]:
    """Return the JSON Schema of the record that ``edocx envelope write`` takes."""
    described = Envelope.model_json_schema(by_alias=True, mode="validation")
    properties = described["properties"]
    for name in ("attachments", "unknown"):
        properties.pop(name, None)
    used = _used(described)
    described["$defs"] = {name: value for name, value in described["$defs"].items() if name in used}
    for name in sorted(_IGNORED):
        properties[name] = {"description": "Written by read, passed over by write.", **_WRITTEN_BY_READ[name]}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:edocx:envelope:1",
        **described,
        "title": "edXML envelope",
    }


def _objects(*names: str) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "object", "required": list(names)}}


_WRITTEN_BY_READ: Final[Mapping[str, dict[str, Any]]] = {
    "schema": {"const": 1},
    "file": {"type": ["string", "null"]},
    "dialect": {"enum": [*get_args(Dialect)]},
    "attachments": _objects(*_ATTACHMENT_SHOWN, "size", "sha256", "file", "description"),
    "quirks": _objects("id", "vi", "en", "where"),
    "findings": _objects("code", "severity", "vi", "en", "where"),
    "seal": {"type": ["object", "null"]},
    "unknown": {"type": "integer", "minimum": 0},
    "error": {"type": "object", "required": ["code", "vi", "en", "where"]},
}


_LISTS: Final = frozenset(
    name if name != "sender" else "from"
    for name, field in Envelope.model_fields.items()
    if field.default == () and name != "attachments"
)


_BLANK: Final[Mapping[str, dict[str, Any]]] = {
    key: model().model_dump(mode="json")
    for key, model in {
        "code": Code,
        "document_type": DocumentType,
        "promulgation": Promulgation,
        "from": Organization,
        "signatory": Signatory,
        "other": Other,
    }.items()
}
"""Parts that always stand as objects in a record, with nothing in them when they are absent."""


def _used(described: Mapping[str, Any]) -> set[str]:
    """Return the definitions reachable from the properties."""
    found: set[str] = set()
    waiting: list[Any] = [described["properties"]]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Mapping):
            reference = node.get("$ref")
            if isinstance(reference, str):
                name = reference.rpartition("/")[2]
                if name not in found:
                    found.add(name)
                    waiting.append(described["$defs"][name])
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return found


def _misfit(where: str, vi: str, en: str) -> InputError:
    return InputError(
        Text(f"Trường “{where}” {vi}.", f"The field “{where}” {en}."),
        hint=Text("Xem `edocx envelope schema`.", "See `edocx envelope schema`."),
        code="EDX-RECORD",
        where=where,
    )
