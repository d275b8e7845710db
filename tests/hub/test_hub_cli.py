"""``edocx hub`` as its keeper uses it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hub_scene import NOW, PATIENCE, OfficialClient, document

from edocx.cli import main
from edocx.hub import HubConfig, agencies
from edocx.hub.service import Service


@pytest.fixture
def edocx(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["hub", *arguments, "--lang", "en"])
        code = ended.value.code
        return int(code or 0), capfd.readouterr().out

    return run


def test_serve_without_settings_is_a_working_sandbox(tmp_path):
    command = [sys.executable, "-m", "edocx", "--lang", "en", "hub", "serve", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as running:
        told = []
        while "client.max-error-retry" not in "".join(told[-1:]) or sum("systemid" in line for line in told) < 2:
            told.append(running.stdout.readline())
            assert told[-1], told
        settings = [line.strip().partition("=")[2] for line in told if "=" in line]
        endpoint, systems, secrets = settings[1], settings[2::7], settings[3::7]
        host, port = endpoint.removeprefix("http://").split(":")
        first, second = (
            OfficialClient((host, int(port)), system, secret) for system, secret in zip(systems, secrets, strict=True)
        )
        edxml = document(sender=systems[0], to=(systems[1],))
        assert first.send(edxml).json()["status"] == "OK"
        (row,) = second.waiting()
        assert second.call("downloadEdoc", None, method="GET", docId=row["docId"]).body == edxml
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) in {0, -signal.SIGTERM}


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_an_address_of_ipv6_is_printed_so_that_it_can_be_pasted(tmp_path):
    command = [sys.executable, "-m", "edocx", "--lang", "en", "hub", "serve", "--listen", "[::1]:0", "--db", "h.db"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True, env=os.environ.copy()) as running:
        told = running.stdout.readline()
        found = re.search(r"http://\[::1\]:(\d+)$", told.strip())
        assert found, told
        with socket.create_connection(("::1", int(found[1])), timeout=PATIENCE) as line:
            line.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 200")
        running.send_signal(signal.SIGTERM)
        assert running.wait(PATIENCE) in {0, -signal.SIGTERM}


@pytest.mark.parametrize("fault", ["no file", "no PEM", "another's key", "locked", "no certificate"])
def test_a_certificate_that_tls_cannot_use_is_named_before_anything_is_said_to_listen(tmp_path, edocx, capfd, fault):
    (certificate, key), (_, other) = pem(tmp_path, "a"), pem(tmp_path, "b")
    (tmp_path / "rubbish.pem").write_text("-----BEGIN CERTIFICATE-----\nAAAA\n")
    locked = tmp_path / "locked.pem"
    locked.write_bytes(key_of(key).private_bytes(*PEM, serialization.BestAvailableEncryption(b"x")))
    told = {
        "no file": ["--certificate", "none.pem", "--key", str(key)],
        "no PEM": ["--certificate", "rubbish.pem", "--key", str(key)],
        "another's key": ["--certificate", str(certificate), "--key", str(other)],
        "locked": ["--certificate", str(certificate), "--key", str(locked)],
        "no certificate": ["--key", str(key)],
    }[fault]
    code, out = edocx("serve", "--listen", "127.0.0.1:0", "--db", "hub.db", *told)
    assert (code, out) == (4, "")


PEM = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)


def key_of(path):
    return serialization.load_pem_private_key(path.read_bytes(), None)


def pem(folder, name):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW).not_valid_after(NOW.replace(year=2053))
    places = folder / f"{name}.crt", folder / f"{name}.key"
    places[0].write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    places[1].write_bytes(key.private_bytes(*PEM, serialization.NoEncryption()))
    return places


def test_an_agency_gets_its_secret_once_and_a_new_one_on_demand(edocx):
    code, out = edocx("agencies", "add", "H58.12", "--name", "Huyện", "--db", "hub.db", "--json")
    first = json.loads(out)
    assert (code, first["code"], bool(first["secret"])) == (0, "H58.12", True)
    assert (
        json.loads(edocx("agencies", "add", "H58.12", "--name", "Huyện A", "--db", "hub.db", "--json")[1])["secret"]
        is None
    )
    second = json.loads(edocx("agencies", "secret", "H58.12", "--db", "hub.db", "--json")[1])
    assert second["secret"] not in {None, first["secret"]}
    (row,) = json.loads(edocx("agencies", "list", "--db", "hub.db", "--json")[1])["agencies"]
    assert (row["name"], row["state"]) == ("Huyện A", "open")
    assert edocx("agencies", "close", "H58.12", "--db", "hub.db")[0] == 0
    assert json.loads(edocx("agencies", "list", "--db", "hub.db", "--json")[1])["agencies"][0]["state"] == "closed"


def test_what_is_not_named_anew_of_an_agency_stays(edocx):
    told = (
        "--old-code",
        "000.00.12.H58",
        "--parent",
        "H58",
        "--per-minute",
        "5",
        "--takes-types",
        "pdf",
        "--mail",
        "a@b.vn",
    )
    edocx("agencies", "add", "H58", "--name", "Tỉnh", "--db", "hub.db")
    assert edocx("agencies", "add", "h58.12 ", "--name", "Huyện", *told, "--db", "hub.db")[0] == 0
    edocx("agencies", "add", "hub.G22", "--name", "Trục", "--hub", "--db", "hub.db")
    edocx("agencies", "add", "G22", "--name", "VPCP", "--served-by", "hub.G22", "--db", "hub.db")
    before = rows(edocx)
    for code in ("000.00.12.H58", "hub.G22", "G22"):
        out = edocx("agencies", "add", code, "--name", "Tên mới", "--db", "hub.db", "--json")[1]
        assert json.loads(out)["secret"] is None
    kept = [{**one, "name": "Tên mới"} if one["code"] != "H58" else one for one in before]
    assert rows(edocx) == kept
    limits = stored("hub.db", "H58.12")
    assert (limits.per_minute, limits.takes_types) == (5, "pdf")
    assert (
        edocx(
            "agencies", "add", "H58.12", "--name", "x", "--clear", "parent", "--clear", "per-minute", "--db", "hub.db"
        )[0]
        == 0
    )
    limits = stored("hub.db", "H58.12")
    assert (limits.parent, limits.per_minute, limits.takes_types) == (None, None, "pdf")
    assert edocx("agencies", "add", "H58.12", "--name", "x", "--clear", "code", "--db", "hub.db")[0] == 2


@pytest.mark.parametrize(
    "told",
    [
        ("H58..12",),
        ("H58.АВ",),
        ("a b",),
        ("H58.1/../2",),
        ("H58.12", "--parent", "khong"),
        ("H58.12", "--old-code", "X1"),
    ],
)
def test_a_code_that_is_no_unit_s_is_not_entered(edocx, told):
    assert edocx("agencies", "add", *told, "--name", "x", "--db", "hub.db")[0] == 1
    assert rows(edocx) == []


def test_a_closed_agency_is_opened_again_by_name_only(edocx):
    add = ("agencies", "add", "H58.12", "--name", "Huyện", "--db", "hub.db")
    edocx(*add)
    edocx("agencies", "close", "H58.12", "--db", "hub.db")
    assert edocx(*add)[0] == 1
    assert stored("hub.db", "H58.12").state == "closed"
    assert edocx("agencies", "reopen", "H58.12", "--db", "hub.db")[0] == 0
    assert edocx(*add)[0] == 0
    assert stored("hub.db", "H58.12").state == "open"


@pytest.mark.parametrize(
    "told, expected",
    [
        (("H58.12", "--name", "x", "--mail", "a@b", "--clear", "mail"), 2),
        (("H58.12", "--name", "x", "--max-age", "5", "--clear", "max-age-seconds"), 2),
        (("H58.12", "--name", "x", "--parent", "H58.12"), 2),
        (("H58.12", "--name", "x", "--parent", "h58.12"), 2),
        (("H58.12", "--name", ""), 2),
        (("H58.12", "--name", "  "), 2),
        (("../../x", "--name", "x", "--hub"), 2),
        (("H58.12", "--name", "x", "--served-by", "../x"), 2),
        *(
            (("H58.12", "--name", "x", option, "9" * 23), 2)
            for option in ("--per-minute", "--max-age", "--takes-bytes")
        ),
        (("H58.12", "--name", "x", "--max-bytes", "9" * 19), 2),
    ],
)
def test_what_makes_no_sense_of_an_agency_is_not_entered(edocx, told, expected):
    assert edocx("agencies", "add", *told, "--db", "hub.db")[0] == expected
    assert rows(edocx) == []


def test_numbers_beyond_every_database_are_refused(edocx):
    edocx("agencies", "add", "H58.12", "--name", "Huyện", "--db", "hub.db")
    assert edocx("agencies", "secret", "H58.12", "--overlap", "9" * 10, "--db", "hub.db")[0] == 2
    assert edocx("agencies", "grant", "9" * 23, "--db", "hub.db")[0] == 2


def test_who_is_served_by_nobody_known_is_entered_with_a_word(monkeypatch, tmp_path, capfd):
    monkeypatch.chdir(tmp_path)
    for hub, told in (("hub.G22", True), ("hub.H37", False)):
        if not told:
            main_of("agencies", "add", hub, "--name", "Trục", "--hub", "--db", "hub.db")
            capfd.readouterr()
        main_of("agencies", "add", "G22", "--name", "VPCP", "--served-by", hub, "--db", "hub.db")
        assert ("no neighbouring hub" in capfd.readouterr().err) is told


def main_of(*arguments) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["hub", *arguments, "--lang", "en"])
    assert not ended.value.code


def rows(edocx) -> list[dict]:
    return json.loads(edocx("agencies", "list", "--db", "hub.db", "--json")[1])["agencies"]


def stored(place: str, code: str):
    service = Service.open(HubConfig(database=Path(place)))
    with service.store.read() as connection:
        found = agencies.require(connection, code)
    service.close()
    return found


def test_the_doctor_says_what_is_wrong(edocx, tmp_path):
    edocx("agencies", "add", "H58.12", "--name", "Huyện", "--db", "hub.db")
    code, out = edocx("doctor", "--db", "hub.db", "--json")
    assert code == 0
    assert {one["grade"] for one in json.loads(out)["checks"]} == {"ok"}
    (tmp_path / "hub.db.key").unlink()
    code, out = edocx("doctor", "--db", "hub.db", "--json")
    grades = {one["name"]: one["grade"] for one in json.loads(out)["checks"]}
    assert (code, grades["secrets"]) == (1, "error")


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (("serve", "--listen", "0.0.0.0:0", "--db", "hub.db"), 2),
        (("serve", "--listen", "nowhere", "--db", "hub.db"), 2),
        (("serve", "--listen", "127.0.0.1:99999", "--db", "hub.db"), 2),
        (("serve", "--listen", "127.0.0.1:²", "--db", "hub.db"), 2),
        (("serve", "--listen", "::1:8642", "--db", "hub.db"), 2),
        (("agencies", "close", "H99", "--db", "hub.db"), 1),
        (("agencies", "grant", "7", "--db", "hub.db"), 1),
        (("agencies", "list", "--db", "mysql://x"), 2),
        (("agencies", "list", "--config", "none.toml"), 4),
    ],
    ids=lambda value: value if isinstance(value, int) else value[1],
)
def test_exit_codes_are_those_of_the_contract(edocx, arguments, expected):
    assert edocx(*arguments)[0] == expected


def test_no_agency_stands_below_itself_however_many_links_lie_between(edocx):
    for code, above in (("H58.12", None), ("H58.12.01", "H58.12"), ("H58.12.02", "H58.12.01")):
        told = ("--parent", above) if above else ()
        assert edocx("agencies", "add", code, "--name", "x", *told, "--db", "hub.db")[0] == 0
    before = rows(edocx)
    for child in ("H58.12.01", "H58.12.02"):
        assert edocx("agencies", "add", "H58.12", "--name", "x", "--parent", child, "--db", "hub.db")[0] == 2
    assert edocx("agencies", "add", "H58.13", "--name", "x", "--parent", "H58.14", "--db", "hub.db")[0] == 0
    assert edocx("agencies", "add", "H58.14", "--name", "x", "--parent", "H58.13", "--db", "hub.db")[0] == 2
    assert [row for row in rows(edocx) if row["code"] != "H58.13"] == before


def test_an_old_code_is_another_than_the_code(edocx):
    assert edocx("agencies", "add", "H58.12", "--name", "x", "--old-code", "H58.12", "--db", "hub.db")[0] == 2
    assert rows(edocx) == []


def test_what_is_both_told_and_cleared_is_named_in_words(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(
            ["hub", "agencies", "add", "H58.12", "--name", "x", "--clear", "parent", "--parent", "H58", "--lang", "en"]
        )
    assert "--parent is both given and taken away" in " ".join(capfd.readouterr().err.split())


@pytest.mark.parametrize("listen", ["[::ffff:127.0.0.1]:0", "[::ffff:203.0.113.9]:8642", "203.0.113.9:8642"])
def test_an_address_where_nothing_can_listen_is_explained_in_the_reader_s_language(
    tmp_path, monkeypatch, capfd, listen
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hub.toml").write_text("plain_http = true\n", "utf-8")
    with pytest.raises(SystemExit):
        main(["hub", "serve", "--listen", listen, "--db", "hub.db", "--lang", "vi"])
    told = capfd.readouterr().err
    assert "máy này không có địa chỉ ấy" in " ".join(told.split())
    assert "assign" not in told
