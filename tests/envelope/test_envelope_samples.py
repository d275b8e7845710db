from __future__ import annotations

import json
from pathlib import Path

import pytest
from envelope_scenario import SAMPLES, comparable

from edocx.envelope import open_envelope, read, write
from edocx.envelope.record import to_record
from edocx.errors import EdocxError

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(SAMPLES.rglob("*.edxml"))


def record_of(path: Path) -> dict:
    try:
        with open_envelope(path) as reading:
            return json.loads(json.dumps(to_record(reading, file=path.name)))
    except EdocxError as error:
        text = {"code": error.code, "vi": error.text.vi, "en": error.text.en, "where": error.where}
        return {"schema": 1, "file": path.name, "error": text}


def test_every_sample_has_a_golden_record(sample_files: list[Path]) -> None:
    assert {path.stem for path in sample_files} == {path.stem for path in GOLDEN.glob("*.json")}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_sample_reads_as_its_golden_record_says(path: Path) -> None:
    assert record_of(path) == json.loads((GOLDEN / f"{path.stem}.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
@pytest.mark.parametrize("profile", ["axis", "dotnet", "lgsp"])
def test_what_was_written_from_a_sample_reads_as_the_same_envelope(path: Path, profile: str, tmp_path: Path) -> None:
    try:
        first = read(path)
    except EdocxError:
        return
    whole = tuple(item for item in first.attachments if item.content is not None)
    first = first.model_copy(update={"attachments": whole})
    write(first, tmp_path / "again.edxml", profile)
    second = read(tmp_path / "again.edxml")
    write(second, tmp_path / "third.edxml", profile)
    assert comparable(second) == comparable(first)
    assert (tmp_path / "again.edxml").read_bytes() == (tmp_path / "third.edxml").read_bytes()


def test_the_zipped_files_of_the_official_builder_come_out_as_they_went_in(sample_files: list[Path]) -> None:
    folder = SAMPLES / "built"
    contents = [item.content.read() for item in read(folder / "sdk_new.edxml").attachments if item.content]
    assert contents == [(folder / name).read_bytes() for name in ("in.pdf", "in.xlsx", "ghi chú.txt")]
