"""``edocx units snapshot``: published with real keys, taken by an office, and what an office makes of it."""

from __future__ import annotations

import json
import shutil
from datetime import timedelta

import pytest

from edocx.cli import main
from edocx.clock import SystemClock
from edocx.office import Office
from edocx.testing import Pki
from edocx.testing.clock import FixedClock
from edocx.units import UnitId
from edocx.units.trusted_store import TrustedStore

HEAD = "id,code,name,level,parent,from\n"
FINGERPRINT = "ab" * 32


class Hubs:
    """The national hub and the hub of H20: their keys, what they publish, and an office that takes it."""

    def __init__(self, folder, call):
        self.folder, self.call = folder, call
        pki = Pki.create(key="p256")
        for name in ("root", "root2", "time", "snap", "nation", "h20", "thief"):
            pki.issue_device(name, "TRỤC").save(folder / f"{name}.p12")
        pki.save_trust(folder / "trust")
        self.public = folder / "public"
        self.write("roles.json", {n: {"keys": [f"file:{self.key(k)}"]} for n, k in ROLES.items()})
        self.write("delegates.json", {"h20": {"keys": [self.uri("h20")], "prefixes": ["H20"]}})
        self.table("national.csv", "bo-moi,G42,Bộ Mới,central,,2026-01-01")
        self.table("h20.csv", "so-55,H20.55,Sở Năm Mươi Lăm,province,ubnd-dong-thap-2025,2025-07-01")
        (folder / "h20-registry.csv").write_text(
            f"sha256,kind,unit,full_name,position,capacity,valid_from,valid_to,source\n{FINGERPRINT},organisation,H20.55,,,,,,\n",
            encoding="utf-8",
        )

    def key(self, name):
        return self.folder / f"{name}.p12"

    def uri(self, name):
        return f"file:{self.key(name)}"

    def write(self, name, value):
        (self.folder / name).write_text(json.dumps(value), encoding="utf-8")

    def table(self, name, *rows):
        (self.folder / name).write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")

    def root(self, *keys):
        return self.ok("root", self.public, "--roles", self.folder / "roles.json", *self.signing(*(keys or ("root",))))

    def national(self):
        words = ("--role", "national", "--units", self.folder / "national.csv")
        return self.ok(
            "sign", self.public, *words, "--delegates", self.folder / "delegates.json", *self.signing("nation")
        )

    def h20(self, key="h20", registry=True):
        words = ("--role", "h20", "--units", self.folder / "h20.csv")
        words += ("--registry", self.folder / "h20-registry.csv") if registry else ()
        return self.ok("sign", self.public, *words, *self.signing(key))

    def make(self, *words):
        stamp = ("--timestamp-key", self.uri("time"))
        return self.ok("make", self.public, *self.signing("snap"), *stamp, *words)

    def publish(self):
        self.root()
        self.national()
        self.h20()
        self.make()

    def signing(self, *names):
        return [word for name in names for word in ("--key", self.uri(name))]

    def ok(self, *words):
        code, out, err = self.call("units", "snapshot", *words, "--json")
        assert code == 0, err + out
        return json.loads(out)

    def take(self, *words, folder=None):
        office = ("--office", self.folder / "office.toml", "--json")
        code, out, _ = self.call("units", "snapshot", "take", folder or self.public, *words, *office)
        return code, json.loads(out)

    def first(self):
        return self.take("--root", self.public / "1.root.json")

    def units(self, *words):
        code, out, _ = self.call("units", *words, "--office", self.folder / "office.toml", "--json")
        return code, json.loads(out)


ROLES = {"root": "root", "timestamp": "time", "snapshot": "snap", "national": "nation"}


@pytest.fixture
def call(capfd):
    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "en", *map(str, arguments)])
        said = capfd.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture
def hubs(tmp_path, call):
    (tmp_path / "office.toml").write_text(
        'unit = "H20"\nname = "Cơ quan"\naxis = "local:axis.db"\nstore = "office.db"\ntrust = ["trust"]\n'
    )
    return Hubs(tmp_path, call)


def test_what_is_published_is_taken_and_answers_say_signed(hubs):
    hubs.publish()
    code, said = hubs.first()
    assert code == 0
    assert (said["units"], said["certificates"], said["expired"]) == (2, 1, False)
    assert said["roles"]["h20"] == {"version": 1, "published": 1, "prefixes": ["H20"], "refused": None}
    code, shown = hubs.units("show", "H20.55")
    assert (code, shown["unit"]["authority"], shown["unit"]["local"]) == (0, "signed", False)
    assert shown["snapshot"]["expires"]
    assert hubs.units("snapshot", "show")[1]["roles"] == said["roles"]


def test_the_office_sends_and_judges_by_what_was_signed(hubs):
    hubs.publish()
    hubs.first()
    clock = FixedClock(SystemClock().now())
    with Office.open(hubs.folder / "office.toml", clock=clock) as office:
        desk = office._desk
        assert desk.directory.resolve("H20.55", clock.now()).authority == "signed"
        entry = desk.criteria.registry.lookup(FINGERPRINT, clock.now())
        assert (str(entry.unit), entry.local) == ("H20.55", False)
        assert "EDX-DOCTOR-DIRECTORY" not in {finding.code for finding in office.doctor()}
        clock.advance(timedelta(days=2))
        assert "EDX-DOCTOR-DIRECTORY" in {finding.code for finding in office.doctor()}


def test_a_local_table_never_overrules_what_was_signed(hubs, call):
    hubs.publish()
    hubs.first()
    stolen = hubs.folder / "stolen.csv"
    text = (hubs.folder / "h20-registry.csv").read_text(encoding="utf-8").replace("H20.55", "G22")
    stolen.write_text(text, encoding="utf-8")
    code, _, _ = call("units", "registry", "import", stolen, "--office", hubs.folder / "office.toml")
    assert code == 0
    clock = FixedClock(SystemClock().now())
    with Office.open(hubs.folder / "office.toml", clock=clock) as office:
        assert office._desk.criteria.registry.lookup(FINGERPRINT, clock.now()).unit == UnitId.parse("H20.55")
    hubs.table("mine.csv", "so-55,H20.55,Tên Riêng,province,ubnd-dong-thap-2025,2025-07-01")
    code, said = hubs.units("import", hubs.folder / "mine.csv")
    assert (code, said["error"]["faults"][0]["code"]) == (4, "EDX-UNITS-SIGNED")


def test_a_local_record_gives_way_once_its_code_is_signed(hubs):
    hubs.table("mine.csv", "my-55,H20.55,Tên Riêng,province,ubnd-dong-thap-2025,2025-07-01")
    assert hubs.units("import", hubs.folder / "mine.csv")[0] == 0
    assert hubs.units("show", "H20.55")[1]["unit"]["local"] is True
    hubs.publish()
    assert hubs.first()[1]["overruled"] == ["my-55"]
    shown = hubs.units("show", "H20.55")[1]["unit"]
    assert (shown["identity"], shown["local"]) == ("so-55", False)


def test_the_first_time_needs_a_root_and_the_right_one(hubs):
    hubs.publish()
    assert hubs.take()[1]["error"]["code"] == "EDX-UNITS-ROOT"
    shutil.copytree(hubs.public, hubs.folder / "other")
    hubs.write("roles.json", {name: {"keys": [hubs.uri("thief")]} for name in ROLES})
    (hubs.folder / "other" / "1.root.json").unlink()
    hubs.public = hubs.folder / "other"
    hubs.root("thief")
    code, said = hubs.take("--root", hubs.folder / "other" / "1.root.json")
    assert (code, said["error"]["code"]) == (1, "EDX-UNITS-UNSIGNED")


@pytest.mark.parametrize("file", ["timestamp.json", "snapshot.json", "national.json", "national.units.json"])
def test_an_older_file_among_newer_ones_is_refused_and_nothing_changes(hubs, file):
    hubs.publish()
    hubs.first()
    old = (hubs.public / file).read_bytes()
    hubs.table("national.csv", "bo-moi,G42,Bộ Đổi Tên,central,,2026-01-01")
    hubs.national()
    hubs.make()
    new = (hubs.public / file).read_bytes()
    (hubs.public / file).write_bytes(old)
    code, said = hubs.take()
    assert code == 1
    assert said["error"]["code"] == "EDX-UNITS-MIX"
    assert hubs.units("show", "G42")[1]["unit"]["name"] == "Bộ Mới"
    (hubs.public / file).write_bytes(new)
    assert hubs.take()[0] == 0
    assert hubs.units("show", "G42")[1]["unit"]["name"] == "Bộ Đổi Tên"


def test_a_whole_older_state_is_a_rollback(hubs):
    hubs.publish()
    shutil.copytree(hubs.public, hubs.folder / "old")
    hubs.make()
    hubs.first()
    code, said = hubs.take(folder=hubs.folder / "old")
    assert (code, said["error"]["code"]) == (1, "EDX-UNITS-ROLLBACK")


def test_an_expired_state_is_refused(hubs, monkeypatch):
    hubs.publish()
    hubs.first()
    late = SystemClock().now() + timedelta(days=3)
    monkeypatch.setattr("edocx.cli.units_place.now", lambda: late)
    code, said = hubs.take()
    assert (code, said["error"]["code"]) == (1, "EDX-UNITS-EXPIRED")
    assert hubs.units("snapshot", "show")[1]["expired"] is True
    assert hubs.units("show", "H20")[1]["snapshot"]["expired"] is True


def test_a_delegate_signed_by_another_key_is_named_and_the_rest_is_served(hubs):
    hubs.publish()
    hubs.first()
    hubs.h20(key="thief")
    hubs.make()
    code, said = hubs.take()
    assert code == 1
    assert said["roles"]["h20"]["refused"]["code"] == "EDX-UNITS-UNSIGNED"
    assert hubs.units("show", "H20.55")[1]["unit"]["authority"] == "signed"
    assert hubs.units("show", "G42")[0] == 0


def test_a_new_root_hands_over_and_old_keys_stop_counting(hubs):
    hubs.publish()
    hubs.first()
    hubs.write(
        "roles.json", {**{n: {"keys": [hubs.uri(k)]} for n, k in ROLES.items()}, "root": {"keys": [hubs.uri("root2")]}}
    )
    hubs.root("root", "root2")
    assert hubs.take()[1]["root"] == 2
    hubs.root("root")
    code, said = hubs.take()
    assert (code, said["error"]["code"]) == (1, "EDX-UNITS-UNSIGNED")


def test_a_delta_takes_the_place_of_the_whole(hubs):
    hubs.publish()
    hubs.first()
    hubs.table(
        "h20.csv",
        "so-55,H20.55,Sở Năm Mươi Lăm,province,ubnd-dong-thap-2025,2025-07-01",
        "so-56,H20.56,Sở Năm Mươi Sáu,province,ubnd-dong-thap-2025,2025-07-01",
    )
    hubs.h20()
    hubs.make()
    assert list(hubs.public.glob("h20.*.delta.json"))
    (hubs.public / "h20.units.json").unlink()
    assert hubs.take()[0] == 0
    assert hubs.units("show", "H20.56")[0] == 0


def test_what_is_kept_is_checked_again_when_the_office_opens(hubs):
    from dataclasses import replace

    from edocx.errors import Refused
    from edocx.routing.store.engine import sqlite_engine

    hubs.publish()
    hubs.first()
    store = TrustedStore(sqlite_engine(hubs.folder / "office.db"))
    taken = store.load()
    statement, contents, table = taken.roles["h20"]
    store.save(replace(taken, roles={**taken.roles, "h20": (statement, contents.replace(b"H20.55", b"H20.66"), table)}))
    with pytest.raises(Refused) as refused, Office.open(hubs.folder / "office.toml"):
        pass
    assert refused.value.code == "EDX-UNITS-MIX"


def test_the_commands_speak_to_people(hubs, call):
    hubs.publish()
    office = ("--office", hubs.folder / "office.toml")
    code, out, _ = call("units", "snapshot", "take", hubs.public, "--root", hubs.public / "1.root.json", *office)
    assert code == 0
    assert "good until" in out
    assert "h20" in out
    code, out, _ = call("units", "snapshot", "key", hubs.uri("h20"))
    assert out.startswith("ecdsa-sha256:")


def test_a_role_is_no_path(hubs, call):
    words = ("--role", "../h20", "--units", hubs.folder / "h20.csv", "--key", hubs.uri("h20"))
    code, _, err = call("units", "snapshot", "sign", hubs.public, *words)
    assert code == 2
    assert "EDX-UNITS-PUBLISH" in err


def test_a_delegate_has_a_name_that_can_be_taken(hubs, call):
    hubs.write("delegates.json", {"H20": {"keys": [hubs.uri("h20")], "prefixes": ["H20"]}})
    words = ("--role", "national", "--units", hubs.folder / "national.csv", "--key", hubs.uri("nation"))
    code, _, err = call("units", "snapshot", "sign", hubs.public, *words, "--delegates", hubs.folder / "delegates.json")
    assert code == 2
    assert "'H20'" in err


def test_a_delegates_file_that_is_withheld_leaves_the_state_before(hubs):
    hubs.publish()
    hubs.first()
    hubs.table("h20.csv", "so-55,H20.55,Tên Mới,province,ubnd-dong-thap-2025,2025-07-01")
    hubs.h20()
    hubs.make()
    (hubs.public / "h20.json").unlink()
    code, said = hubs.take()
    assert (code, said["error"]["code"]) == (1, "EDX-UNITS-ORDER")
    assert "h20" in said["error"]["en"]
    assert hubs.units("show", "H20.55")[1]["unit"]["name"] == "Sở Năm Mươi Lăm"


def test_a_delegate_that_says_too_much_goes_on_with_what_it_said_before(hubs):
    hubs.publish()
    hubs.first()
    hubs.table("h20.csv", "so-55,H20.55,Sở Năm Mươi Lăm,central,ubnd-dong-thap-2025,2025-07-01")
    hubs.h20()
    hubs.make()
    code, said = hubs.take()
    assert (code, said["roles"]["h20"]["refused"]["code"]) == (1, "EDX-UNITS-OVERREACH")
    # Another process, as every command is one: what was good before is still served, the refusal still named.
    assert hubs.units("show", "H20.55")[1]["unit"]["level"] == "province"
    shown = hubs.units("snapshot", "show")[1]
    assert shown["roles"]["h20"]["refused"]["code"] == "EDX-UNITS-OVERREACH"
    assert shown["certificates"] == 1
    assert hubs.take()[0] == 1
    assert hubs.units("show", "H20.55")[1]["unit"]["level"] == "province"
    hubs.table("h20.csv", "so-55,H20.55,Tên Đã Sửa,province,ubnd-dong-thap-2025,2025-07-01")
    hubs.h20()
    hubs.make()
    assert hubs.take()[0] == 0
    assert hubs.units("show", "H20.55")[1]["unit"]["name"] == "Tên Đã Sửa"
