"""Fixtures of the envelope's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from envelope_scenario import SAMPLES, full_document

from edocx.envelope import Envelope


@pytest.fixture
def document() -> Envelope:
    return full_document()


@pytest.fixture(scope="session")
def sample_files() -> list[Path]:
    found = sorted(SAMPLES.rglob("*.edxml"))
    if not found:
        pytest.skip("the shared samples are not on this machine")
    return found
