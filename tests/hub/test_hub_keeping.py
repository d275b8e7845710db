"""What a hub keeps apart: its key, its backups, and everything from other users of the machine."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from hub_scene import SECRETS, A, B, OfficialClient, document, enrol, open_hub, serving

from edocx.errors import KeyFileError, UsageError
from edocx.hub import HubConfig, NewAgency, app, doctor
from edocx.hub.backup import backup, restore
from edocx.hub.vault import Vault, read_keys

LARGE = bytes(range(256)) * 2_000


def filled(hub):
    with serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        small = sender.send(document()).json()["DocId"]
        large = sender.send(document(number="2", content=LARGE)).json()["DocId"]
    return small, large


def test_a_backup_is_not_put_back_without_its_key_and_no_new_key_takes_its_place(tmp_path, clock):
    hub = open_hub(tmp_path / "a", clock=clock, unit="H58")
    public, kept = hub.service.relay_book.public_key.public_bytes_raw(), tmp_path / "kept"
    key = hub.service.config.key_path
    backup(hub.service.store, kept)
    hub.service.close()
    settings = HubConfig(database=tmp_path / "b" / "hub.db", unit="H58")
    with pytest.raises(UsageError, match="EDX-HUB-RESTORE-KEY") as refused:
        restore(kept, settings.database, key=settings.key_path)
    assert str(settings.key_path) in refused.value.hint.vi
    assert not settings.database.exists()
    Vault.from_path(tmp_path / "another.key", create=True)
    with pytest.raises(KeyFileError, match="EDX-HUB-KEY-FOREIGN"):
        restore(kept, settings.database, key=tmp_path / "another.key")
    restore(kept, settings.database)
    with pytest.raises(KeyFileError, match="EDX-HUB-KEY"):
        app(settings, clock=clock)
    assert not settings.key_path.exists()
    shutil.copy(key, settings.key_path)
    again = app(settings, clock=clock)
    assert again.service.relay_book.public_key.public_bytes_raw() == public  # it was in the backup, sealed
    assert public not in (kept / "hub.db").read_bytes()
    again.service.close()


def test_a_backup_whose_key_is_lost_is_put_back_without_its_secrets_when_told_so(tmp_path, clock):
    hub = open_hub(tmp_path / "a", clock=clock)
    small, _ = filled(hub)
    backup(hub.service.store, tmp_path / "kept")
    hub.service.close()
    settings = HubConfig(database=tmp_path / "b" / "hub.db")
    restore(tmp_path / "kept", settings.database, key=settings.key_path, without_key=True)
    again = app(settings, clock=clock)
    with serving(again) as address:
        assert OfficialClient(address, B, SECRETS[B]).call("getAgenciesList").status == 401
        enrol(again, NewAgency(B, "Văn phòng Chính phủ"))
        assert small in [row["docId"] for row in OfficialClient(address, B, SECRETS[B]).waiting()]
    again.service.close()


def test_the_relay_key_of_an_earlier_version_is_taken_over(tmp_path, clock):
    settings = HubConfig(database=tmp_path / "hub.db", unit="H58")
    seed = read_keys(settings.relay_key_path, create=True)[0]
    for _ in range(2):
        hub = app(settings, clock=clock)
        assert hub.service.relay_book.key.private_bytes_raw() == seed
        hub.service.close()
        settings.relay_key_path.unlink(missing_ok=True)


@pytest.mark.skipif(os.name == "nt", reason="POSIX rights")
@pytest.mark.parametrize("umask", [0o000, 0o022, 0o027])
def test_nobody_else_may_read_what_a_hub_makes(tmp_path, clock, umask, monkeypatch):
    made: list[tuple[str, int]] = []
    connect = sqlite3.connect

    def watched(place, *rest, **more):
        made.append((str(place), Path(place).stat().st_mode if Path(place).exists() else -1))
        return connect(place, *rest, **more)

    before = os.umask(umask)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", watched)
            patch.setattr("sqlite3.dbapi2.connect", watched)
            hub = open_hub(tmp_path / "a" / "b", clock=clock, unit="H58")
            with serving(hub) as address:
                OfficialClient(address, A, SECRETS[A]).send(document(content=LARGE))
                backup(hub.service.store, tmp_path / "kept")
                restore(tmp_path / "kept", tmp_path / "c" / "hub.db")
                found = {one: one.stat().st_mode for one in tmp_path.rglob("*")}
    finally:
        os.umask(before)
    assert [mode & 0o777 for place, mode in made if place.endswith("hub.db")], made
    assert {mode & 0o777 for place, mode in made} == {0o600}  # before SQLite wrote its first byte
    names = {one.name for one in found}
    assert {"hub.db", "hub.db-wal", "hub.db.key", "hub.db.payloads", "hub.db.spool", "a", "b", "c", "kept"} <= names
    assert any(part.name.endswith(".payloads") for one in found for part in one.parents)
    for one, mode in found.items():
        assert mode & 0o777 == (0o700 if one.is_dir() else 0o600), one
    hub.service.close()


def test_the_doctor_names_what_an_earlier_version_left_readable(tmp_path, clock):
    hub = open_hub(tmp_path / "a", clock=clock)
    assert "files" not in {one.name for one in doctor.examine(hub.service)}
    for one, mode in ((tmp_path, 0o755), (tmp_path / "a", 0o755), (hub.service.store.path, 0o644)):
        one.chmod(mode)
    (check,) = (one for one in doctor.examine(hub.service) if one.name == "files")
    assert (check.grade, "hub.db" in check.text.vi) == ("warning", True)
    hub.service.close()
