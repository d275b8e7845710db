"""Fuzz the envelope reader with atheris: python tools/fuzz_envelope.py [CORPUS] [-max_total_time=600].

Both ways of reading must agree, and nothing but an `EdocxError` may come out. Needs `pip install atheris`.
"""

from __future__ import annotations

import sys
from typing import Any
from unittest import mock

try:
    import atheris
except ImportError:
    sys.exit("atheris is not installed; the hypothesis tests in tests/envelope do the same more slowly")

with atheris.instrument_imports():
    from edocx.envelope import open_envelope, spans
    from edocx.errors import EdocxError


def outcome(data: bytes) -> Any:
    """Return what a reader can tell of the bytes, in comparable form."""
    try:
        with open_envelope(data) as reading:
            contents = [item.content.read() for item in reading.envelope.attachments if item.content]
            return reading.envelope, reading.dialect, reading.quirks, reading.findings, contents
    except EdocxError as error:
        return error.code, error.where


def test_one_input(data: bytes) -> None:
    """Compare the fast way with the plain one."""
    fast = outcome(data)
    with mock.patch.object(spans, "scan", return_value=None):
        plain = outcome(data)
    if fast != plain:
        raise AssertionError("the two ways of reading disagree")


if __name__ == "__main__":
    atheris.Setup(sys.argv, test_one_input)
    atheris.Fuzz()
