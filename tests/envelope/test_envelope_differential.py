from __future__ import annotations

import base64
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from envelope_scenario import KINDS, SAMPLES, as_bytes, document_of_kind, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx import _xml
from edocx.envelope import open_envelope, spans
from edocx.envelope.limits import Limits
from edocx.envelope.source import MemorySource
from edocx.errors import EdocxError

BASE = as_bytes(full_document())
TEXTS = [as_bytes(document_of_kind(kind), profile) for kind in KINDS for profile in ("axis", "dotnet")]


def outcome(data: bytes | Path) -> Any:
    """All that a reader can tell of a file, in comparable form."""
    try:
        with open_envelope(data) as reading:
            payloads = [
                (item.decoded, item.canonical, item.text_only, item.wrapped, item.sloppy, item.where, item.bad_at)
                for item in reading.payloads.values()
            ]
            return (
                reading.envelope,
                reading.dialect,
                [(quirk.id, quirk.where) for quirk in reading.quirks],
                reading.findings,
                reading.unknown,
                payloads,
                _xml.canonicalise(reading.skeleton, with_comments=True),
                [item.content.read() for item in reading.envelope.attachments if item.content],
            )
    except EdocxError as error:
        return (error.code, error.where, error.text)


def slow_outcome(data: bytes | Path) -> Any:
    with mock.patch.object(spans, "scan", return_value=None):
        return outcome(data)


def is_fast(data: bytes) -> bool:
    return spans.scan(MemorySource(data), 0, Limits()) is not None


def test_the_fast_way_is_taken_for_what_we_write() -> None:
    assert all(is_fast(text) for text in TEXTS)


@pytest.mark.parametrize("path", sorted(SAMPLES.rglob("*.edxml")), ids=lambda path: path.stem)
def test_both_ways_agree_on_the_samples(path: Path) -> None:
    assert outcome(path) == slow_outcome(path)


@given(
    st.sampled_from(TEXTS),
    st.lists(st.binary(max_size=2000), min_size=2, max_size=2),
    st.sampled_from([b"", b"\n", b"\r\n", b"\n  "]),
    st.integers(1, 100),
    st.sampled_from([64, 100, 1000, 262144]),
)
def test_both_ways_agree_on_generated_files(
    text: bytes, contents: list[bytes], newline: bytes, width: int, piece: int
) -> None:
    for old, new in zip((b"%PDF-1.4 th\xe1\xbb\xad", b"xin ch\xc3\xa0o"), contents, strict=True):
        run = base64.b64encode(new)
        wrapped = newline.join(run[place : place + width] for place in range(0, len(run), width)) if newline else run
        text = text.replace(base64.b64encode(old), newline + wrapped)
    with mock.patch.object(spans, "PIECE", piece):
        assert is_fast(text)
        assert outcome(text) == slow_outcome(text)


edits = st.sampled_from(
    [b"<", b">", b"/", b"&amp;", b"&#65;", b"<!-- x -->", b"<![CDATA[", b"]]>", b"<?p?>", b"=", b"==", b"A", b"AAAA", b"@",
     b"\n", b"\r", b" ", b"<a/>", b"<ContentTransferEncoded>", b"<edXML:ContentTransferEncoded>", b"xContentTransferEncoded>",
     b"</edXML:ContentTransferEncoded>", b"<ContentTransferEncoded/>", b"<!-- <ContentTransferEncoded>QUJD</x> -->",
     b"<![CDATA[<ContentTransferEncoded>QUJD]]>", b"<x:y/>", b' a="ContentTransferEncoded>"', b"\xef\xbb\xbf", b"\xff",
     b"<AttachmentEncoded><Attachment>", b"</Attachment>", b"<edXML:Subject>", b"<!DOCTYPE a>", b"&x;"]
)  # fmt: skip
near = [BASE.index(b"<AttachmentEncoded>"), BASE.index(b"JVBERi0x"), BASE.index(b"</edXML:ContentTransferEncoded>")]
places = st.integers(0, len(BASE)) | st.builds(
    lambda start, more: start + more, st.sampled_from(near), st.integers(-40, 60)
)


@given(st.lists(st.tuples(places, st.integers(0, 12), edits | st.binary(max_size=3)), min_size=1, max_size=4))
def test_both_ways_agree_on_mutated_files(changes: list[tuple[int, int, bytes]]) -> None:
    data = BASE
    for place, drop, insert in changes:
        data = data[:place] + insert + data[place + drop :]
    with mock.patch.object(spans, "PIECE", 512):
        assert outcome(data) == slow_outcome(data)


@pytest.mark.parametrize(
    "old, new",
    [
        # Every way to make a run that is not what it seems.
        ("<edXML:Subject>", "<!-- <ContentTransferEncoded>QUJD</ContentTransferEncoded> --><edXML:Subject>"),
        ("<edXML:Subject>", "<?p <ContentTransferEncoded>QUJD</ContentTransferEncoded> ?><edXML:Subject>"),
        ("<edXML:Subject>", "<edXML:Subject><![CDATA[<ContentTransferEncoded>QUJD</ContentTransferEncoded>]]>"),
        ("<edXML:Subject>", "<edXML:ContentTransferEncoded>QUJD</edXML:ContentTransferEncoded><edXML:Subject>"),
        ("<edXML:Subject>", '<edXML:Subject a="ContentTransferEncoded>QUJD">'),
        ("</Attachment>", "<ContentTransferEncoded>QUJD</ContentTransferEncoded></Attachment>"),
        ("</AttachmentEncoded>", "<ContentTransferEncoded>QUJD</ContentTransferEncoded></AttachmentEncoded>"),
        ("JVBERi0x", "<ContentTransferEncoded>JVBERi0x</ContentTransferEncoded>"),
        ("JVBERi0x", "</edXML:ContentTransferEncoded><edXML:ContentTransferEncoded xmlns:edXML='urn:u'>JVBERi0x"),
        ('Id="a1">', 'Id="a1" b=">">'),
        ("<AttachmentEncoded>", '<AttachmentEncoded xmlns="urn:other">'),
        ("<AttachmentEncoded>", "<AttachmentEncoded><Attachment><ContentTransferEncoded/></Attachment>"),
        (
            "<AttachmentEncoded>",
            "<AttachmentEncoded><Attachment><ContentTransferEncoded>QUJD</ContentTransferEncoded></Attachment>",
        ),
    ],
)
def test_both_ways_agree_on_runs_that_are_not_what_they_seem(old: str, new: str) -> None:
    assert old.encode() in BASE
    data = BASE.replace(old.encode(), new.encode(), 1)
    assert outcome(data) == slow_outcome(data)


def test_text_in_a_header_is_never_taken_out_of_the_tree() -> None:
    data = BASE.replace(
        b"<edXML:Subject>", b"<edXML:ContentTransferEncoded>QUJD</edXML:ContentTransferEncoded><edXML:Subject>"
    )
    with open_envelope(data) as reading:
        header = reading.skeleton.find(".//{*}MessageHeader")
        assert header is not None
        assert b"QUJD" in _xml.canonicalise(header)
