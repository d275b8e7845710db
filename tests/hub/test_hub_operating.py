"""Keeping a hub: backup and restore, retention, readiness by dependency, draining, mounting, what is logged."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from hub_clamd import fake_clamd
from hub_nation import COMMUNE, FAR, Nation
from hub_scene import PATIENCE, SECRETS, A, B, C, OfficialClient, document, exchange, open_hub, serving
from starlette.applications import Starlette
from starlette.routing import Mount

from edocx.cli import main
from edocx.errors import StoreUnavailable, UsageError
from edocx.hub import HubConfig, Peer, app, doctor
from edocx.hub.backup import backup, restore
from edocx.hub.configuration import DoorPolicy
from edocx.hub.retention import erased, sweep
from edocx.hub.schema import payload_pieces

LARGE = bytes(range(256)) * 2_000


def get(address, path):
    return exchange(address, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())


def filled(hub):
    with serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        small = sender.send(document()).json()["DocId"]
        large = sender.send(document(number="2", content=LARGE)).json()["DocId"]
    return small, large


def test_a_backup_put_back_elsewhere_gives_out_every_message_and_takes_repeats(tmp_path, clock):
    hub = open_hub(tmp_path / "a", clock=clock)
    small, large = filled(hub)
    kept = backup(hub.service.store, tmp_path / "kept")
    assert (kept.messages, kept.files) == (2, 1)
    assert SECRETS[A].encode() not in (tmp_path / "kept" / "hub.db").read_bytes()
    assert not list((tmp_path / "kept").glob("*key*"))
    hub.service.close()
    settings = HubConfig(database=tmp_path / "b" / "hub.db", key=hub.service.config.key_path)
    assert restore(tmp_path / "kept", settings.database) == kept
    again = app(settings, clock=clock)
    with serving(again) as address:
        sender, receiver = (OfficialClient(address, code, SECRETS[code]) for code in (A, B))
        assert [row["docId"] for row in receiver.waiting()] == [small, large]
        body = receiver.call("downloadEdoc", None, method="GET", docId=large).body
        assert body == document(number="2", content=LARGE)
        assert sender.send(document()).json()["DocId"] == small
    again.service.close()


@pytest.mark.parametrize("harm", ["payload gone", "payload changed", "database cut", "nothing there"])
def test_a_backup_that_is_not_whole_is_said_so_and_writes_nothing(tmp_path, clock, harm):
    hub = open_hub(tmp_path / "a", clock=clock)
    filled(hub)
    kept = tmp_path / "kept"
    backup(hub.service.store, kept)
    hub.service.close()
    (file,) = (path for path in kept.rglob("*") if path.is_file() and path.name != "hub.db")
    match harm:
        case "payload gone":
            file.unlink()
        case "payload changed":
            file.write_bytes(b"x" * file.stat().st_size)
        case "database cut":
            (kept / "hub.db").write_bytes((kept / "hub.db").read_bytes()[:20_000])
        case _:
            (kept / "hub.db").unlink()
    with pytest.raises(StoreUnavailable):
        restore(kept, tmp_path / "b" / "hub.db")
    assert not (tmp_path / "b").exists()


def test_nothing_is_written_over(tmp_path, clock):
    hub = open_hub(tmp_path / "a", clock=clock)
    backup(hub.service.store, tmp_path / "kept")
    with pytest.raises(UsageError, match="EDX-HUB-BACKUP"):
        backup(hub.service.store, tmp_path / "kept")
    with pytest.raises(UsageError, match="EDX-HUB-RESTORE"):
        restore(tmp_path / "kept", hub.service.store.path)
    hub.service.close()


def test_what_everybody_settled_long_ago_is_let_go_and_the_rest_stays(tmp_path, clock, database):
    hub = open_hub(tmp_path, clock=clock, **database)
    store = hub.service.store
    with serving(hub) as address:
        sender, first, second = (OfficialClient(address, code, SECRETS[code]) for code in (A, B, C))
        doc_id = sender.send(document(to=(B, C), content=LARGE)).json()["DocId"]
        waiting = sender.send(document(number="2", to=(C,), content=LARGE[1:])).json()["DocId"]
        first.call("updateStatus", b"{}", docId=doc_id, status="done")
        clock.advance(timedelta(days=40))
        assert sweep(store, timedelta(days=30)) == 0
        second.call("updateStatus", b"{}", docId=doc_id, status="done")
        assert sweep(store, timedelta(days=30)) == 0
        clock.advance(timedelta(days=31))
        assert (sweep(store, timedelta(days=30)), erased(store)) == (1, 1)
        gone = first.call("getEdoc", b"{}", docId=doc_id)
        assert (gone.status, gone.json()["EdxCode"]) == (410, "EDX-PAYLOAD-ERASED")
        assert second.call("getEdoc", b"{}", docId=waiting).json()["status"] == "OK"
        rows = sender.call("getSentEdocList", servicetype="eDoc", messagetype="edoc", docId=doc_id).json()["data"]
        assert {row["receiveStatus"] for row in rows} == {"done"}
        # A repeat that adds nobody brings nothing back.
        assert sender.send(document(to=(B, C), content=LARGE)).json()["DocId"] == doc_id
        assert sweep(store, timedelta(days=30)) == 0
    if store.is_shared:
        with store.read() as connection:
            assert len({row.sha256 for row in connection.execute(payload_pieces.select())}) == 1
    else:
        assert len([one for one in (tmp_path / "hub.db.payloads").rglob("*") if one.is_file()]) == 1
    hub.service.close()


def test_a_large_message_that_is_refused_leaves_nothing_on_the_disk(tmp_path, clock, database):
    hub = open_hub(tmp_path, clock=clock, **database)
    with serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        assert sender.send(document(to=("H99.99",), content=LARGE)).json()["EdxCode"] == "EDX-UNIT-UNKNOWN"
    assert [one for one in tmp_path.glob("hub.db.payloads/*/*") if one.is_file()] == []
    with hub.service.store.read() as connection:
        assert connection.execute(payload_pieces.select()).all() == []
    hub.service.close()


def test_content_that_was_let_go_comes_back_with_a_new_attempt(tmp_path, clock, database):
    hub = open_hub(tmp_path, clock=clock, **database)
    edxml = document(content=LARGE)
    with serving(hub) as address:
        sender, receiver = (OfficialClient(address, code, SECRETS[code]) for code in (A, B))
        doc_id = sender.send(edxml).json()["DocId"]
        receiver.call("updateStatus", b"{}", docId=doc_id, status="fail")
        clock.advance(timedelta(days=31))
        assert sweep(hub.service.store, timedelta(days=30)) == 1
        assert sender.send(edxml).json()["DocId"] == doc_id
        assert receiver.call("downloadEdoc", None, method="GET", docId=doc_id).body == edxml
    hub.service.close()


def test_readiness_names_each_dependency(tmp_path, clock, monkeypatch):
    with fake_clamd(tmp_path) as (scanner, _):
        hub = open_hub(tmp_path, clock=clock, door=DoorPolicy(scanner=scanner))
        with serving(hub) as address:
            reply = get(address, "/readyz")
            assert (reply.status, reply.json()["checks"]) == (
                200,
                {"database": True, "spool": True, "disk": True, "scanner": True, "upkeep": True},
            )
            full = shutil.disk_usage(tmp_path)._replace(free=1000)
            with monkeypatch.context() as patch:
                patch.setattr(shutil, "disk_usage", lambda _: full)
                reply = get(address, "/readyz")
            assert (reply.status, reply.json()["checks"]["disk"]) == (503, False)
    with serving(hub) as address:
        reply = get(address, "/readyz")
        assert (reply.status, reply.json()["checks"]["scanner"]) == (503, False)
    hub.service.close()


def test_a_database_that_went_away_is_named_and_the_process_stays_healthy(tmp_path, clock, postgres):
    with postgres.fresh() as url:
        hub = open_hub(tmp_path, clock=clock, server=url)
        with serving(hub) as address:
            assert get(address, "/readyz").status == 200
            postgres.order(f"DROP DATABASE {url.partition('?')[0].rpartition('/')[2]} WITH (FORCE)")
            reply = get(address, "/readyz")
            assert (reply.status, reply.json()["checks"]["database"]) == (503, False)
            assert reply.json()["status"] == "FAIL"
            assert get(address, "/healthz").status == 200
        hub.service.close()
        postgres.order(f"CREATE DATABASE {url.partition('?')[0].rpartition('/')[2]}")


def test_mounted_in_an_application_it_hands_mail_on_while_the_host_runs(tmp_path, clock):
    from contextlib import ExitStack

    with ExitStack() as stack:
        nation = Nation(tmp_path, clock, stack)
        nation.stop("H58")
        settings = nation.hubs["H58"].service.config.model_copy(update={"relay_seconds": 0.01})
        nation.hubs["H58"].service.close()
        hub = app(settings, clock=clock)

        @asynccontextmanager
        async def lifespan(_):
            async with hub.running():
                yield

        host = Starlette(routes=[Mount("/truc", app=hub)], lifespan=lifespan)

        async def run():
            async with host.router.lifespan_context(host):
                assert hub.upkeep.is_working
                await asyncio.to_thread(send_and_wait)

        def send_and_wait():
            from edocx.content import Blob

            edxml = Blob.from_bytes(document(sender=COMMUNE, to=(FAR,)))
            with hub.service.store.read() as connection:
                from edocx.hub import agencies

                caller = agencies.find(connection, COMMUNE)
            facts, _ = hub.service.look_into(edxml, caller)
            from edocx.hub.admission import Offered

            hub.service.door.admit(Offered(caller, facts, (), edxml))
            for _ in range(2_000):
                if nation.hubs["G22"].carrier.step() or nation.receiver.waiting():
                    break
            assert len(nation.receiver.waiting()) == 1

        asyncio.run(run())
    for other in ("G22", "H37"):
        nation.hubs[other].carrier.stop()
        nation.hubs[other].service.close()


def test_a_poisoned_message_does_not_end_custody_of_the_others(tmp_path, clock, monkeypatch):
    from contextlib import ExitStack

    with ExitStack() as stack:
        nation = Nation(tmp_path, clock, stack)
        doc_id = nation.sender.send(document(sender=COMMUNE, to=(FAR,), content=LARGE)).json()["DocId"]
        for file in (tmp_path / "H58" / "hub.db.payloads").rglob("*"):
            if file.is_file():
                file.unlink()
        nation.sender.send(document(sender=COMMUNE, to=(FAR,), number="2"))
        for _ in range(3):
            nation.carry()
            nation.clock.advance(timedelta(minutes=10))
        assert len(nation.receiver.waiting()) == 1
        rows = nation.sender.call("getSentEdocList", messagetype="edoc", docId=doc_id).json()["data"]
        assert rows[0]["receiveStatus"] in {"initial", "fail"}
    for hub in nation.hubs.values():
        hub.carrier.stop()
        hub.service.close()


def test_sigterm_lets_a_running_send_end_and_takes_no_more(tmp_path):
    """Half a body before the signal, half after it: what was begun is answered, and it is on disk."""
    made = open_hub(tmp_path)
    made.service.close()
    command = [sys.executable, "-m", "edocx", "hub", "serve", "--db", str(tmp_path / "hub.db")]
    with subprocess.Popen(
        [*command, "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True, env=os.environ.copy()
    ) as running:
        host, port = running.stdout.readline().strip().rpartition("http://")[2].split(":")
        caught = []
        client = OfficialClient((host, int(port)), A, SECRETS[A])
        client.raw = lambda request, lines, body: caught.append((request, lines, body))
        client.send(document())
        ((request, lines, body),) = caught
        head = [request.encode(), b"Host: x", *(name.encode() + b": " + value for name, value in lines)]
        head.append(f"Content-Length: {len(body)}".encode())
        with socket.create_connection((host, int(port)), timeout=PATIENCE) as line:
            line.sendall(b"\r\n".join(head) + b"\r\n\r\n" + body[:500])
            # A second call shows that the first half has been read.
            assert OfficialClient((host, int(port)), B, SECRETS[B]).waiting() == []
            running.send_signal(signal.SIGTERM)
            line.sendall(body[500:])
            answer = b""
            while piece := line.recv(1 << 16):
                answer += piece
        assert b'"status":"OK"' in answer
        assert running.wait(PATIENCE) in {0, -signal.SIGTERM}
    again = app(HubConfig(database=tmp_path / "hub.db"))
    with again.service.store.read() as connection:
        from edocx.hub.schema import messages

        assert len(connection.execute(messages.select()).all()) == 1
    again.service.close()


def test_the_command_line_traces_backs_up_and_says_what_was_done(tmp_path, monkeypatch, capfd, clock):
    monkeypatch.chdir(tmp_path)
    hub = open_hub(tmp_path, clock=clock, unit="H58")
    with serving(hub) as address:
        doc_id = OfficialClient(address, A, SECRETS[A]).send(document(to=(B, C))).json()["DocId"]
        OfficialClient(address, B, SECRETS[B]).call("updateStatus", b"{}", docId=doc_id, status="done")
    hub.service.close()
    (tmp_path / "hub.toml").write_text('database = "hub.db"\nunit = "H58"\n')

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["hub", *arguments])
        return int(ended.value.code or 0), capfd.readouterr().out

    copies = json.loads(run("trace", doc_id, "--json")[1])["copies"]
    assert [(one["recipient"], one["state"]) for one in copies] == [(B, "done"), (C, "initial")]
    assert [(one["hub"], one["standing"]) for one in copies[0]["stations"]] == [("hub.H58", "attested")]
    assert "attested" in run("trace", doc_id)[1]
    assert run("trace", "khong-co")[0] == 1
    told = json.loads(run("backup", "kept", "--json")[1])
    assert (told["messages"], told["keep_apart"]) == (1, ["hub.db.key"])
    assert run("backup", "kept")[0] == 2
    assert run("restore", "kept", "--db", "again/hub.db")[0] == 2  # its key is not there yet
    assert not (tmp_path / "again").exists()
    (tmp_path / "again").mkdir()
    shutil.copy(tmp_path / "hub.db.key", tmp_path / "again" / "hub.db.key")
    assert json.loads(run("restore", "kept", "--db", "again/hub.db", "--json")[1])["messages"] == 1
    key = json.loads(run("relay-key", "--json")[1])["key"]
    assert run("trust-relay-key", "hub.H37", key)[0] == 0
    assert run("trust-relay-key", "hub.H37", "khong")[0] == 2
    assert json.loads(run("relay-keys", "--json")[1])["keys"][0]["told_by"] == "cli"
    acts = json.loads(run("audit", "--json")[1])["acts"]
    assert {"register", "secret", "relay-key"} <= {one["act"] for one in acts}


def test_the_doctor_shows_how_far_clocks_are_apart(tmp_path, clock):
    from edocx.hub import agencies
    from edocx.hub.neighbourhood import Met, note

    peers = tuple(Peer(code=f"hub.{one}", endpoint="https://x") for one in ("A", "B", "C", "D"))
    hub = open_hub(tmp_path, clock=clock, unit="H58", peers=peers)
    assert agencies is not None
    with hub.service.store.begin("met") as connection:
        for peer, met in zip(
            peers,
            (Met(clock.now(), 90_000, 3), Met(clock.now(), -20, 3), Met(clock.now(), error="EDX-X")),
            strict=False,
        ):
            note(connection, peer, met)
    found = {one.name: (one.grade, one.text.en) for one in doctor.examine(hub.service)}
    told = "hub.A answered at 15/06/2023 08:00; its clock is +90.0 seconds ahead."
    assert found["neighbour hub.A"] == ("warning", told)
    assert found["neighbour hub.B"][0] == "ok"
    assert found["neighbour hub.C"][0] == found["neighbour hub.D"][0] == "warning"
    assert "it never answered" in found["neighbour hub.C"][1]
    page = hub.service.metrics.text(hub.service.gauges())
    assert 'edocx_hub_neighbour_clock_ahead_seconds{hub="hub.A"} 90' in page
    hub.service.close()


def test_a_neighbour_that_nobody_asked_lately_is_not_said_to_be_there(tmp_path, clock):
    """A hub that stands still, or whose database is looked at while it is not served, knows of its past alone."""
    from edocx.hub.neighbourhood import Met, note

    peer = Peer(code="hub.A", endpoint="https://x")
    hub = open_hub(tmp_path, clock=clock, unit="H58", peers=(peer,))
    with hub.service.store.begin("met") as connection:
        note(connection, peer, Met(clock.now(), 0, 3))
    for minutes, grade, up in ((10, "ok", 1), (20, "warning", 0)):
        clock.advance(minutes=minutes)
        (check,) = (one for one in doctor.examine(hub.service) if one.name == "neighbour hub.A")
        assert (check.grade, "15/06/2023 08:00" in check.text.vi) == (grade, True)
        assert hub.service.neighbours() == {"hub.A": bool(up)}
        assert hub.service.gauges()['neighbour_up{hub="hub.A"}'] == up
    with hub.service.store.begin("met") as connection:
        note(connection, peer, Met(clock.now(), error="EDX-AXIS-AWAY"))
    (check,) = (one for one in doctor.examine(hub.service) if one.name == "neighbour hub.A")
    assert "lần cuối lúc 15/06/2023 08:00" in check.text.vi
    hub.service.close()


def test_the_metrics_page_is_read_by_prometheus_own_parser(hub, client, address):
    from prometheus_client.parser import text_string_to_metric_families as families

    client(A).send(document(subject="Nội dung không được lộ"))
    client(A, secret="sai").send(document())
    page = get(address, "/metrics").body.decode()
    found = {family.name: family for family in families(page)}
    assert {"edocx_hub_requests", "edocx_hub_request_seconds", "edocx_hub_agencies"} <= set(found)
    assert "lộ" not in page


def test_how_long_copies_waited_is_told_by_lane(hub, client, address, clock):
    for number, urgency in (("1", 0), ("2", 3), ("3", 3)):
        client(A).send(document(number=number, urgency=urgency))
    clock.advance(seconds=42)
    for row in client(B).waiting():
        for word in ("processing", "done", "done"):
            client(B).call("updateStatus", b"{}", docId=row["docId"], status=word)
    page = get(address, "/metrics").body.decode()
    assert 'edocx_hub_waited_seconds_count{lane="0"} 1' in page
    assert 'edocx_hub_waited_seconds_bucket{lane="3",le="10.0"} 0' in page
    assert 'edocx_hub_waited_seconds_bucket{lane="3",le="60.0"} 2' in page
    assert 'edocx_hub_waited_seconds_sum{lane="3"} 84.0' in page


def test_calls_are_logged_as_json_without_content(tmp_path, clock, caplog):
    import logging

    from edocx.hub.call_log import JsonLines

    hub = open_hub(tmp_path, clock=clock)
    with caplog.at_level(logging.INFO, "edocx.hub.calls"), serving(hub) as address:
        sender = OfficialClient(address, A, SECRETS[A])
        sender.send(document(subject="Trích yếu không được lộ"))
        sender.send(document(to=("H99.99",)))
        sender.call("khong\tco")
    hub.service.close()
    lines = [json.loads(JsonLines().format(record)) for record in caplog.records]
    told = [(line["operation"], line["outcome"], line["agency"]) for line in lines if "operation" in line]
    assert told == [("sendEdoc", "ok", A), ("sendEdoc", "EDX-UNIT-UNKNOWN", A)]
    assert "lộ" not in json.dumps(lines, ensure_ascii=False)
    assert "van-ban.pdf" not in json.dumps(lines)


def test_an_agency_s_limits_are_entered_on_the_command_line(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    told = ["hub", "agencies", "add", "H58.12", "--name", "Huyện", "--db", "hub.db"]
    for more, code in ((["--seal", "record", "--takes-types", "pdf", "--per-minute", "5"], 0), (["--seal", "x"], 2)):
        with pytest.raises(SystemExit) as ended:
            main([*told, *more])
        assert int(ended.value.code or 0) == code
    capfd.readouterr()
    hub = app(HubConfig(database=tmp_path / "hub.db"))
    with hub.service.store.read() as connection:
        from edocx.hub import agencies

        found = agencies.require(connection, "H58.12")
    assert (found.seal, found.takes_types, found.per_minute) == ("record", "pdf", 5)
    hub.service.close()
