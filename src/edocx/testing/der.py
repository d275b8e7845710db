"""Reading DER that somebody else sent."""

from __future__ import annotations

from typing import Any

MAX_REQUEST = 64 * 1024
"""A request is some 100 bytes; this stops one that is meant to fill memory."""


def read_request(kind: Any, data: bytes) -> Any:
    """Parse a request into an asn1crypto structure, every part of it; raise ``ValueError`` for anything malformed.

    asn1crypto parses a part when it is asked for, and reports damage as whatever exception it ran into (an empty BIT
    STRING is an IndexError): all of it is asked for here, and all of that means one thing.
    """
    if len(data) > MAX_REQUEST:
        raise ValueError("longer than any request")
    try:
        request = kind.load(data, strict=True)
        request.native  # noqa: B018
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise ValueError("malformed") from error
    return request
