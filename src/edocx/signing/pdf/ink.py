"""Whether a field draws anything: its looks in all their states, its border and background.

Whether it is hidden or has no area does not count: not all viewers take flags and rectangles for the same, some print
what they do not show, and pdfium draws looks that have no room at all.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

from pyhanko.pdf_utils import generic

from edocx.signing.pdf.comparison import resolved

MAX_LOOKS = 200
"""States of a field's looks together; a set of radio buttons has some dozen."""

MAX_LOOK = 64 * 1024
"""Bytes of a look that is to draw nothing."""

_DECODED = frozenset({"/DecodeParms", "/DP", "/F", "/FFilter", "/FDecodeParms"})
_COMMENT = re.compile(rb"%[^\r\n]*")
_BLANK = frozenset({b"q", b"Q"})
_ELSEWHERE = frozenset({"/F", "/Ref", "/OPI", "/PS"})
"""Of a stream or a form: its content is in another file, or another page stands for it (ISO 32000-2 7.3.8, 8.10.4)."""


def looks_of(widget: generic.DictionaryObject, *, plain: bool = False, borrowing: bool = False) -> list[bytes]:
    """Return the contents of all looks of a widget.

    With ``plain`` only those that every reader decodes alike (`plain_data`), with ``borrowing`` those that bring no
    resources of their own. Raises ``TypeError`` for what is no look,
    ``ValueError`` for too many, ``KeyError`` for a state that is null.
    """
    shown = resolved(widget, "/AP")
    if shown is None or isinstance(shown, generic.NullObject):
        return []
    if not isinstance(shown, generic.DictionaryObject) or isinstance(shown, generic.StreamObject):
        raise TypeError("looks that are no dictionary")
    found: list[bytes] = []
    for look in _streams(shown):
        if len(found) >= MAX_LOOKS:
            raise ValueError("too many looks")
        if borrowing and "/Resources" in look:
            continue
        found.append(plain_data(look) if plain else bytes(look.data))
    return found


def _streams(shown: generic.DictionaryObject) -> Iterator[generic.StreamObject]:
    for kind in shown:
        held = shown[kind]
        states = [held] if isinstance(held, generic.StreamObject) else []
        if not states and isinstance(held, generic.DictionaryObject):
            if len(held) > MAX_LOOKS:
                raise ValueError("too many states")
            states = [held[name] for name in held]
        if not states and not isinstance(held, generic.DictionaryObject):
            raise TypeError("a look that is no stream")
        for one in states:
            if not isinstance(one, generic.StreamObject):
                raise TypeError("a state that is no stream")
            if not _ELSEWHERE.isdisjoint(one) or str(resolved(one, "/Subtype", "/Form")) != "/Form":
                raise TypeError("a look that shows what is not in it")
            yield one


def plain_data(stream: generic.StreamObject) -> bytes:
    """Return what a stream holds, bare or deflated and nothing else; raise ``TypeError`` for any other.

    Predictors and chains of filters are read differently: what one reader takes for a comment another paints.
    """
    if not _DECODED.isdisjoint(stream):
        raise TypeError("a stream with parameters")
    how = resolved(stream, "/Filter")
    if isinstance(how, generic.ArrayObject) and len(how) == 1:
        how = how[0]
    if how is None:
        return bytes(stream.encoded_data)
    if how != "/FlateDecode":
        raise TypeError("a filter that readers differ on")
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(stream.encoded_data, MAX_LOOK + 1)
    except zlib.error as error:
        raise TypeError("a stream that is no deflated one") from error
    if len(data) > MAX_LOOK or not inflater.eof or inflater.unused_data.strip():
        raise TypeError("a deflated stream that is cut, long, or goes on")
    return data


def draws_nothing(widget: generic.DictionaryObject) -> bool:
    """Say whether a widget has no look, or empty ones in every state, and no background; see `looks_of` for errors."""
    return not frame_of(widget) and not any(draws(data) for data in looks_of(widget, plain=True))


def draws(data: bytes) -> bool:
    """Say whether a content stream does more than keep the graphics state and take it back."""
    return bool(set(_COMMENT.sub(b" ", data).split()) - _BLANK)


def keeps_state(data: bytes) -> bool:
    """Say whether a content stream does nothing but keep the graphics state, as tools do around what was there.

    No comment may stand there: viewers join the streams of a page, and one that is open takes what comes next with it.
    """
    return not set(data.split()) - {b"q"} and data[-1:] in {b"", b"\n", b"\r", b" ", b"\t"}


def frame_of(widget: generic.DictionaryObject) -> tuple[str, ...]:
    """Return the border and the background that a viewer paints for a field without a look of its own."""
    said = resolved(widget, "/MK")
    if not isinstance(said, generic.DictionaryObject):
        return ()
    return tuple(str(list(said[name])) for name in ("/BG", "/BC") if name in said and len(said[name]))
