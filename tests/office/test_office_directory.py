"""An office and its directory: dates, closed units, and what was imported into its own database."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, time

import pytest

from edocx.clock import VIETNAM, SystemClock, in_vietnam
from edocx.errors import UnitError
from edocx.office import Office, OfficeConfig
from edocx.testing import scene
from edocx.units.shipped import shipped_directory

AFTER_REFORM = datetime(2025, 7, 2, 1, tzinfo=UTC)


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


def run(*words):
    """Run a command in its own process, as a clerk does beside a running office; return code and both outputs."""
    done = subprocess.run([sys.executable, "-m", "edocx", *map(str, words)], capture_output=True, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def imported(net, folder, *rows, head="id,code,name,level,parent,from,to"):
    toml = net.folder / "offices" / scene.COMMUNE / "office.toml"
    table = folder / f"table-{len(rows)}-{len(head)}.csv"
    table.write_text("\n".join([head, *rows]) + "\n", encoding="utf-8")
    code, _, err = run("units", "import", table, "--office", toml)
    assert code == 0, err
    return toml


def test_what_was_imported_into_the_office_is_what_the_office_sends_by(net, tmp_path):
    document = net.sample()
    with open_commune(net) as commune, pytest.raises(UnitError):
        commune.send(document, to=["H58.12.02"])
    imported(net, tmp_path, "xa-02,H58.12.02,Xã Thử,commune,H58.12,2021-01-01,")
    with open_commune(net) as commune:
        assert commune.send(document, to=["H58.12.02"]).recipients == ("H58.12.02",)


def test_a_unit_abolished_by_import_is_refused_with_the_successor_named_by_office_and_command(net, tmp_path):
    document = net.sample()
    today = in_vietnam(SystemClock().now()).date()
    imported(
        net,
        tmp_path,
        f"xa-02,H58.12.02,Xã Cũ,commune,H58.12,2021-01-01,{today.isoformat()}",
        f"xa-03,H58.12.03,Xã Mới,commune,H58.12,{today.isoformat()},",
    )
    edge = f"merge,xa-02,xa-03,{today.isoformat()},NQ thử"
    toml = imported(net, tmp_path, edge, head="kind,predecessor,successor,on,decree")
    with open_commune(net) as commune:  # its clock stands in 2023: the unit is open there
        assert commune.send(document, to=["H58.12.02"]).recipients == ("H58.12.02",)
    net.clock.set(datetime.combine(today, time(9), VIETNAM))
    with open_commune(net) as commune, pytest.raises(UnitError) as caught:
        commune.send(document, to=["H58.12.02"], attempt=2)
    assert caught.value.code == "EDX-UNIT-CLOSED"
    assert any("H58.12.03" in successor for successor in caught.value.successors)
    code, out, err = run(
        "office", "send", document.id, "--to", "H58.12.02", "--attempt", "3", "--office", toml, "--json"
    )
    assert code == 1
    assert json.loads(out)["error"]["code"] == "EDX-UNIT-CLOSED"
    assert "H58.12.03" in err
