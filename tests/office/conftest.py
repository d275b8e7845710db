"""The offices that most tests of this folder begin with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from edocx.testing.network import Network


@pytest.fixture(scope="session")
def ready(tmp_path_factory) -> Path:
    """A folder of four levels of offices whose commune has issued one document; to be copied, never opened."""
    folder = tmp_path_factory.mktemp("offices") / "net"
    with Network.four_levels(folder) as network:
        network.sample()
    return folder


@pytest.fixture
def net(ready, tmp_path) -> Iterator[Network]:
    """Those offices, open, for one test alone."""
    shutil.copytree(ready, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network:
        yield network
