"""Fuzz the doors with atheris: python tools/fuzz.py [--seconds N] [TARGET]…, or all of them, for N seconds each.

What breaks is left in ./fuzz-findings with the command that repeats it. Needs the extra `fuzz`; `make fuzz` installs
it. Without it the hypothesis tests of the rooms do the same more slowly.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
FINDINGS = Path("fuzz-findings")
LONGEST = 64 * 1024
"""Bytes of an input: seeds have some KB."""


def drive(target: str, corpus: Path, arguments: list[str]) -> None:
    """Hand one target to libFuzzer, which ends the process; a folder as corpus gets the target's seeds first."""
    import atheris  # noqa: PLC0415 - only the driver needs it

    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["edocx"]):
        from fuzz_targets import TARGETS  # noqa: PLC0415 - instrumented as it is loaded

    act, seeds = TARGETS[target]
    if corpus.is_dir():
        # Made here, for they are signed with keys that live as long as this process.
        for place, seed in enumerate(seeds()):
            (corpus / f"seed-{place}").write_bytes(seed)
    atheris.Setup([sys.argv[0], str(corpus), *arguments], act)
    atheris.Fuzz()


def run(targets: list[str], seconds: int) -> int:
    """Fuzz each target for some seconds from its own seeds; return how many broke."""
    sys.path.insert(0, str(HERE))
    from fuzz_targets import TARGETS  # noqa: PLC0415 - for the names; the driver loads it instrumented

    broken = 0
    for name in targets or list(TARGETS):
        with tempfile.TemporaryDirectory(prefix="edocx-corpus-") as corpus:
            FINDINGS.mkdir(exist_ok=True)
            bounds = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=30", "-rss_limit_mb=2048"]
            where = f"-artifact_prefix={FINDINGS}/{name}-"
            print(f"fuzz {name}: {seconds} s", flush=True)
            command = [sys.executable, __file__, "--drive", name, corpus, *bounds, where, "-print_final_stats=1"]
            done = subprocess.run(command, check=False, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True)
            lines = done.stdout.splitlines()
            print("\n".join(line for line in lines if line.startswith("stat::number_of_executed")), flush=True)
            if done.returncode:
                broken += 1
                print("\n".join(lines[-60:]))
                print(f"repeat: {sys.executable} {__file__} --drive {name} {FINDINGS}/{name}-…", flush=True)
    if not any(FINDINGS.iterdir()):
        FINDINGS.rmdir()
    return broken


def main() -> int:
    """Read the command line."""
    if sys.argv[1:2] == ["--drive"]:
        drive(sys.argv[2], Path(sys.argv[3]), sys.argv[4:])
        return 0
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120)
    parser.add_argument("targets", nargs="*")
    chosen = parser.parse_args()
    return run(chosen.targets, chosen.seconds)


if __name__ == "__main__":
    sys.exit(main())
