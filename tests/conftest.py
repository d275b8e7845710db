"""Shared by all tests: hypothesis profiles, samples that are there or not, tools that must be there under CI."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile("ci", max_examples=100, deadline=None, derandomize=True, print_blob=True)
settings.register_profile("nightly", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

SHARED = Path(__file__).parents[1].parent / "shared"


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real files that nobody here wrote; they are not part of the repository."""
    folder = SHARED / "samples"
    if not folder.is_dir():
        pytest.skip("the shared samples are not on this machine")
    return folder


def require_tool(name: str) -> str:
    """Return the path of a judge, or skip saying which is missing; under CI a missing judge is a failure."""
    path = shutil.which(name)
    if path is None:
        if os.environ.get("CI") == "true":
            pytest.fail(f"{name} must be installed under CI")
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture(scope="session")
def tool():
    return require_tool
