"""Write the golden records of the sample envelopes: python tools/golden_envelopes.py.

Each file of ../shared/samples/edxml gives one JSON file under tests/envelope/golden: what a good reader
says of it (QCVN 102:2016 and the probes behind the samples' names), or the error it is refused with.
Read the difference before you commit it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edocx.envelope import open_envelope
from edocx.envelope.record import to_record
from edocx.errors import EdocxError

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT.parent / "shared" / "samples" / "edxml"
GOLDEN = ROOT / "tests" / "envelope" / "golden"


def record_of(path: Path) -> dict[str, Any]:
    """Return the record of a sample, or the error object it is refused with."""
    try:
        with open_envelope(path) as reading:
            return to_record(reading, file=path.name)
    except EdocxError as error:
        text = {"code": error.code, "vi": error.text.vi, "en": error.text.en, "where": error.where}
        return {"schema": 1, "file": path.name, "error": text}


def main() -> None:
    """Write them all."""
    GOLDEN.mkdir(parents=True, exist_ok=True)
    for path in sorted(SAMPLES.rglob("*.edxml")):
        text = json.dumps(record_of(path), ensure_ascii=False, indent=1)
        (GOLDEN / f"{path.stem}.json").write_text(text + "\n", encoding="utf-8")
        print(path.stem)


if __name__ == "__main__":
    main()
