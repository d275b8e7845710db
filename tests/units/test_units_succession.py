"""Who may say what became of a unit: an office's own rows are marked, and never overrule what others tell."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa
from units_scene import REFORM, passage, unit

from edocx.cli.units_view import edge_json
from edocx.errors import UnitError
from edocx.units import MemoryDirectory, shipped_directory
from edocx.units.bulk import take_in
from edocx.units.history import END
from edocx.units.record import RecordReader, succession_record
from edocx.units.store import DirectoryStore
from edocx.units.table import FaultyTable
from edocx.units.units_csv import write_successions

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
TODAY = date(2026, 11, 22)
HEAD = "kind,predecessor,successor,on,decree,custodian\n"


def local_edge(base, row):
    return take_in(base, f"{HEAD}{row}\n".encode(), now=NOW, source="mine.csv").directory


def refused(base, data):
    with pytest.raises(FaultyTable) as caught:
        take_in(base, data, now=NOW, source="mine")
    return [(fault.line, fault.column, fault.code) for fault in caught.value.faults]


def own():
    """The shipped directory with three units of this office's own, of which one ended."""
    units = [
        unit("so-cu", "H20.66", closed=REFORM, authority="local"),
        unit("so-moi", "H20.67", opened=REFORM, authority="local"),
        unit("so-khac", "H20.68", authority="local"),
    ]
    return MemoryDirectory([*shipped_directory(), *units], shipped_directory().successions)


def test_a_local_row_takes_over_neither_succession_nor_register_of_a_unit_whose_end_is_shipped():
    base = own()
    rows = "merge,so-cu,so-moi,2025-07-01,QĐ 1,\nmerge,H58,H20.68,2025-07-01,giả,H20.68\n"
    assert refused(base, f"{HEAD}{rows}".encode()) == [(3, "predecessor", "EDX-UNITS-TOLD")]


@pytest.mark.parametrize("kind", ["transfer", "merge"])
def test_a_local_row_says_nothing_of_the_end_of_a_signed_unit(kind):
    units = [
        unit("so-ky", "H20.66", closed=REFORM if kind == "merge" else END, authority="signed"),
        unit("so-moi", "H20.67", authority="local"),
    ]
    row = f"{HEAD}{kind},so-ky,so-moi,2025-07-01,giả,so-moi\n"
    assert refused(MemoryDirectory(units), row.encode()) == [(2, "predecessor", "EDX-UNITS-TOLD")]


def test_replacing_the_unit_in_the_same_file_opens_no_way_round():
    document = (
        '{"units": [\n{"id": "ubnd-tien-giang", "code": "H58", "name": "X", "level": "province", "to": "2025-07-01"}],\n'
        '"successions": [\n{"kind": "merge", "predecessor": "ubnd-tien-giang", "successor": "so-khac",'
        ' "on": "2025-07-01", "authority": "signed"}]}'
    )
    assert (4, "predecessor", "EDX-UNITS-TOLD") in refused(own(), document.encode())


def test_importing_again_what_is_known_is_no_fault():
    base = shipped_directory()
    data = "".join(write_successions(base.successions)).encode()
    again = take_in(base, data, now=NOW, source="export.csv").directory
    assert [(edge, edge.authority) for edge in again.successions] == [(edge, "shipped") for edge in base.successions]


def test_what_rests_on_a_local_row_says_so():
    plain = local_edge(own(), "merge,so-cu,so-moi,2025-07-01,QĐ 1,")
    (heir,) = plain.successors("H20.66", TODAY)
    assert heir.local
    assert [(edge_json(edge)["authority"], edge_json(edge)["local"]) for edge in heir.path] == [("local", True)]
    assert plain.register_holder("H20.66", TODAY).local
    with pytest.raises(UnitError) as closed:
        plain.resolve("H20.66", TODAY)
    assert "bản ghi riêng" in closed.value.hint.vi
    assert "local record" in closed.value.hint.en
    kept = local_edge(own(), "abolish,so-cu,,2025-07-01,QĐ 1,G22")
    assert kept.register_holder("H20.66", TODAY).local
    told = shipped_directory()
    assert not any(heir.local for heir in told.successors("H58", TODAY))
    assert not told.register_holder("H58", TODAY).local


def test_a_transfer_from_an_open_shipped_unit_is_marked_and_moves_no_register():
    made = local_edge(own(), "transfer,G22,H20.68,2025-07-01,giả,H20.68")
    assert [heir.local for heir in made.successors("G22", TODAY)] == [True]
    assert str(made.register_holder("G22", TODAY).unit.code) == "G22"


@pytest.mark.parametrize("authority", ["local", "signed", "shipped"])
def test_an_edge_keeps_who_answers_for_it(authority):
    edge = passage("merge", "so-cu", "so-moi", authority=authority)
    record = succession_record(edge)
    assert RecordReader().succession(record).authority == authority
    assert RecordReader("local").succession(record).local


@pytest.fixture
def engine(tmp_path):
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'office.db'}")
    yield engine
    engine.dispose()


def test_a_kept_local_row_gives_way_once_others_tell_the_units_end(engine):
    base = own()
    store = DirectoryStore(engine, lambda: base)
    store.create_tables()
    store.save(local_edge(base, "merge,so-cu,so-moi,2025-07-01,QĐ 1,so-moi"), based_on=base)
    assert [heir.unit.identity for heir in store.load().successors("H20.66", TODAY)] == ["so-moi"]
    assert store.load().successors("H20.66", TODAY)[0].local
    signed = base.with_changes(
        [unit("so-cu", "H20.66", closed=REFORM, authority="signed")],
        [passage("merge", "so-cu", "so-khac", authority="signed")],
    )
    later = DirectoryStore(engine, lambda: signed)
    assert [heir.unit.identity for heir in later.load().successors("H20.66", TODAY)] == ["so-khac"]
    assert later.load().register_holder("H20.66", TODAY).unit.identity == "so-khac"
    assert [edge.successor for edge in later.overruled_successions()] == ["so-moi"]
