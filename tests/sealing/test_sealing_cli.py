"""The seal on the command line: written, judged, and paid for only where there is one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from edocx.cli import main
from edocx.testing.registry import write_registrations


def run(capfdbinary, *arguments: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    return caught.value.code or 0, capfdbinary.readouterr().out.decode()


@pytest.fixture
def header(tmp_path):
    path = tmp_path / "h.json"
    record = {
        "from": {"unit": "H58.12.01", "name": "UBND xã Bình Đức"},
        "to": [{"unit": "G22", "name": "VPCP"}],
        "code": {"number": "01", "notation": "UBND-VP"},
        "document_id": "x",
        "subject": "Về việc thử",
        "business": "new",
    }
    path.write_text(json.dumps(record), encoding="utf-8")
    (tmp_path / "số liệu.txt").write_text("số liệu", encoding="utf-8")
    return path


@pytest.fixture
def written(header, workshop, capfdbinary):
    path = header.parent / "out.edxml"
    files = ("--attach", header.parent / "số liệu.txt")
    code, out = run(
        capfdbinary, "envelope", "write", header, *files, "--out", path, "--seal", f"file:{workshop.folder}/agency.p12",
        "--json",
    )  # fmt: skip
    assert code == 0, out
    assert json.loads(out)["seal"] == "B-B"
    return path


def test_a_written_seal_is_judged_with_trust_and_registry(written, workshop, capfdbinary):
    workshop.pki.register(workshop.agency, "H58.12.01")
    registry = written.parent / "registry.csv"
    registry.write_text(write_registrations(workshop.pki.registrations), encoding="utf-8")
    code, out = run(
        capfdbinary, "envelope", "read", written, "--json", "--trust", workshop.folder / "trust", "--registry", registry
    )
    seal = json.loads(out)["seal"]
    assert (code, seal["indication"], seal["integrity"]) == (0, "TOTAL-PASSED", "valid")
    assert [(s["format"], s["level"], s["kind"], s["unit"]) for s in seal["signatures"]] == [
        ("XAdES", "B-B", "organisation", "H58.12.01")
    ]


def test_without_trust_a_seal_is_intact_and_indeterminate(written, capfdbinary):
    code, out = run(capfdbinary, "envelope", "read", written, "--json")
    seal = json.loads(out)["seal"]
    assert (code, seal["schema"], seal["indication"]) == (0, 1, "INDETERMINATE")
    assert (seal["sub_indication"], seal["integrity"]) == ("NO_CERTIFICATE_CHAIN_FOUND", "valid")


def test_a_broken_seal_fails_under_strict_only(written, capfdbinary):
    written.write_bytes(written.read_bytes().replace("Về việc".encode(), "Về viêc".encode()))
    for arguments, expected in (((), 0), (("--strict",), 1)):
        code, out = run(capfdbinary, "envelope", "read", written, "--json", *arguments)
        assert (code, json.loads(out)["seal"]["integrity"]) == (expected, "invalid")


@pytest.mark.parametrize(
    "before,after", [(b"2000/09/xmldsig#", b"2000+09/xmldsig#"), (b"ds:Signature", b"ds:Sjgnature")]
)
def test_a_bent_seal_is_no_missing_one(written, capfdbinary, before, after):
    written.write_bytes(written.read_bytes().replace(before, after))
    code, out = run(capfdbinary, "envelope", "read", written, "--json", "--strict")
    assert (code, json.loads(out)["seal"]["indication"]) == (1, "TOTAL-FAILED")


@pytest.mark.parametrize("namespace", ["http://www.mic.gov.vn/TBT/QCVN_102_2016", "http://www.go.vn/eDoc"])
def test_the_dummy_in_the_envelopes_own_namespace_is_no_seal(tmp_path, capfdbinary, namespace):
    (tmp_path / "x.edxml").write_text(
        f'<edXML xmlns="{namespace}"><edXMLEnvelope><edXMLHeader><MessageHeader/><Signature><SignedInfo/>'
        "<SignatureValue>BBBB</SignatureValue></Signature></edXMLHeader></edXMLEnvelope></edXML>",
        encoding="utf-8",
    )
    code, out = run(capfdbinary, "envelope", "read", tmp_path / "x.edxml", "--json")
    assert (code, json.loads(out)["seal"]) == (0, None)
    _, out = run(capfdbinary, "verify", tmp_path / "x.edxml", "--json")
    assert json.loads(out)["indication"] == "NO-SIGNATURE"


def test_a_record_that_cannot_be_sealed_is_refused_by_its_member(header, workshop, capfdbinary):
    """The list-level Paper of the official update sample stands where no seal reaches."""
    record = json.loads(header.read_text("utf-8")) | {"business": "update", "trace_paper": 0}
    header.write_text(json.dumps(record), encoding="utf-8")
    key = f"file:{workshop.folder}/agency.p12"
    code, out = run(capfdbinary, "envelope", "write", header, "--out", header.with_name("x"), "--seal", key, "--json")
    error = json.loads(out)["error"]
    assert (code, error["code"]) == (2, "EDX-SEAL-OUTSIDE")
    assert error["where"].endswith("TraceHeaderList/Paper (trace_paper)")
    assert "“trace_paper”" in error["hint"]["vi"]
    record["paper"] = record.pop("trace_paper")
    header.write_text(json.dumps(record), encoding="utf-8")
    code, _ = run(capfdbinary, "envelope", "write", header, "--out", header.with_name("x"), "--seal", key, "--json")
    assert code == 0


def test_an_envelope_without_seal_has_none(header, capfdbinary):
    path = header.parent / "bare.edxml"
    assert run(capfdbinary, "envelope", "write", header, "--out", path)[0] == 0
    _, out = run(capfdbinary, "envelope", "read", path, "--json")
    assert json.loads(out)["seal"] is None


def test_people_read_the_verdict_in_their_language(written, workshop, capfdbinary):
    for language, words in (("vi", "còn nguyên vẹn và được tin cậy"), ("en", "intact and trusted")):
        _, out = run(capfdbinary, "--lang", language, "envelope", "read", written, "--trust", workshop.folder / "trust")
        assert words in out


def test_the_seals_options_need_a_key(header, capfdbinary):
    code, out = run(capfdbinary, "envelope", "write", header, "--out", header.parent / "x", "--detached-seal", "--json")
    assert (code, json.loads(out)["error"]["code"]) == (2, "EDX-USAGE-SEAL")
    assert not (header.parent / "x").exists()


def test_a_wrong_password_exits_1_and_writes_nothing(header, workshop, capfdbinary, monkeypatch):
    workshop.agency.save(header.parent / "locked.p12", password=b"dung")
    monkeypatch.setenv("EDOCX_KEY_PASSWORD", "sai")
    target = header.parent / "x"
    code, out = run(
        capfdbinary,
        "envelope",
        "write",
        header,
        "--out",
        target,
        "--seal",
        f"file:{header.parent}/locked.p12",
        "--json",
    )
    assert (code, json.loads(out)["error"]["code"]) == (1, "EDX-KEY-PASSWORD")
    assert "sai" not in out
    assert not target.exists()


def test_the_detached_form_travels_along(header, workshop, capfdbinary):
    path = header.parent / "both.edxml"
    key = f"file:{workshop.folder}/agency.p12"
    code, _ = run(capfdbinary, "envelope", "write", header, "--out", path, "--seal", key, "--detached-seal")
    assert code == 0
    _, out = run(capfdbinary, "envelope", "read", path, "--json", "--trust", workshop.folder / "trust")
    record = json.loads(out)
    assert [item["name"] for item in record["attachments"]] == ["edxml-seal.xml"]
    assert record["seal"]["indication"] == "TOTAL-PASSED"


def test_a_seal_costs_neither_pyhanko_nor_sqlalchemy(written, workshop):
    """Each of them takes 15 MiB and more of the 64 that a process may have."""
    script = (
        "import sys\nfrom edocx.cli import main\n"
        "try: main(['envelope','read',sys.argv[1],'--trust',sys.argv[2]])\nexcept SystemExit: pass\n"
        "heavy = {'sqlalchemy','structlog','rich','pyhanko'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(written), str(workshop.folder / "trust")],
        capture_output=True, text=True, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
