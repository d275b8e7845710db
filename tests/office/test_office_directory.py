"""An office and its directory: dates, closed units, and what was imported into its own database."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime

import pytest

from edocx.errors import UnitError
from edocx.office import Office, OfficeConfig
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.testing.territory import tien_giang_2023
from edocx.units import Snapshot
from edocx.units.shipped import shipped_directory
from edocx.units.units_json import write_document

AFTER_REFORM = datetime(2025, 7, 2, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def issued(tmp_path_factory):
    """A network whose commune has issued one letter."""
    folder = tmp_path_factory.mktemp("issued") / "net"
    with Network.four_levels(folder) as net:
        net.sample()
    return folder


@pytest.fixture
def net(issued, tmp_path):
    shutil.copytree(issued, tmp_path / "net")
    with Network.four_levels(tmp_path / "net") as network:
        yield network


def open_commune(net, **options):
    config = OfficeConfig.from_path(net.folder / "offices" / scene.COMMUNE / "office.toml")
    return Office.open(config, clock=net.clock, transport=net.axis, **options)


def test_a_send_to_a_unit_abolished_yesterday_is_refused_with_its_successors(net):
    document = net.sample()
    net.clock.set(AFTER_REFORM)
    with open_commune(net, directory=shipped_directory()) as commune, pytest.raises(UnitError) as caught:
        commune.send(document, to=["H58"])
    assert caught.value.code == "EDX-UNIT-CLOSED"
    assert any("H20" in successor for successor in caught.value.successors)
    with net.office(scene.COMMUNE).store.read() as transaction:
        assert transaction.outbox.waiting() == 0


def test_the_same_send_was_right_the_day_before(net):
    document = net.sample()
    net.clock.set(datetime(2025, 6, 30, 1, tzinfo=UTC))
    with open_commune(net, directory=shipped_directory()) as commune:
        assert commune.send(document, to=["H58"]).recipients == ("H58",)


def test_an_unlisted_unit_is_refused_with_the_nearest_known_ancestor(net):
    document = net.sample()
    with open_commune(net, directory=shipped_directory()) as commune, pytest.raises(UnitError) as caught:
        commune.send(document, to=["H58.77.01"])
    assert caught.value.code == "EDX-UNIT-UNKNOWN"
    assert caught.value.nearest is not None


def test_what_was_imported_into_the_office_is_what_the_office_sends_by(net, tmp_path):
    import subprocess
    import sys

    document = net.sample()
    toml = net.folder / "offices" / scene.COMMUNE / "office.toml"
    with open_commune(net) as commune, pytest.raises(UnitError):
        commune.send(document, to=["H58.12.02"])
    table = tmp_path / "units.json"
    snapshot = Snapshot(1, net.clock.now(), "generated test data")
    table.write_text("".join(write_document(tien_giang_2023().units, (), snapshot)), encoding="utf-8")
    command = [sys.executable, "-m", "edocx", "units", "import", str(table), "--office", str(toml)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with open_commune(net) as commune:
        assert commune.send(document, to=["H58.12.02"]).recipients == ("H58.12.02",)
