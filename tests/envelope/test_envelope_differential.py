from __future__ import annotations

import base64
import contextlib
import io
import re
import zipfile
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from envelope_scenario import KINDS, SAMPLES, as_bytes, document_of_kind, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx import _xml
from edocx.content import Blob
from edocx.envelope import Attachment, open_envelope, spans
from edocx.envelope.limits import Limits
from edocx.envelope.source import MemorySource
from edocx.errors import EdocxError, LimitExceeded

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


@pytest.mark.parametrize("letter", ["\ufeff", "\u0370", "\u2167", "\U00010000", "-x", "\u00ea", ""])
@pytest.mark.parametrize("place", ["in the declaration's name", "an instruction before it", "within the declaration"])
def test_both_ways_agree_on_how_a_file_begins(letter: str, place: str) -> None:
    old, new = {
        "in the declaration's name": ("<?xml", f"<?xml{letter}"),
        "an instruction before it": ("<?xml", f"<?x{letter} y?><?xml"),
        "within the declaration": (" encoding", f" {letter}encoding"),
    }[place]
    for text in TEXTS:
        changed = text.replace(old.encode(), new.encode(), 1)
        assert outcome(changed) == slow_outcome(changed)


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


def with_attributes(count: int) -> str:
    return " ".join(f'a{number}="x"' for number in range(count))


REFUSALS = {
    "64-attributes": ("<edXML:Subject>", f"<edXML:Subject {with_attributes(64)}>", None),
    "65-attributes": ("<edXML:Subject>", f"<edXML:Subject {with_attributes(65)}>", "EDX-LIMIT-ATTRIBUTES"),
    "prefixes": (
        "<edXML:Subject>",
        "<edXML:Subject " + " ".join(f'xmlns:p{number}="urn:x"' for number in range(4_001)) + ">",
        "EDX-LIMIT-NAMESPACES",
    ),
    "depth": ("<edXML:Subject>", "<a>" * 200 + "</a>" * 200 + "<edXML:Subject>", "EDX-LIMIT-DEPTH"),
    "no-such-namespace": ("<edXML:Subject>", '<edXML:Subject xmlns:x="">', "EDX-XML-MALFORMED"),
    "one-attribute-twice": (
        "<edXML:Subject>", '<edXML:Subject xmlns:p="u" xmlns:q="u" p:a="" q:a="">', "EDX-XML-MALFORMED"
    ),
    "two-colons": ("<edXML:Subject>", '<a:b:c xmlns:a="u"/><edXML:Subject>', "EDX-XML-MALFORMED"),
    "colon-first": ("<edXML:Subject>", "<:a/><edXML:Subject>", "EDX-XML-MALFORMED"),
    "xml-redeclared": ("<edXML:Subject>", '<edXML:Subject xmlns:xml="urn:x">', "EDX-XML-MALFORMED"),
    "xml-id-twice": ("<edXML:Subject>", '<a xml:id="x"/><edXML:Subject xml:id="x">', "EDX-XML-MALFORMED"),
    "instruction-with-colon": ("<edXML:Subject>", "<?a:b c?><edXML:Subject>", "EDX-XML-MALFORMED"),
    "version": ('version="1.0"', 'version="2.0"', "EDX-XML-MALFORMED"),
    "name-of-the-fifth-edition": ("<edXML:Subject>", "<Ͱa/><edXML:Subject>", "EDX-XML-MALFORMED"),
    "vietnamese-name": ("<edXML:Subject>", "<Lệnh/><edXML:Subject>", None),
    "very-long-name": ("<edXML:Subject>", f"<{'a' * 60_000}/><edXML:Subject>", "EDX-XML-MALFORMED"),
    "behind-the-files": ("</edXML>", '<x xmlns:x=""/></edXML>', "EDX-XML-MALFORMED"),
    "undeclared-and-wrong": ("<edXML:Subject>", '<y:z/><edXML:Subject xmlns:x="">', "EDX-XML-MALFORMED"),
}  # fmt: skip
"""What one of the two parsers could refuse and the other accept, or refuse without a place."""


@pytest.mark.parametrize("name", REFUSALS)
def test_both_ways_refuse_alike_and_say_where(name: str) -> None:
    old, new, code = REFUSALS[name]
    data = BASE.decode().replace(old, new, 1).encode()
    found = outcome(data)
    assert found == slow_outcome(data)
    if code is None:
        assert len(found) > 3
        return
    assert found[0] == code
    where = found[1]
    assert len(where) < 16_000
    byte = re.search(r"/.*, byte (\d+)", where)
    assert byte, where
    at = BASE.index(old.encode())
    assert at <= int(byte[1]) <= at + len(new.encode()) + len(' encoding="UTF-8"')


def test_a_zip_bomb_is_named_with_the_attachment_it_came_in() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.txt", b"0" * 11 * 1024 * 1024)
    files = (
        Attachment(name="một.pdf", content=Blob.from_bytes(b"%PDF-1.4")),
        Attachment(name="hai.txt", content=Blob.from_bytes(packed.getvalue())),
    )
    data = as_bytes(full_document(attachments=files))
    found = outcome(data)
    assert found == slow_outcome(data)
    assert found[:2] == ("EDX-LIMIT-ZIP-RATIO", "/edXML/AttachmentEncoded/Attachment[2]")


@pytest.mark.parametrize(
    "limits,code",
    [
        (Limits(attachments=1), "EDX-LIMIT-ATTACHMENTS"),
        (Limits(attachment_bytes=4), "EDX-LIMIT-ATTACHMENT"),
        (Limits(total_bytes=20), "EDX-LIMIT-TOTAL"),
        (Limits(skeleton_bytes=1000), "EDX-LIMIT-SIZE"),
        (Limits(elements=20), "EDX-LIMIT-ELEMENTS"),
        (Limits(file_bytes=100), "EDX-LIMIT-FILE"),
        (Limits(attributes=0), "EDX-LIMIT-ATTRIBUTES"),
    ],
)
def test_every_limit_says_where_on_both_ways(limits: Limits, code: str) -> None:
    found = []
    for way in (contextlib.nullcontext(), mock.patch.object(spans, "scan", return_value=None)):
        with way, pytest.raises(LimitExceeded) as caught:
            open_envelope(BASE, limits=limits)
        found.append((caught.value.code, caught.value.where))
    assert found[0] == found[1]
    assert found[0][0] == code
    assert re.search(r"byte \d+", found[0][1] or "")


def test_text_in_a_header_is_never_taken_out_of_the_tree() -> None:
    data = BASE.replace(
        b"<edXML:Subject>", b"<edXML:ContentTransferEncoded>QUJD</edXML:ContentTransferEncoded><edXML:Subject>"
    )
    with open_envelope(data) as reading:
        header = reading.skeleton.find(".//{*}MessageHeader")
        assert header is not None
        assert b"QUJD" in _xml.canonicalise(header)
