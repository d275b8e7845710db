"""``edocx hub`` as its keeper uses it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest
from hub_scene import PATIENCE, OfficialClient, document

from edocx.cli import main


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
        (("agencies", "close", "H99", "--db", "hub.db"), 1),
        (("agencies", "grant", "7", "--db", "hub.db"), 1),
        (("agencies", "list", "--db", "mysql://x"), 2),
        (("agencies", "list", "--config", "none.toml"), 4),
    ],
    ids=lambda value: value if isinstance(value, int) else value[1],
)
def test_exit_codes_are_those_of_the_contract(edocx, arguments, expected):
    assert edocx(*arguments)[0] == expected
