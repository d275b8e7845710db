"""A store that is gone is never made anew in silence: its numbers would be given out again."""

from __future__ import annotations

import shutil

import pytest

from edocx.errors import StoreUnavailable
from edocx.office import Office
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as network:
        yield network


def lose_store(net, code, *, also=()):
    folder = net.folder / "offices" / code
    net.close()
    for file in [*folder.glob("office.db*"), *(folder / name for name in also)]:
        shutil.rmtree(file) if file.is_dir() else file.unlink(missing_ok=True)
    return folder


@pytest.mark.parametrize("left", ["the issued documents", "the head on the axis", "an empty file"])
def test_a_lost_store_is_named_and_not_made_anew(net, left):
    document = net.sample()
    net.office(scene.COMMUNE).send(document, to=["G22"])
    net.run_until_quiet()
    folder = lose_store(net, scene.COMMUNE, also=("issued",) if left == "the head on the axis" else ())
    if left == "the issued documents":
        (net.folder / "offices" / "axis.db").unlink()
    if left == "an empty file":
        (folder / "office.db").touch()
    with pytest.raises(StoreUnavailable) as caught:
        Office.open(folder / "office.toml", clock=net.clock)
    assert (caught.value.code, caught.value.exit_code) == ("EDX-OFFICE-STORE-MISSING", 4)
    assert not (folder / "office.db.restored.json").exists()
    assert not (folder / "office.db").exists() or (folder / "office.db").stat().st_size == 0


def test_the_remedy_named_works(net, tmp_path):
    net.sample()
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    folder = lose_store(net, scene.COMMUNE)
    Office.restore(folder / "office.toml", tmp_path / "backup")
    with Network.four_levels(net.folder, clock=net.clock) as again:
        assert again.office(scene.COMMUNE).documents()


def test_a_store_made_anew_on_purpose_still_gives_no_number_that_the_axis_knows(net):
    net.sample()
    folder = lose_store(net, scene.COMMUNE)
    with Office.open(folder / "office.toml", clock=net.clock, anew=True) as office:
        assert "EDX-OFFICE-RESTORED" in office.work().faults


def test_nobody_else_reads_an_offices_store_or_a_backup_of_it(net, tmp_path):
    """From the first byte: the umask of a service lets every user of the machine read what it makes."""
    net.sample()
    commune = net.office(scene.COMMUNE)
    commune.backup(tmp_path / "backup")
    home = net.folder / "offices" / scene.COMMUNE
    held = [*home.glob("office.db*"), *(tmp_path / "backup").glob("office.db*")]
    assert len(held) >= 5
    assert [one.name for one in held if one.stat().st_mode & 0o077 and not one.name.endswith(".leases")] == []
    net.close()
    for file in home.glob("office.db*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    Office.restore(home / "office.toml", tmp_path / "backup")
    assert [one.name for one in home.glob("office.db*") if one.suffix == ".db" and one.stat().st_mode & 0o077] == []
