"""What `edocx bench sign` says of tokens: figures where there is one, words where there is none."""

from __future__ import annotations

import os
import shutil

from edocx.cli import bench_sign_token


def test_a_token_is_measured_beside_itself_and_leaves_no_trace(tool):
    tool("softhsm2-util")
    before = os.environ.get("SOFTHSM2_CONF")
    alone, threads = bench_sign_token.measure_token()
    assert alone["value"] > 0
    assert alone["peers"]["python-pkcs11, one session"]["ratio"] > 0
    assert threads["value"] > 0
    assert os.environ.get("SOFTHSM2_CONF") == before


def test_without_a_token_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (figure,) = bench_sign_token.measure_token()
    assert "missing" in figure["peers"]["SoftHSM"]
