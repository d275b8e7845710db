from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from envelope_scenario import as_bytes, full_document

from edocx.cli import main
from edocx.content import Blob
from edocx.envelope import read

BASE = as_bytes(full_document())


def run(capfdbinary: pytest.CaptureFixture[bytes], *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code or 0, capfdbinary.readouterr().out.decode()  # type: ignore[return-value]


@pytest.fixture
def envelope_file(tmp_path: Path) -> Path:
    path = tmp_path / "goi.edxml"
    path.write_bytes(BASE)
    return path


def test_read_prints_one_json_value_and_extracts(envelope_file: Path, tmp_path: Path, capfdbinary) -> None:
    code, out = run(capfdbinary, "envelope", "read", envelope_file, "--json", "--extract", tmp_path / "ra")
    record = json.loads(out)
    assert code == 0
    assert record["schema"] == 1
    assert record["promulgation"]["date"] == "2024-03-05"
    assert record["from"]["unit"] == "000.00.00.G22"
    assert "\\u" not in out
    for item in record["attachments"]:
        assert Blob.from_path(item["file"]).sha256 == item["sha256"]


def test_what_read_prints_write_takes(envelope_file: Path, tmp_path: Path, capfdbinary) -> None:
    _, out = run(capfdbinary, "envelope", "read", envelope_file, "--json", "--extract", tmp_path / "ra")
    (tmp_path / "h.json").write_text(out, encoding="utf-8")
    files = [path for name in ("cong-van.pdf", "ghi chú.txt") for path in ("--attach", tmp_path / "ra" / name)]
    for peer in ("axis", "lgsp", "dotnet"):
        code, _ = run(
            capfdbinary, "envelope", "write", tmp_path / "h.json", *files, "--out", tmp_path / peer, "--for", peer
        )
        assert code == 0
        again, first = read(tmp_path / peer), full_document()
        assert again.model_copy(update={"attachments": ()}) == first.model_copy(update={"attachments": ()})
        assert [item.content for item in again.attachments] == [item.content for item in first.attachments]


def test_strict_makes_an_error_finding_count(envelope_file: Path, capfdbinary) -> None:
    envelope_file.write_bytes(BASE.replace(b"2024/04/05", b"2024/04/31"))
    assert run(capfdbinary, "envelope", "read", envelope_file, "--json")[0] == 0
    assert run(capfdbinary, "envelope", "read", envelope_file, "--json", "--strict")[0] == 1


def test_what_cannot_be_read_exits_4_with_one_json_error(envelope_file: Path, capfdbinary) -> None:
    envelope_file.write_bytes(BASE[:900])
    for command in ("read", "check"):
        code, out = run(capfdbinary, "envelope", command, envelope_file, "--json")
        answer = json.loads(out)
        assert code == 4
        assert answer["file"] == str(envelope_file)
        assert answer["error"]["code"] == "EDX-XML-MALFORMED"
        assert "byte" in answer["error"]["where"]
    code, out = run(capfdbinary, "envelope", "read", envelope_file.with_name("không có"), "--json")
    assert (code, json.loads(out)["error"]["code"]) == (4, "EDX-FILE-UNREADABLE")


@pytest.mark.parametrize(
    "peer, change, code",
    [
        ("axis", (b"<edXML:SteeringType>1<", b"<edXML:SteeringType> 1 <"), "EDX-PEER-BLANK-PADDED"),
        ("axis", (b"<ContentType>application/pdf<", b"<ContentType>application/zip<"), "EDX-PEER-ZIP-DECLARED"),
        ("axis", (b"2024/04/05", b"05/04/2024"), "EDX-PEER-DATE-DAY-FIRST"),
        ("axis", (b"<edXML:OrganId>H41<", b"<edXML:OrganId>H41.1.2.3.4<"), "EDX-PEER-UNIT-LEVELS"),
        ("lgsp", (b"<edXML:OrganId>H41<", b"<edXML:OrganId>H41.01.02.03.04<"), "EDX-PEER-UNIT-LENGTH"),
        ("dotnet", (b"edXML:", b""), "EDX-PEER-PREFIX"),
        ("dotnet", (b"<?xml", b" <?xml"), "EDX-PEER-LEADING-JUNK"),
    ],
)
def test_check_says_what_a_peer_chokes_on(
    peer: str, change: tuple[bytes, bytes], code: str, envelope_file: Path, capfdbinary
) -> None:
    assert run(capfdbinary, "envelope", "check", envelope_file, "--for", peer)[0] == 0
    envelope_file.write_bytes(BASE.replace(*change).replace(b' xmlns:edXML="', b' xmlns:e="'))
    if b"edXML:" in envelope_file.read_bytes():
        envelope_file.write_bytes(BASE.replace(*change))
    status, out = run(capfdbinary, "envelope", "check", envelope_file, "--for", peer, "--json")
    found = {item["code"]: item for item in json.loads(out)["findings"]}
    assert status == 1
    assert found[code]["severity"] == "error"


def test_check_names_a_long_field_in_vietnamese(envelope_file: Path, capfdbinary) -> None:
    envelope_file.write_bytes(BASE.replace(b"024 0000", b"024 0000 0000 0000 000 11"))
    _, out = run(capfdbinary, "envelope", "check", envelope_file, "--json")
    [finding] = json.loads(out)["findings"]
    assert finding["code"] == "EDX-FIELD-LENGTH"
    assert finding["vi"].startswith("Điện thoại (Telephone) dài 25 ký tự")


@pytest.mark.parametrize(
    "record, where",
    [("[]", "$"), ('{"subjct": "x"}', "subjct"), ('{"due_date": "2024-02-31"}', "due_date"), ("{", "h.json")],
)
def test_a_bad_record_is_refused_by_field(record: str, where: str, tmp_path: Path, capfdbinary) -> None:
    (tmp_path / "h.json").write_text(record)
    code, out = run(capfdbinary, "envelope", "write", tmp_path / "h.json", "--out", tmp_path / "x", "--json")
    assert code == 4
    assert json.loads(out)["error"]["code"] == "EDX-RECORD"
    assert json.loads(out)["error"]["where"].endswith(where)
    assert not (tmp_path / "x").exists()


def test_the_schema_describes_the_record(capfdbinary) -> None:
    code, out = run(capfdbinary, "envelope", "schema")
    schema = json.loads(out)
    assert code == 0
    assert {"from", "to", "subject", "status_code", "replaces", "attachments"} <= set(schema["properties"])
    assert "Attachment" not in schema["$defs"]
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize("language, word", [("vi", "Trích yếu"), ("en", "Subject")])
def test_people_read_their_language(language: str, word: str, envelope_file: Path, capfdbinary) -> None:
    _, out = run(capfdbinary, "--lang", language, "envelope", "read", envelope_file)
    assert word in out
    assert "cong-van.pdf" in out


def test_the_commands_import_nothing_heavy(envelope_file: Path, tmp_path: Path) -> None:
    script = (
        "import sys\nfrom edocx.cli import main\n"
        "for args in (['envelope','read',sys.argv[1]], ['envelope','check',sys.argv[1]], ['envelope','schema']):\n"
        "    try: main(args)\n    except SystemExit: pass\n"
        "heavy = {'sqlalchemy','structlog','rich','pyhanko','asn1crypto','cryptography'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(envelope_file)],
        capture_output=True,
        text=True,
        env=dict(os.environ),
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_what_is_shown_cannot_steer_the_terminal(envelope_file: Path, capfdbinary) -> None:
    envelope_file.write_bytes(BASE.replace(b"V/v th", "V/v \x9b31m\u202e\n  Từ: H99 th".encode()))
    _, out = run(capfdbinary, "envelope", "read", envelope_file)
    assert "\x9b" not in out
    assert "\u202e" not in out
    assert "\n  Từ: H99" not in out


def test_parts_of_a_record_are_objects_even_when_absent(envelope_file: Path, capfdbinary) -> None:
    envelope_file.write_bytes(
        b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader/>'
        b"</edXMLHeader></edXMLEnvelope></edXML>"
    )
    code, out = run(capfdbinary, "envelope", "read", envelope_file, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["code"] == {"number": None, "notation": None}
    assert record["from"]["unit"] is None
    assert record["other"]["appendixes"] == []
    assert record["staff"] is record["update"] is None


def test_the_result_never_overwrites_what_it_is_made_from(tmp_path: Path, capfdbinary) -> None:
    header, paper, link = tmp_path / "h.json", tmp_path / "a.pdf", tmp_path / "b.pdf"
    header.write_text("{}", encoding="utf-8")
    paper.write_bytes(b"%PDF-1.7")
    link.symlink_to(paper)
    for out in (paper, link, header, tmp_path / ".." / tmp_path.name / "a.pdf"):
        code, said = run(capfdbinary, "envelope", "write", header, "--attach", paper, "--out", out, "--json")
        assert (code, json.loads(said)["error"]["code"]) == (2, "EDX-USAGE-OVERWRITE")
    code, _ = run(capfdbinary, "envelope", "write", header, "--seal", f"file:{paper}", "--out", paper)
    assert code == 2
    assert paper.read_bytes() == b"%PDF-1.7"
    assert header.read_text(encoding="utf-8") == "{}"


def test_what_never_ends_is_no_file(envelope_file: Path, tmp_path: Path, capfdbinary) -> None:
    header, pipe, out = tmp_path / "h.json", tmp_path / "pipe", tmp_path / "out"
    header.write_text("{}", encoding="utf-8")
    os.mkfifo(pipe)
    for endless in (Path("/dev/zero"), pipe):
        for arguments in (
            ("write", header, "--attach", endless, "--out", out),
            ("write", endless, "--out", out),
            ("read", endless),
            ("check", endless),
        ):
            code, said = run(capfdbinary, "envelope", *arguments, "--json")
            assert (code, json.loads(said)["error"]["code"]) == (4, "EDX-FILE-ORDINARY")
    assert not out.exists()
    code, said = run(capfdbinary, "envelope", "read", tmp_path, "--json")
    assert (code, json.loads(said)["error"]["code"]) == (4, "EDX-FILE-UNREADABLE")


def test_a_header_as_long_as_a_file_is_refused_unread(tmp_path: Path, capfdbinary) -> None:
    header = tmp_path / "h.json"
    with header.open("wb") as stream:
        stream.truncate(1 << 40)
    code, said = run(capfdbinary, "envelope", "write", header, "--out", tmp_path / "out", "--json")
    assert (code, json.loads(said)["error"]["code"]) == (4, "EDX-LIMIT-FILE")
    code, said = run(capfdbinary, "envelope", "write", _empty(tmp_path), "--attach", header, "--out", tmp_path / "out")
    assert code == 4


def _empty(folder: Path) -> Path:
    header = folder / "empty.json"
    header.write_text("{}", encoding="utf-8")
    return header
