"""``edocx verify`` and ``edocx trust``: exit codes, JSON, page, folders, processes, network only when asked."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from asn1crypto import x509 as asn1
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from edocx import cli
from edocx.clock import SystemClock
from edocx.signing import trust_pack
from edocx.signing.keys import open_signer
from edocx.signing.online import OnlineSource
from edocx.signing.pdf.sign import sign
from edocx.signing.report import Indication, SubIndication
from edocx.signing.trust import TrustStore
from edocx.testing import FixedClock, Pki, certificates
from edocx.testing.pki_server import open_server
from edocx.verification import verify

AT = "2023-06-16T09:00:00+07:00"


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A folder with a signed PDF, a changed one, one that is none, and the trust that goes with them."""
    import fpdf

    from edocx.clock import VIETNAM

    folder = tmp_path_factory.mktemp("verify")
    pki = Pki.create()
    pki.save(folder)
    document = fpdf.FPDF()
    document.add_page()
    plain = folder / "plain.pdf"
    document.output(str(plain))
    files = folder / "files"
    files.mkdir()
    from datetime import datetime

    at = datetime(2023, 6, 15, 9, tzinfo=VIETNAM)
    sign(plain, files / "good.pdf", open_signer(f"file:{folder}/person.p12"), at=at, field="S")
    data = (files / "good.pdf").read_bytes()
    (files / "changed.pdf").write_bytes(data.replace(b"/MediaBox", b"/mediaBox", 1))
    (files / "other.bin").write_bytes(b"nothing known")
    return folder


def run(capfd, *arguments) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        cli.main([str(one) for one in arguments])
    return int(caught.value.code or 0), capfd.readouterr().out


def test_exit_codes_say_what_became_of_the_file(scene, capfd):
    good, changed, other = (scene / "files" / name for name in ("good.pdf", "changed.pdf", "other.bin"))
    trust = ("--trust", scene / "trust", "--at", AT)
    assert run(capfd, "verify", good, *trust)[0] == 0
    assert run(capfd, "verify", changed, *trust)[0] == 1
    assert run(capfd, "verify", good, "--at", AT)[0] == 3
    assert run(capfd, "verify", other, *trust)[0] == 4
    assert run(capfd, "verify", good, "--policy", "no-such", *trust)[0] == 2
    assert run(capfd, "verify", good, other, *trust)[0] == 4
    assert run(capfd, "verify", good, other, changed, *trust)[0] == 1


def test_json_is_one_object_a_file_and_an_array_of_several(scene, capfd):
    good, other = scene / "files" / "good.pdf", scene / "files" / "other.bin"
    _, out = run(capfd, "verify", good, "--trust", scene / "trust", "--at", AT, "--json")
    value = json.loads(out)
    assert list(value) == [
        "schema", "file", "format", "policy", "indication", "sub_indication", "integrity", "signatures", "messages",
        "attachments",
    ]  # fmt: skip
    assert set(value["signatures"][0]) == {
        "id", "kind", "unit", "indication", "sub_indication", "integrity", "format", "level", "signing_time",
        "time_source", "algorithm", "covers", "certificate", "messages",
    }  # fmt: skip
    _, out = run(capfd, "verify", good, other, "--json")
    several = json.loads(out)
    assert [one["file"] for one in several] == [str(good), str(other)]
    assert several[1]["error"]["code"] == "EDX-FILE-KIND"


def test_a_folder_gives_the_same_with_processes_as_without(scene, capfd):
    options = ("--trust", scene / "trust", "--at", AT, "--json")
    alone, first = run(capfd, "verify", scene / "files", *options)
    several, second = run(capfd, "verify", scene / "files", "--jobs", "2", *options)
    assert alone == several == 1
    assert json.loads(first) == json.loads(second)
    assert len(json.loads(first)) == 3


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_page_loads_nothing_and_escapes_what_files_say(scene, capfd, tmp_path, language):
    evil = tmp_path / "<script>alert(1)<!--.pdf"
    evil.write_bytes((scene / "files" / "good.pdf").read_bytes())
    page = tmp_path / "page.html"
    options = ("--trust", scene / "trust", "--at", AT, "--html", page)
    code, _ = run(capfd, "--lang", language, "verify", evil, *options)
    assert code == 0
    text = page.read_text("utf-8")
    parser = _Tags()
    parser.feed(text)
    assert not {tag for tag, _ in parser.tags} & {"script", "img", "link", "iframe", "object"}
    assert all("src" not in attributes and "href" not in attributes for _, attributes in parser.tags)
    assert etree.fromstring(text.replace("<!DOCTYPE html>", "").replace('<meta charset="utf-8">', "")) is not None


def test_what_the_circular_wants_shown_stands_in_the_text(scene, capfd):
    _, out = run(capfd, "--lang", "vi", "verify", scene / "files" / "good.pdf", "--trust", scene / "trust", "--at", AT)
    for words in ("cấp và quản lý bởi", "thời gian ký", "nguyên vẹn", "chứng thư có hiệu lực", "còn hạn lúc đó", "CN="):
        assert words in out


def test_the_shipped_packs_are_what_their_fingerprints_say_and_do_not_mix(capfd):
    official, public = trust_pack.load_domain("vn-official"), trust_pack.load_domain("vn-public")
    assert all((official.anchors, official.intermediates, public.anchors))
    marks = {c.sha256 for c in (*official.anchors, *official.intermediates)}
    assert not marks & {c.sha256 for c in (*public.anchors, *public.intermediates)}
    code, out = run(capfd, "trust", "list", "--json")
    assert code == 0
    assert {row["pack"] for row in json.loads(out)["certificates"]} >= {"vn-official", "vn-public"}


def test_a_known_certificate_is_added_and_an_unknown_one_needs_a_decision(scene, capfd, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    known = Path(trust_pack.__file__).parent / "trust_data" / "rootcag2.crt"
    strange = tmp_path / "strange.pem"
    strange.write_bytes(Pki.create().root.certificate.public_bytes(Encoding.PEM))
    assert run(capfd, "trust", "add", known)[0] == 0
    assert run(capfd, "trust", "add", strange)[0] == 1
    assert run(capfd, "trust", "add", strange, "--unknown")[0] == 0
    code, out = run(capfd, "trust", "show", "user", "--json")
    assert (code, len(json.loads(out)["certificates"])) == (0, 2)
    assert run(capfd, "verify", scene / "files" / "good.pdf", "--trust", "user", "--at", AT)[0] == 3


@pytest.fixture
def served(monkeypatch, tmp_path):
    """A PKI whose certificates name a server that runs; the signature's trust has no list."""
    pki_holder = {}

    def start(at):
        server = open_server(pki_holder["pki"], FixedClock(at))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server

    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(certificates, "HOST", f"http://127.0.0.1:{port}")
    pki = pki_holder["pki"] = Pki.create()
    person = pki.issue_person("Nguyễn Văn A", "ỦY BAN THỬ NGHIỆM")
    person.save(tmp_path / "person.p12")
    at = SystemClock().now().replace(microsecond=0)
    server = open_server(pki, FixedClock(at), port=port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield pki, person, at, server
    server.shutdown()
    thread.join()
    server.server_close()


def _signed(tmp_path, at):
    import fpdf

    document = fpdf.FPDF()
    document.add_page()
    document.output(str(tmp_path / "plain.pdf"))
    return sign(
        tmp_path / "plain.pdf", tmp_path / "s.pdf", open_signer(f"file:{tmp_path / 'person.p12'}"), at=at, field="S"
    )


def _bare(pki) -> TrustStore:
    def load(certificate):
        return asn1.Certificate.load(certificate.public_bytes(Encoding.DER))

    return TrustStore(tuple(map(load, pki.anchors)), tuple(map(load, pki.intermediates)))


def test_revocation_is_asked_online_only_with_a_source(served, tmp_path):
    pki, person, at, _ = served
    out, trust = _signed(tmp_path, at), _bare(pki)
    assert verify(out, trust=trust, at=at).sub_indication is SubIndication.TRY_LATER
    source = OnlineSource(FixedClock(at), tmp_path / "cache")
    assert verify(out, trust=trust, at=at, source=source).indication is Indication.TOTAL_PASSED
    pki.revoke(person, at - timedelta(days=1))
    fresh = OnlineSource(FixedClock(at))
    assert verify(out, trust=trust, at=at, source=fresh).sub_indication is SubIndication.REVOKED_NO_POE


def test_a_server_that_is_away_leaves_the_verdict_indeterminate(served, tmp_path):
    pki, _, at, server = served
    out, trust = _signed(tmp_path, at), _bare(pki)
    server.shutdown()
    server.server_close()
    report = verify(out, trust=trust, at=at, source=OnlineSource(FixedClock(at)))
    assert report.sub_indication is SubIndication.TRY_LATER


def test_no_name_in_a_file_writes_lines_or_commands_to_the_terminal(tmp_path, capfd):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import pkcs7
    from cryptography.x509.oid import NameOID

    line = "evil.p7m: PASSED: intact and trusted"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"A\x1b[2J\r\n{line}\u202e")])
    key = ec.generate_private_key(ec.SECP256R1())
    begin, end = SystemClock().now() - timedelta(days=1), SystemClock().now() + timedelta(days=1)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
    certificate = made.not_valid_before(begin).not_valid_after(end).sign(key, hashes.SHA256())
    builder = pkcs7.PKCS7SignatureBuilder().set_data(b"x").add_signer(certificate, key, hashes.SHA256())
    place = tmp_path / f"a\x1b[31m\n{line}.p7m"
    place.write_bytes(builder.sign(Encoding.DER, [pkcs7.PKCS7Options.Binary]))
    for path in (place, tmp_path / f"none\x1b[31m\n{line}"):
        with pytest.raises(SystemExit) as caught:
            cli.main(["verify", str(path), "--html", str(tmp_path / "page.html")])
        said = "".join(capfd.readouterr())
        assert caught.value.code in {3, 4}
        assert "\x1b" not in said
        assert "\u202e" not in said
        assert line in " ".join(said.split()), "it is told, within a line"
        assert not any(one.startswith("evil") for one in said.splitlines())
    assert "\x1b" not in (tmp_path / "page.html").read_text("utf-8")
