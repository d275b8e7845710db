"""Hierarchies for the tests of this room: made once, never changed by a test that shares them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from edocx.testing import Pki


@pytest.fixture(scope="session")
def shared_pki() -> Pki:
    return Pki.create(key="p256")


@pytest.fixture
def tool() -> Callable[[str], str]:
    """Find another people's tool: skip where it is missing, fail in CI."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is None and os.environ.get("CI") == "true":
            pytest.fail(f"{name} is missing under CI")
        if path is None:
            pytest.skip(f"{name} is not installed")
        return path

    return find
