"""The other rooms read what the test PKI writes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from edocx.signing.keys import open_signer
from edocx.signing.trust import TrustStore
from edocx.testing import Pki
from edocx.units.registry import CsvRegistry

JUNE = datetime(2023, 6, 15, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("pki")
    Pki.create(key="rsa2048").save(place, unit="H58.10.05")
    return place


@pytest.mark.parametrize("kind", ["person", "organisation"])
def test_the_registry_answers_for_the_issued_keys(folder, kind):
    signer = open_signer(f"file:{folder / kind}.p12")
    entry = CsvRegistry.from_path(folder / "registry.csv").lookup(signer.certificate.sha256.hex(), JUNE)
    assert entry is not None
    assert (entry.kind, str(entry.unit)) == (kind, "H58.10.05")
    if kind == "person":
        assert (entry.full_name, entry.positions, entry.capacities) == ("Nguyễn Văn A", ("Chủ tịch",), {"TM."})


def test_a_trust_store_finds_one_anchor_one_intermediate_and_both_lists(folder):
    store = TrustStore.from_path(folder / "trust")
    assert len(store.anchors) == 1
    assert len(store.intermediates) == 1
    assert len(store.revocation_lists) == 2
