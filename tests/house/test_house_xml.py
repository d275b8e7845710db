"""The one XML parser: no DTD, no entities, bounded depth and size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx import _xml
from edocx.errors import EdocxError, LimitExceeded, XmlError

BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><a>&b;</a>"""


@pytest.mark.parametrize(
    "data",
    [
        BOMB,
        b"<!DOCTYPE a><a/>",
        b"<!-- c --><!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>",
        b"<?p i?>\n<!DOCTYPE a><a/>",
        b"\xef\xbb\xbf<!DOCTYPE a><a/>",
        b"\xff\xfe" + "<!DOCTYPE a><a/>".encode("utf-16-le"),
    ],
)
def test_a_doctype_is_refused_before_anything_is_expanded(data):
    with pytest.raises(XmlError) as caught:
        _xml.parse(data)
    assert caught.value.code == "EDX-XML-DTD"


def test_an_undeclared_entity_is_not_well_formed():
    with pytest.raises(XmlError):
        _xml.parse(b"<a>&x;</a>")


def test_nesting_is_bounded():
    with pytest.raises(EdocxError) as caught:
        _xml.parse(b"<a>" * 300 + b"</a>" * 300)
    assert isinstance(caught.value, LimitExceeded | XmlError)
    assert _xml.parse(b"<a>" * 100 + b"</a>" * 100).tag == "a"


def test_size_is_bounded():
    with pytest.raises(LimitExceeded):
        _xml.parse(b"<a/>" + b" " * 100, max_bytes=50)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_a_mark_reads_as_utf_8(encoding):
    mark = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}[encoding]
    text = '<?xml version="1.0" encoding="UTF-16"?><a>Về việc</a>'
    assert _xml.parse(mark + text.encode(encoding)).text == "Về việc"


def test_another_encoding_is_refused_by_name():
    with pytest.raises(XmlError) as caught:
        _xml.parse(b'<?xml version="1.0" encoding="windows-1258"?><a/>')
    assert caught.value.code == "EDX-XML-ENCODING"


@given(st.binary(max_size=200))
def test_any_bytes_parse_or_raise_our_error(data):
    try:
        root = _xml.parse(data)
    except EdocxError:
        return
    assert _xml.canonicalise(root)


def test_canonical_form_ignores_what_canonicalisation_ignores():
    first = _xml.parse(b"<a xmlns:x='urn:u' b='1'  c='2'/>")
    second = _xml.parse(b'<a c="2" b="1" xmlns:x="urn:u"></a>')
    assert _xml.canonicalise(first) == _xml.canonicalise(second) == b'<a b="1" c="2"></a>'
