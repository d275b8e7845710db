"""Whose certificate is whose, from when to when, with which right to sign."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from edocx.clock import VIETNAM
from edocx.errors import StateError, UsageError
from edocx.testing.registry import Registration, write_registrations
from edocx.units import (
    CertificateRegistry,
    CsvRegistry,
    HolderKind,
    Mandate,
    MemoryRegistry,
    RegistryEntry,
    SigningCapacity,
    UnitId,
)
from edocx.units.registry import doubts, may_pass_on
from edocx.units.registry_csv import COLUMNS, read_registry_bytes, write_registry
from edocx.units.registry_store import RegistryStore
from edocx.units.table import FaultyTable

HEADER = ",".join(COLUMNS) + "\n"
A, B, C = "a" * 64, "b" * 64, "c" * 64
NOW = datetime(2026, 11, 22, tzinfo=UTC)
MERGER = datetime(2025, 7, 1, tzinfo=VIETNAM)


def read(*rows):
    return read_registry_bytes((HEADER + "".join(row + "\n" for row in rows)).encode())


def table(*rows):
    return (HEADER + "".join(row + "\n" for row in rows)).encode()


def faults(*rows):
    with pytest.raises(FaultyTable) as refused:
        read(*rows)
    return [(fault.line, fault.column, fault.code) for fault in refused.value.faults]


@pytest.fixture
def store():
    engine = sa.create_engine("sqlite://", poolclass=sa.pool.StaticPool)
    store = RegistryStore(engine)
    store.create_tables()
    yield store
    engine.dispose()


def test_columns_are_those_of_the_contract():
    assert COLUMNS == (
        "sha256",
        "kind",
        "unit",
        "full_name",
        "position",
        "capacity",
        "valid_from",
        "valid_to",
        "source",
    )


def test_a_certificate_speaks_for_its_unit_within_its_days_only(tmp_path):
    file = tmp_path / "registry.csv"
    file.write_text(HEADER + f"{A},organisation,H58,,,,2023-01-01,2025-07-01,QĐ 1\n", encoding="utf-8")
    registry = CsvRegistry.from_path(file)
    assert isinstance(registry, CertificateRegistry)
    entry = registry.lookup(A.upper(), MERGER - timedelta(seconds=1))
    assert (entry.kind, entry.unit, entry.local) == (HolderKind.ORGANISATION, UnitId.parse("H58"), True)
    assert registry.lookup(A, MERGER) is None
    assert registry.lookup(A, datetime(2022, 12, 31, 16, 59, tzinfo=UTC)) is None
    assert registry.lookup(A, datetime(2022, 12, 31, 17, 0, tzinfo=UTC)) is not None
    assert registry.lookup(B, NOW) is None
    with pytest.raises(UsageError):
        registry.lookup(A, datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_person_holds_positions_and_capacities_each_with_its_days():
    registry = MemoryRegistry(
        read(
            f"{A},person,H58.12,Nguyễn Văn A,Chủ tịch,TM.|,2023-01-01,,QĐ 1",
            f"{A},person,H58.12,Nguyễn Văn A,Phó Chủ tịch,KT.(QĐ CV),2024-01-01,2025-01-01,QĐ 2",
        )
    )
    both = registry.lookup(A, datetime(2024, 6, 1, tzinfo=UTC))
    assert both.positions == ("Chủ tịch", "Phó Chủ tịch")
    assert both.capacities == {SigningCapacity.TM, SigningCapacity.OWN, SigningCapacity.KT}
    deputy = next(mandate for mandate in both.mandates if mandate.capacity is SigningCapacity.KT)
    assert deputy.covers("QĐ")
    assert not deputy.covers("BC")
    assert registry.lookup(A, NOW).positions == ("Chủ tịch",)


def test_renewed_certificates_overlap_and_each_is_judged_for_itself():
    registry = MemoryRegistry(
        read(f"{A},organisation,H58,,,,2023-01-01,2024-01-01,", f"{B},organisation,H58,,,,2023-12-01,2025-01-01,")
    )
    both = datetime(2023, 12, 15, tzinfo=UTC)
    assert registry.lookup(A, both).unit == registry.lookup(B, both).unit


def test_every_fault_of_every_row_is_named_by_line_and_column():
    assert faults(
        "xyz,person,H58,Nguyễn Văn A,,,,,",
        f"{A},robot,H58,,,,,,",
        f"{A},person,Н58,Nguyễn Văn A,,,,,",
        f"{A},person,H58,,,,,,",
        f"{A},person,H58,Nguyễn Văn A,,PP.,,,",
        f"{A},organisation,H58,,,TM.,,,",
        f"{B},organisation,H58,,,,2025-01-01,2024-01-01,",
        f"{B},organisation,H58,,,,01/01/2025,,",
        f"{C},person,H58,Nguyễn Văn A,,KT.<TUQ.,,,",
    ) == [
        (2, "sha256", "EDX-TABLE-VALUE"),
        (3, "kind", "EDX-TABLE-VALUE"),
        (4, "unit", "EDX-UNIT-CHARACTER"),
        (5, "full_name", "EDX-TABLE-VALUE"),
        (6, "capacity", "EDX-TABLE-VALUE"),
        (7, "capacity", "EDX-TABLE-VALUE"),
        (8, "valid_to", "EDX-TABLE-VALUE"),
        (9, "valid_from", "EDX-TABLE-VALUE"),
        (10, "capacity", "EDX-REGISTRY-DELEGATION"),
    ]


def test_one_certificate_never_belongs_to_two_holders_at_once():
    assert faults(f"{A},organisation,H58,,,,,,", f"{A},organisation,G22,,,,,,") == [
        (3, "sha256", "EDX-REGISTRY-CONFLICT")
    ]
    assert len(read(f"{A},organisation,H58,,,,,2025-07-01,", f"{A},organisation,H20,,,,2025-07-01,,")) == 2


def test_an_authorisation_is_never_passed_on_and_an_order_only_to_a_deputy():
    assert not any(may_pass_on(SigningCapacity.TUQ, given) for given in SigningCapacity)
    assert [given for given in SigningCapacity if may_pass_on(SigningCapacity.TL, given)] == [SigningCapacity.KT]
    (entry,) = read(f"{A},person,H58,Nguyễn Văn A,Phó phòng,KT.<TL.,,,QĐ 3")
    assert entry.mandates[0].passed_on_by is SigningCapacity.TL


def test_an_authorisation_without_paper_end_or_subject_is_doubted():
    loose = Mandate("Trưởng phòng", SigningCapacity.TUQ)
    assert len(doubts(loose)) == 3
    tight = Mandate("Trưởng phòng", SigningCapacity.TUQ, frozenset({"CV"}), NOW, NOW + timedelta(days=30), "GUQ 1")
    assert doubts(tight) == ()
    assert doubts(Mandate("Phó", SigningCapacity.KT)) == ()


def test_a_local_row_never_overrules_a_signed_one():
    mine = RegistryEntry(A, HolderKind.ORGANISATION, UnitId.parse("G22"))
    signed = RegistryEntry(A, HolderKind.ORGANISATION, UnitId.parse("H58"), authority="signed")
    for order in ((mine, signed), (signed, mine)):
        found = MemoryRegistry(order).lookup(A, NOW)
        assert (found.unit, found.local) == (UnitId.parse("H58"), False)


def test_mandates_of_one_holder_never_pass_to_another():
    person = RegistryEntry(A, HolderKind.PERSON, UnitId.parse("G22"), "B", (Mandate("Bộ trưởng", SigningCapacity.OWN),))
    signed = RegistryEntry(A, HolderKind.PERSON, UnitId.parse("H58"), "A", authority="signed")
    assert MemoryRegistry((person, signed)).lookup(A, NOW).mandates == ()


def test_names_never_stand_in_a_repr():
    (entry,) = read(f"{A},person,H58,Nguyễn Văn A,Chủ tịch,TM.,,,")
    assert "Nguyễn" not in repr(entry)
    assert "Nguyễn" not in repr(MemoryRegistry([entry]))


mandates = st.builds(
    Mandate,
    st.sampled_from(["Chủ tịch", "Phó Chủ tịch; “phụ trách”"]),
    st.sampled_from([one for one in SigningCapacity if one is not SigningCapacity.TUQ]),
    st.frozensets(st.sampled_from(["QĐ", "CV", "BC"]), max_size=2),
)


@given(st.lists(mandates, min_size=1, max_size=4), st.booleans())
def test_what_is_written_is_read_back(held, closed):
    end = MERGER if closed else None
    held = tuple(Mandate(one.position, one.capacity, one.document_kinds, None, end, "QĐ 1") for one in held)
    entry = RegistryEntry(A, HolderKind.PERSON, UnitId.parse("0301234567"), "Nguyễn Văn A", held, None, end, "QĐ 1")
    again = read_registry_bytes(write_registry([entry]).encode())
    assert {mandate for one in again for mandate in one.mandates} == set(held)
    assert {(one.unit, one.full_name, one.valid_to) for one in again} == {(entry.unit, entry.full_name, end)}


def test_2565_certificates_are_taken_in_at_once_and_once_only(store):
    rows = "".join(f"{n:064x},organisation,H58.{n % 90 + 10:02},,,,2023-01-01,2028-01-01,VGCA\n" for n in range(327))
    rows += "".join(
        f"{n:064x},person,H58.12,Nguyễn Văn A{n},Cán bộ,,2023-01-01,2028-01-01,VGCA\n" for n in range(327, 2565)
    )
    assert store.take_in((HEADER + rows).encode()) == 2565
    assert store.take_in((HEADER + rows).encode()) == 0
    assert len(store.load()) == 2565
    assert store.lookup(f"{2000:064x}", NOW).full_name == "Nguyễn Văn A2000"
    assert isinstance(store, CertificateRegistry)


def test_an_import_that_takes_a_certificate_from_its_holder_changes_nothing(store):
    store.take_in((HEADER + f"{A},organisation,H58,,,,,,\n").encode())
    with pytest.raises(FaultyTable) as refused:
        store.take_in((HEADER + f"{B},organisation,G22,,,,,,\n{A},organisation,G22,,,,,,\n").encode())
    assert [(fault.line, fault.column) for fault in refused.value.faults] == [(3, "sha256")]
    assert store.lookup(B, NOW) is None


def test_a_clerk_confirms_an_unknown_certificate_by_one_act(store):
    assert store.lookup(A, NOW) is None
    store.confirm(":".join([A[:2]] * 32), kind=HolderKind.ORGANISATION, unit=UnitId.parse("H58.12"), by="văn thư")
    entry = store.lookup(A, NOW)
    assert (entry.unit, entry.local, entry.source) == (UnitId.parse("H58.12"), True, "confirmed by văn thư")
    with pytest.raises(UsageError):
        store.confirm("abc", kind=HolderKind.DEVICE, unit=UnitId.parse("H58"), by="x")
    with pytest.raises(FaultyTable):
        store.confirm(A, kind=HolderKind.ORGANISATION, unit=UnitId.parse("G22"), by="x")


def test_a_renewal_carries_unit_name_and_mandates_over(store):
    row = f"{A},person,H58.12,Nguyễn Văn A,Chủ tịch,TM.(QĐ),2023-01-01,2024-06-01,QĐ 1\n"
    store.take_in((HEADER + row).encode(), authority="signed")
    begin, end = datetime(2024, 5, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)
    store.renew(A, B, valid_from=begin, valid_to=end, source="gia hạn")
    entry = store.lookup(B, datetime(2024, 5, 15, tzinfo=UTC))
    assert (entry.full_name, entry.positions, entry.local) == ("Nguyễn Văn A", ("Chủ tịch",), True)
    assert store.lookup(A, datetime(2024, 5, 15, tzinfo=UTC)) is not None
    with pytest.raises(StateError):
        store.renew(C, B, valid_from=begin, valid_to=end, source="x")


def test_a_mandate_never_grows_by_a_renewal(store):
    row = f"{A},person,H58.12,Nguyễn Văn A,Phó phòng,TUQ.(CV),2024-01-01,2024-06-01,GUQ 1\n"
    store.take_in((HEADER + row).encode())
    store.renew(
        A, B, valid_from=datetime(2024, 5, 1, tzinfo=UTC), valid_to=datetime(2027, 1, 1, tzinfo=UTC), source="x"
    )
    assert store.lookup(B, datetime(2024, 5, 15, tzinfo=UTC)).mandates
    assert store.lookup(B, datetime(2024, 7, 1, tzinfo=UTC)).mandates == ()


def test_the_registry_of_the_test_pki_is_read():
    row = Registration(A, "person", "H58.12.01", "Nguyễn Văn A", "Chủ tịch", "TM.", NOW, None, "test")
    (entry,) = read_registry_bytes(write_registrations([row]).encode())
    assert (entry.kind, entry.full_name) == (HolderKind.PERSON, "Nguyễn Văn A")


def test_a_forged_entry_is_closed_and_makes_way_for_the_genuine_one(store):
    store.take_in(table(f"{A},organisation,H58,,,,,,"))
    genuine = table(f"{A},organisation,G22,,,,,,")
    with pytest.raises(FaultyTable):
        store.take_in(genuine)
    assert store.close(A, by="văn thư") == 1
    assert store.lookup(A, NOW) is None
    assert store.take_in(genuine) == 1
    assert store.lookup(A, NOW).unit == UnitId.parse("G22")


def test_an_entry_closed_at_a_moment_held_before_it(store):
    store.take_in(table(f"{A},person,H58,Nguyễn Văn A,Trưởng phòng,,,,"))
    store.close(A, by="văn thư", at=NOW)
    assert store.lookup(A, NOW) is None
    assert store.lookup(A, NOW - timedelta(seconds=1)).positions == ("Trưởng phòng",)
    with pytest.raises(StateError):
        store.close(A, by="văn thư", at=NOW)


def test_only_this_offices_own_entries_are_closed(store):
    store.take_in(table(f"{A},organisation,H58,,,,,,"), authority="signed")
    with pytest.raises(StateError):
        store.close(A, by="văn thư")
    assert store.lookup(A, NOW) is not None
