"""The measurement of seals runs with its peers and without."""

from __future__ import annotations

from edocx.cli import bench_seal

FIGURES = ["seal, 10 KB", "read and verify the seal, 10 KB", "seal, 1 MB", "read and verify the seal, 1 MB"]


def test_a_peer_that_is_not_installed_is_named_as_missing(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_seal, "find_spec", lambda _name: None)
    figures = list(bench_seal.seals(tmp_path, 1_000_000, 1))
    assert [figure["name"] for figure in figures] == FIGURES
    for figure in figures:
        assert set(figure["peers"].values()) == {"missing: not installed"}


def test_the_peers_seal_and_verify_the_same_envelope(tmp_path):
    for figure in bench_seal.seals(tmp_path, 1_000_000, 1):
        measured = {peer: found for peer, found in figure["peers"].items() if isinstance(found, dict)}
        assert set(measured) == {"python-xmlsec", "signxml"}
        assert all(found["ratio"] > 0 for found in measured.values())
