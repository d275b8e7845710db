from __future__ import annotations

import base64
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.envelope.base64_stream import Decoder, NotBase64, encode


def decode(text: bytes, cuts: list[int] | None = None) -> tuple[bytes, Decoder]:
    decoder = Decoder()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts or []), len(text)]
    data = b"".join(decoder.feed(text[start:end]) for start, end in itertools.pairwise(places))
    decoder.finish()
    return data, decoder


@given(st.binary(max_size=400), st.lists(st.integers(0, 600), max_size=6))
def test_decoding_in_any_pieces_gives_the_bytes(data: bytes, cuts: list[int]) -> None:
    decoded, decoder = decode(base64.b64encode(data), cuts)
    assert decoded == data
    assert decoder.canonical
    assert not decoder.wrapped


@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(0, 600), max_size=6), st.sampled_from([4, 5, 76]))
def test_line_breaks_are_allowed_and_reported(data: bytes, cuts: list[int], width: int) -> None:
    text = base64.b64encode(data)
    lines = b"\r\n".join(text[start : start + width] for start in range(0, len(text), width)) + b"\n"
    decoded, decoder = decode(lines, cuts)
    assert decoded == data
    assert decoder.wrapped
    assert decoder.canonical


@given(st.binary(min_size=1, max_size=100), st.integers(0, 200))
def test_other_blanks_are_not_canonical(data: bytes, place: int) -> None:
    text = base64.b64encode(data)
    place = min(place, len(text))
    decoded, decoder = decode(text[:place] + b" \t" + text[place:])
    assert decoded == data
    assert not decoder.canonical


@given(st.binary(max_size=100), st.lists(st.binary(max_size=50), max_size=10))
def test_encoding_pieces_is_encoding_the_whole(data: bytes, pieces: list[bytes]) -> None:
    assert b"".join(encode([data, *pieces])) == base64.b64encode(data + b"".join(pieces))


@given(st.binary(max_size=60), st.integers(0, 100), st.sampled_from([b"@", b"-", b"_", b"\x00", b"\xc3", b"<", b"."]))
def test_a_foreign_byte_is_an_error_at_its_offset(data: bytes, place: int, foreign: bytes) -> None:
    text = base64.b64encode(data)
    place = min(place, len(text))
    with pytest.raises(NotBase64) as caught:
        decode(text[:place] + foreign + text[place:], list(range(0, 100, 7)))
    assert caught.value.offset == place


@pytest.mark.parametrize(
    "text",
    [b"A", b"AA", b"AAA", b"AA=", b"A===", b"====", b"=", b"AA=A", b"AA==AAAA", b"AAA=AAAA", b"AA==AA==", b"AAAA="],
)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 99])
def test_wrong_padding_is_an_error_however_it_is_cut(text: bytes, step: int) -> None:
    with pytest.raises(NotBase64):
        decode(text, list(range(0, len(text), step)))


@pytest.mark.parametrize("text", [b"QUJ=", b"QR=="])
@pytest.mark.parametrize("cuts", [[], [1], [2], [3], [1, 2, 3]])
def test_spare_bits_that_are_not_zero_are_read_and_not_canonical(text: bytes, cuts: list[int]) -> None:
    decoded, decoder = decode(text, cuts)
    assert decoded in {b"AB", b"A"}
    assert decoder.sloppy
    assert not decoder.canonical


def test_the_spaces_of_an_indented_text_count_as_blanks() -> None:
    _, decoder = decode(b"\n    QUJD\n  ")
    assert decoder.blanks == 8
