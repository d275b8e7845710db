"""Memory does not grow with the file, and the key is loaded once."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import signing_samples as samples
from signing_samples import SIGNED_AT

from edocx.signing.pdf.sign import sign

MIB = 1024 * 1024
LIMIT = 96 * MIB
"""Peak of the whole process for a PDF of 500 MB."""

SCRIPT = """
    import sys
    from datetime import datetime, UTC
    from pathlib import Path
    from edocx.signing.keys import open_signer
    from edocx.signing.pdf.sign import sign
    signer = open_signer(f"file:{sys.argv[1]}")
    for source in sys.argv[2:]:
        sign(Path(source), Path(source + ".out"), signer, at=datetime(2023, 6, 15, tzinfo=UTC), field="Sig1")
    # Of this program alone: getrusage would count the parent's pages before exec as well.
    peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    print(int(peak.split()[1]) * 1024)
"""


def peak_of_signing(key: Path, *files: Path) -> int:
    if not Path("/proc/self/status").exists():
        pytest.skip("peak memory is read from /proc")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(key), *map(str, files)],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(done.stdout)


def test_signing_a_large_pdf_takes_no_more_memory_than_a_small_one(signing, tmp_path):
    size = 48 * MIB
    small = peak_of_signing(signing.folder / "person.p12", samples.heavy(tmp_path / "small.pdf", 64 * 1024))
    large = peak_of_signing(signing.folder / "person.p12", samples.heavy(tmp_path / "large.pdf", size))
    assert large < LIMIT
    assert large - small < 4 * MIB
    assert (tmp_path / "large.pdf.out").stat().st_size > size


@pytest.mark.slow
def test_half_a_gigabyte_is_signed_within_the_limit(signing, tmp_path):
    large = samples.heavy(tmp_path / "large.pdf", 500_000_000)
    assert peak_of_signing(signing.folder / "person.p12", large) < LIMIT


def test_many_signatures_read_the_key_file_once(signing, tmp_path, monkeypatch):
    opened = []
    real = Path.open

    def watch(path, *arguments, **options):
        opened.append(path.suffix)
        return real(path, *arguments, **options)

    draft = samples.plain(tmp_path / "draft.pdf")
    monkeypatch.setattr(Path, "open", watch)
    for number in range(5):
        sign(draft, tmp_path / f"{number}.pdf", signing.person, at=SIGNED_AT, field="Sig1")
    assert ".p12" not in opened
