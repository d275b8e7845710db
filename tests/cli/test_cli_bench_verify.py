"""The measurement of verifying: what it counts is so."""

from __future__ import annotations

from edocx.cli import bench_verify


def test_a_batch_of_shared_issuers_parses_each_list_once(tmp_path):
    found = bench_verify._batch(tmp_path / "batch", 40)
    lists = bench_verify.ISSUERS + 1
    assert found["peers"][f"revocation lists parsed (there are {lists})"] == lists
    assert found["value"] > 0


def test_single_files_are_measured_beside_pyhanko(tmp_path):
    pki = bench_verify.Pki.create()
    pki.save(tmp_path)
    keys = [bench_verify.open_signer(str(tmp_path / name)) for name in ("person.p12", "organisation.p12")]
    trust = bench_verify.TrustStore.from_path(tmp_path / "trust")
    figures = list(bench_verify._singles(tmp_path, keys, trust, 1))
    assert len(figures) == 3
    for figure in figures:
        assert figure["peers"]["pyHanko, a context for each file"]["ms"] > 0
