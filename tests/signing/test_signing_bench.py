"""What `edocx bench sign` says of tokens: figures where there is one, words where there is none."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

from edocx.cli import bench_sign_token

SCRIPT = """
import json
from edocx.cli.bench_sign_token import measure_token
print(json.dumps(measure_token()))
"""


def test_a_token_is_measured_beside_itself(tool):
    tool("softhsm2-util")
    # In a process of its own: a PKCS#11 module reads its settings once, and other tests have another token.
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    alone, threads = json.loads(done.stdout)
    assert alone["value"] > 0
    assert alone["peers"]["python-pkcs11, one session"]["ratio"] > 0
    assert threads["value"] > 0


def test_without_a_token_it_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    (figure,) = bench_sign_token.measure_token()
    assert "missing" in figure["peers"]["SoftHSM"]
