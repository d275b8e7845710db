from __future__ import annotations

import contextlib
import re
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from envelope_scenario import as_bytes, full_document
from hypothesis import given
from hypothesis import strategies as st

from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, open_envelope
from edocx.envelope.names import QCVN
from edocx.errors import EdocxError, InputError, LimitExceeded, XmlError

BASE = as_bytes(full_document())
SMALL = as_bytes(
    Envelope(
        document_id="d-1", subject="Thử", attachments=(Attachment(name="a.pdf", content=Blob.from_bytes(b"%PDF-1")),)
    )
)
MIB = 1024 * 1024


def error_of(data: bytes | Path) -> EdocxError:
    with pytest.raises(EdocxError) as caught:
        open_envelope(data)
    return caught.value


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE edXML>",
        '<!DOCTYPE edXML SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE edXML [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE edXML [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE edXML [<!ENTITY % p SYSTEM "http://example.invalid/x"> %p;]>',
        '<!DOCTYPE edXML [<!ATTLIST edXML a CDATA "x">]>',
    ],
)
@pytest.mark.parametrize("before", ["", "<!-- x -->", "<?p x?>", "\n "])
def test_a_doctype_is_never_accepted(doctype: str, before: str) -> None:
    data = BASE.replace(b"<edXML xmlns", (before + doctype).encode() + b"<edXML xmlns", 1)
    error = error_of(data)
    assert error.code == "EDX-XML-DTD"
    place = re.fullmatch(r"/, prolog, byte (\d+)", error.where or "")
    assert place
    assert 0 <= int(place[1]) - data.index(doctype.encode()) <= len(doctype)
    wide = ("\ufeff" + data.decode().replace("UTF-8", "UTF-16")).encode("utf-16-le")
    assert error_of(wide).code == "EDX-XML-DTD"


@pytest.mark.parametrize("reference", ["&x;", "&xxe;", "&#0;", "&#xD800;", "&#x110000;", "&", "&amp"])
def test_an_undefined_reference_is_an_error_with_its_place(reference: str) -> None:
    error = error_of(BASE.replace(b"<edXML:Content>", b"<edXML:Content>" + reference.encode()))
    assert isinstance(error, XmlError)
    assert "/edXML/edXMLEnvelope/edXMLHeader/MessageHeader/Content" in (error.where or "")
    found = re.search(r"byte (\d+)", error.where or "")
    assert found
    assert 0 <= int(found[1]) - BASE.index(b"<edXML:Content>") - len("<edXML:Content>") < 12


def test_an_instruction_inside_is_ignored_and_a_seal_style_comment_too() -> None:
    reading = open_envelope(BASE.replace(b"<edXML:MessageHeader ", b"<?x y?><!-- c --><edXML:MessageHeader "))
    assert reading.detach() == full_document()


def test_an_unknown_element_without_a_canonical_form_is_still_kept() -> None:
    reading = open_envelope(BASE.replace(b"<edXML:Subject>", b'<x:y xmlns:x="khong-phai-uri"/><edXML:Subject>'))
    assert reading.detach().unknown[0].name == "{khong-phai-uri}y"
    assert as_bytes(reading.detach())


def test_xinclude_is_never_followed(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("bí mật")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{tmp_path / "secret"}" parse="text"/>'
    reading = open_envelope(BASE.replace(b"<edXML:Subject>", b"<edXML:Subject>" + include.encode()))
    assert reading.detach().subject == full_document().subject
    assert {finding.code for finding in reading.findings} == {"EDX-XML-XINCLUDE"}
    assert "bí mật" not in str(reading.detach().model_dump())


@pytest.mark.parametrize("depth", [201, 300, 10_000, 100_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    data = b"<edXML xmlns='" + QCVN.encode() + b"'>" + b"<a>" * depth + b"</a>" * depth + b"</edXML>"
    assert error_of(data).code == "EDX-LIMIT-DEPTH"


def test_a_million_attributes_are_refused() -> None:
    attributes = b" ".join(b'a%d=""' % number for number in range(1_000_000))
    error = error_of(BASE.replace(b"<edXML:Subject>", b"<edXML:Subject " + attributes + b">"))
    assert isinstance(error, LimitExceeded)
    few = b" ".join(b'a%d=""' % number for number in range(65))
    assert error_of(BASE.replace(b"<edXML:Subject>", b"<edXML:Subject " + few + b">")).code == "EDX-LIMIT-ATTRIBUTES"


def test_very_many_elements_or_prefixes_are_refused() -> None:
    many = BASE.replace(b"<edXML:Subject>", b"<a/>" * 201_000 + b"<edXML:Subject>")
    assert error_of(many).code == "EDX-LIMIT-ELEMENTS"
    prefixes = b" ".join(b'xmlns:p%d="u"' % number for number in range(5_000))
    assert error_of(BASE.replace(b"<edXML xmlns", b"<edXML " + prefixes + b" xmlns")).code == "EDX-LIMIT-NAMESPACES"


def flood(name: str) -> Iterator[bytes]:
    """Yield an envelope with very much of one thing, in pieces; a thousandth of what an attacker would send."""
    filler = {
        "junk": (b"", b" " * MIB, BASE),
        "blanks": (BASE[: BASE.index(b"<edXML:Subject>")], b" " * MIB, BASE[BASE.index(b"<edXML:Subject>") :]),
        "text": (BASE[: BASE.index(b"V/v")], b"x" * MIB, BASE[BASE.index(b"V/v") :]),
        "comment": (BASE[:40] + b"<!-- ", b"x" * MIB, b" -->" + BASE[40:]),
        "tag": (BASE[: BASE.index(b"<edXML:Subject>")] + b"<edXML:Subject ", b" " * MIB, b"/>"),
        "trailing": (BASE, b"\n" * MIB, b""),
        "base64-blanks": (BASE[: BASE.index(b"JVBERi0x")], b"\n" * MIB, BASE[BASE.index(b"JVBERi0x") :]),
        "split-base64-blanks": (
            BASE[: BASE.index(b"JVBERi0x")] + b"<!-- -->",
            b"\n" * MIB,
            BASE[BASE.index(b"JVBERi0x") :],
        ),
    }[name]
    yield filler[0]
    for _ in range(24):
        yield filler[1]
    yield filler[2]


@pytest.mark.parametrize(
    "name", ["junk", "blanks", "text", "comment", "tag", "trailing", "base64-blanks", "split-base64-blanks"]
)
def test_a_flood_is_stopped_early_and_in_little_memory(name: str, tmp_path: Path) -> None:
    with (tmp_path / "x").open("wb") as stream:
        stream.writelines(flood(name))
    tracemalloc.start()
    started = time.monotonic()
    try:
        error = error_of(tmp_path / "x")
        assert tracemalloc.get_traced_memory()[1] < 40 * MIB
    finally:
        tracemalloc.stop()
    assert isinstance(error, LimitExceeded | XmlError)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"\x00" * 100,
        b"%PDF-1.4",
        b"PK\x03\x04" * 500,
        b"\xff\xfe",
        b"\xff\xfe<",
        b"\xef\xbb\xbf",
        b"<",
        b"<a",
    ],
)
def test_what_is_no_xml_is_said_with_its_place(data: bytes) -> None:
    error = error_of(data)
    assert isinstance(error, InputError)
    assert "byte" in (error.where or "")


@pytest.mark.parametrize("data", [BASE, SMALL])
def test_a_file_cut_at_any_byte_is_one_clear_error(data: bytes) -> None:
    whole = len(data.rstrip())
    step = 1 if len(data) < 3000 else 17
    for cut in range(0, whole, step):
        with pytest.raises(InputError) as caught:
            open_envelope(data[:cut])
        where = caught.value.where or ""
        assert re.search(r"byte \d+", where), cut
        assert caught.value.text.vi
        assert int(re.search(r"byte (\d+)", where)[1]) <= cut  # type: ignore[index]
    assert open_envelope(data[:whole]).detach()


def test_bytes_that_are_no_utf8_are_refused_with_their_place() -> None:
    place = BASE.index(b"V/v")
    error = error_of(BASE[:place] + b"\xff\xc0" + BASE[place:])
    assert f"byte {place}" in (error.where or "")


tokens = st.sampled_from(
    [b"<", b">", b"</", b"/>", b"&", b"<!--", b"-->", b"<![CDATA[", b"]]>", b"<?", b"?>", b"<!DOCTYPE x>", b"\x00", b"\xff",
     b"=", b'"', b"edXML:", b"xmlns=''", b"ContentTransferEncoded", b"<edXML:ContentTransferEncoded>", b"&#65;", b"\r", b"@"]
)  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, len(BASE)), st.integers(0, 30), st.binary(max_size=8) | tokens), max_size=5))
def test_no_change_of_bytes_gives_anything_but_an_envelope_or_our_error(edits: list[tuple[int, int, bytes]]) -> None:
    data = BASE
    for place, drop, insert in edits:
        data = data[:place] + insert + data[place + drop :]
    with contextlib.suppress(EdocxError), open_envelope(data) as reading:
        for item in reading.envelope.attachments:
            if item.content is not None:
                assert Blob.from_bytes(item.content.read()) == item.content


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_the_reader_fall(data: bytes) -> None:
    with pytest.raises(InputError):
        open_envelope(data)
