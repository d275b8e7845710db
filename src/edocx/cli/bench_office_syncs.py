"""How often a commit makes the disk sync, counted by strace: once, for payloads that lie in the database."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

COMMITS = 20

_SCRIPT = f"""
import os, sys
from pathlib import Path
from edocx.content import Blob
from edocx.routing.database import Store
from edocx.routing.parcel import Parcel

def queue(store, number):
    payload = Blob.from_bytes(os.urandom(2000))
    with store.begin("send") as tx:
        tx.register.reserve("H58", "di", 2024, f"d{{number}}")
        parcel = Parcel.of(payload, sender="H58", recipients=("G22",), document_id=f"d{{number}}", created_at=tx.now)
        tx.submit(parcel, payload)

with Store.open(Path(sys.argv[1])) as store:
    queue(store, 0)
    Path(sys.argv[1] + ".marked").touch()
    for number in range(1, {COMMITS} + 1):
        queue(store, number)
    Path(sys.argv[1] + ".done").touch()
"""


def syncs_a_commit(folder: Path) -> dict[str, Any] | None:
    """Return the figure, or None where strace is missing or not allowed."""
    strace = shutil.which("strace")
    if strace is None:
        return None
    log = folder / "strace.log"
    watched = "trace=fsync,fdatasync,sync_file_range,openat"
    command = [strace, "-f", "-e", watched, "-o", str(log), sys.executable, "-c", _SCRIPT, str(folder / "syncs.db")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    if done.returncode != 0:
        return None
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    begun = next(n for n, line in enumerate(lines) if ".marked" in line)
    ended = next(n for n, line in enumerate(lines) if ".done" in line)
    count = sum(1 for line in lines[begun:ended] if re.search(r"\b(f(data)?sync|sync_file_range)\(", line))
    return {
        "name": "syncs of the disk for a commit, 2 KB payload in the database",
        "value": round(count / COMMITS, 2),
        "unit": "syncs",
        "goal": "1",
        "peers": {},
    }
