"""A store put back from yesterday: read-only until reconciled; then no number twice, nothing sent twice, nothing lost."""

from __future__ import annotations

import json
import shutil
import sqlite3

import pytest
from office_scenario import rewrite_journal

from edocx.errors import StateError, StoreUnavailable, Text, TransportUnavailable, UsageError
from edocx.office.attestation import books_known, is_current
from edocx.routing.inbox import IncomingState
from edocx.routing.parcel import ParcelKind
from edocx.routing.transitions import Change, Handling
from edocx.routing.transport.local import LocalAxis
from edocx.testing import scene
from edocx.testing.attacks.cms import enclosing, out_of_a_pdf
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        yield made


def draft_of(net):
    path, layout = scene.write_letter(net.folder)
    return scene.draft(path, layout)


def issued(net, draft_id):
    commune = net.office(scene.COMMUNE)
    return commune.issue(commune.approve(draft_of(net), by="director", draft_id=draft_id), seal="agency")


def lose(net, code, keep):
    """Put a copy of the store where the office's store is, as a restored machine or a snapshot would."""
    folder = net.folder / "offices" / code
    net.close()
    for file in folder.glob("office.db*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    keep(folder)
    return Network.four_levels(net.folder, clock=net.clock)


def snapshot(net, code, out):
    """Copy the store as it stands, without the office knowing."""
    net.office(code).backup(out)

    def put_back(folder):
        shutil.copy(out / "office.db", folder / "office.db")
        if (out / "office.db.payloads").is_dir():
            shutil.copytree(out / "office.db.payloads", folder / "office.db.payloads")

    return put_back


def on_the_axis(net):
    with sqlite3.connect(net.folder / "offices" / "axis.db") as connection:
        rows = connection.execute(
            "SELECT sender, message_id, document_id, sha256 FROM messages ORDER BY 1, 2"
        ).fetchall()
    connection.close()
    return rows


def shown_at(net, document_id):
    return {
        tracked.delivery.recipient: (str(tracked.delivery.shown.handling), str(tracked.delivery.shown.change))
        for tracked in net.office(scene.COMMUNE).trace(document_id).deliveries
        if tracked.direction == "out"
    }


def a_day_of_work(net):
    """Send one document; let one receiver finish it and one refuse it; take a second back; issue a third unsent."""
    commune, centre, department = (net.office(code) for code in (scene.COMMUNE, "G22", "H58.05"))
    commune.approve(draft_of(net), by="director", draft_id="waits")
    first = issued(net, "d1")
    commune.send(first, to=["G22", "H58.05"])
    net.run_until_quiet()
    centre.accept(str(first.id), by="van-thu-tw")
    centre.incoming(str(first.id)).complete(by="chuyen-vien")
    department.reject(str(first.id), "Không thuộc thẩm quyền", by="van-thu-so")
    net.clock.advance(minutes=5)
    second = issued(net, "d2")
    commune.send(second, to=["G22"])
    net.run_until_quiet()
    commune.recall(str(second.id), "Nhầm phụ lục", by="van-thu-xa")
    net.run_until_quiet()
    third = issued(net, "d3")
    net.clock.advance(hours=20)
    return first, second, third


def test_a_day_old_restore_gives_no_number_twice_and_sends_nothing_twice(net, tmp_path):
    issued(net, "d0")
    net.office(scene.COMMUNE).approve(draft_of(net), by="director", draft_id="d1")
    net.run_until_quiet()
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    net.clock.advance(hours=1)
    first, second, third = a_day_of_work(net)
    before, statuses = on_the_axis(net), [shown_at(net, str(one.id)) for one in (first, second)]
    given = {str(one.number) for one in (first, second, third)}

    config = net.folder / "offices" / scene.COMMUNE / "office.toml"
    again = lose(net, scene.COMMUNE, lambda _: net.office(scene.COMMUNE).restore(config, tmp_path / "backup"))
    with again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            issued(again, "d4")
        assert commune.work().moved is False
        found = commune.reconcile()
        assert (found.sent, found.received, found.unread) == (3, 7, ())
        again.run_until_quiet()
        assert on_the_axis(again) == before, "something was sent again"
        assert [shown_at(again, str(one.id)) for one in (first, second)] == statuses
        assert {str(one.id) for one in commune.documents()} >= {str(first.id), str(second.id)}
        assert commune.document("d1").sha256 == first.sha256, "the approved draft became the issued document"
        with pytest.raises(StateError, match="EDX-DOCUMENT-FROZEN"):
            commune.send(commune.document(str(second.id)), to=["H58.12"])
        book = {line.ordinal: line for line in commune.register("out", 2023)}
        assert [book[number].state for number in sorted(book)] == ["issued", "issued", "issued", "missing"]
        assert "given out before the restore" in book[4].reason
        new = issued(again, "d4")
        assert str(new.number) not in given, "the number of a document that was issued and never sent"
        assert new.number.number == "05"
        assert commune.send(commune.document("d1"), to=["G22"]).message_id in {row[1] for row in before}
        with commune.store.read() as transaction:
            assert transaction.outbox.dead() == ()
            assert transaction.verify_journal().fault is None
        assert [one for one in commune.doctor() if one.severity == "error"] == []


def test_a_receiver_put_back_asks_no_clerk_twice_and_answers_nothing_twice(net, tmp_path):
    early = issued(net, "d0")
    net.office(scene.COMMUNE).send(early, to=["G22"])
    net.run_until_quiet()
    net.office("G22").backup(tmp_path / "backup")
    first, second, _ = a_day_of_work(net)
    before = on_the_axis(net)
    arrivals = net.office("G22").register("in", 2023)
    config = net.folder / "offices" / "G22" / "office.toml"
    again = lose(net, "G22", lambda _: net.office("G22").restore(config, tmp_path / "backup"))
    with again:
        centre = again.office("G22")
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            centre.accept(str(early.id), by="van-thu-tw")
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            centre.reject(str(early.id), "Gửi nhầm", by="van-thu-tw")
        centre.reconcile(next_number=1)
        again.run_until_quiet()
        assert on_the_axis(again) == before
        assert [one.document_id for one in centre.inbox()] == [str(early.id)]
        assert [line.model_dump(exclude={"entered_at"}) for line in centre.register("in", 2023)] == [
            line.model_dump(exclude={"entered_at"}) for line in arrivals
        ]
        here = {
            t.delivery.document_id: t.delivery.shown
            for one in (first, second)
            for t in centre.trace(str(one.id)).deliveries
        }
        assert here[str(first.id)].handling is Handling.COMPLETED
        assert here[str(second.id)].change is Change.AGREED
        with centre.store.read() as transaction:
            (message,) = [m for m in transaction.inbox.of_document(str(second.id)) if m.kind is ParcelKind.DOCUMENT]
            assert message.state is IncomingState.RECALLED
        assert shown_at(again, str(first.id))["G22"] == ("completed", "none")


def test_a_store_that_fell_back_unmarked_is_noticed_by_what_the_axis_holds(net, tmp_path):
    """A virtual machine set back to yesterday tells nobody: no marker, the same keys, a journal that fits itself."""
    issued(net, "d0")
    net.run_until_quiet()
    put_back = snapshot(net, scene.COMMUNE, tmp_path / "snapshot")
    a_day_of_work(net)
    with lose(net, scene.COMMUNE, put_back) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            issued(again, "d4")
        assert commune.work().faults == ("EDX-OFFICE-RESTORED",)
        assert "EDX-OFFICE-RESTORED" in {one.code for one in commune.doctor()}
        commune.reconcile()
        assert issued(again, "d4").number.number == "05"


@pytest.mark.parametrize("harm", ["cut", "rewritten"])
def test_a_cut_or_rewritten_journal_is_refused(net, harm):
    document = issued(net, "d0")
    net.run_until_quiet()
    net.close()
    with sqlite3.connect(net.folder / "offices" / scene.COMMUNE / "office.db") as connection:
        if harm == "cut":
            connection.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
        else:
            rewrite_journal(connection)
    connection.close()
    with Network.four_levels(net.folder, clock=net.clock) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            commune.send(commune.document(str(document.id)), to=["G22"])


def test_a_store_that_fell_back_behind_a_status_it_received_is_noticed(net, tmp_path):
    document = issued(net, "d0")
    net.office(scene.COMMUNE).send(document, to=["G22"])
    net.run_until_quiet()
    put_back = snapshot(net, scene.COMMUNE, tmp_path / "snapshot")
    net.office("G22").reject(str(document.id), "Không thuộc thẩm quyền", by="van-thu-tw")
    net.office("G22").work()
    assert net.office(scene.COMMUNE).work().received == 1
    with lose(net, scene.COMMUNE, put_back) as again, pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
        again.office(scene.COMMUNE).recall(str(document.id), "Nhầm", by="van-thu-xa")


def test_an_axis_cannot_stop_an_office_by_a_head_that_it_did_not_sign(net):
    from edocx.routing.transport import SignedHead

    document = issued(net, "d0")
    said = json.dumps({"seq": 10**6, "hash": "f" * 64, "books": {"di/2023": 10**6}}).encode()
    net.close()
    with Network.four_levels(net.folder, clock=net.clock) as again:
        again.axis.keep_head(scene.COMMUNE, SignedHead(10**6, said, b"no signature"))
        commune = again.office(scene.COMMUNE)
        commune.send(commune.document(str(document.id)), to=["G22"])
        assert commune.work().faults == ()
        assert "EDX-DOCTOR-HEAD-FOREIGN" in [finding.code for finding in commune.doctor()]
        assert "EDX-DOCTOR-HEAD-FOREIGN" not in [finding.code for finding in again.office("G22").doctor()]


def test_an_axis_cannot_stop_an_office_by_a_signature_that_brings_its_own_content(net):
    """Every PDF that the agency sealed has one: over the PDF, and over no head."""
    from edocx.routing.transport import SignedHead

    issued(net, "d0")
    head = {"seq": 10**6, "hash": "f" * 64, "books": {"di/2023": 10**6}}
    said = json.dumps(head).encode()
    (issued_pdf,) = (net.folder / "offices" / scene.COMMUNE / "issued").glob("*.pdf")
    taken = list(out_of_a_pdf(issued_pdf.read_bytes()))
    assert taken
    net.close()
    for signature, content in taken:
        for forged in (enclosing(signature, content), signature, enclosing(signature, said)):
            with Network.four_levels(net.folder, clock=net.clock) as again:
                again.axis.keep_head(scene.COMMUNE, SignedHead(10**6, said, forged), anew=True)
                commune = again.office(scene.COMMUNE)
                assert books_known(commune._desk) == {}
                assert "EDX-DOCTOR-HEAD-FOREIGN" in [finding.code for finding in commune.doctor()]
                assert is_current(commune._desk)


def test_without_what_the_axis_knows_the_next_number_must_be_given(net, tmp_path):
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    config = net.folder / "offices" / scene.COMMUNE / "office.toml"
    again = lose(net, scene.COMMUNE, lambda _: net.office(scene.COMMUNE).restore(config, tmp_path / "backup"))
    with again:
        with pytest.raises(UsageError, match="EDX-RECONCILE-NUMBER"):
            again.office(scene.COMMUNE).reconcile()
        with pytest.raises(StateError, match="EDX-REGISTER-GAP"):
            again.office(scene.COMMUNE).reconcile(next_number=70_000)
        again.office(scene.COMMUNE).reconcile(next_number=7)
        assert issued(again, "d1").number.number == "07"
        book = again.office(scene.COMMUNE).register("out", 2023)
        assert [line.state for line in book] == ["missing"] * 6 + ["issued"]


def away(*_given, **_options):
    raise TransportUnavailable(Text("x", "x"), hint=Text("x", "x"), code="EDX-AXIS-LOCKED")


def issued_while_the_axis_is_away(net, monkeypatch, draft_id):
    with monkeypatch.context() as patch:
        patch.setattr(LocalAxis, "keep_head", away)
        return issued(net, draft_id)


def test_a_number_given_while_the_axis_was_away_is_known_to_it_with_the_next_work(net, tmp_path, monkeypatch):
    put_back = snapshot(net, scene.COMMUNE, tmp_path / "snapshot")
    issued_while_the_axis_is_away(net, monkeypatch, "d1")
    assert net.office(scene.COMMUNE).work().sent == 0
    shutil.rmtree(net.folder / "offices" / scene.COMMUNE / "issued")
    with lose(net, scene.COMMUNE, put_back) as again:
        again.office(scene.COMMUNE).reconcile()
        assert issued(again, "d2").number.number == "02"


def test_a_number_that_only_the_folder_of_issued_documents_knows_is_not_given_again(net, tmp_path, monkeypatch):
    issued(net, "d0")
    net.run_until_quiet()
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    lost = issued_while_the_axis_is_away(net, monkeypatch, "d1")
    config = net.folder / "offices" / scene.COMMUNE / "office.toml"
    again = lose(net, scene.COMMUNE, lambda _: net.office(scene.COMMUNE).restore(config, tmp_path / "backup"))
    with again:
        commune = again.office(scene.COMMUNE)
        assert commune.reconcile().next_number == 3
        assert issued(again, "d2").id != lost.id
        assert [line.state for line in commune.register("out", 2023)] == ["issued", "missing", "issued"]


@pytest.mark.parametrize("axis", ["there", "away"])
@pytest.mark.parametrize("given", [1, 3])
def test_a_store_that_is_copied_back_gives_no_number_twice(net, tmp_path, monkeypatch, axis, given):
    """The file is put back as the error for a missing store asks; only what lies beside it tells that it is old."""
    put_back = snapshot(net, scene.COMMUNE, tmp_path / "snapshot")
    for number in range(given):
        issued_while_the_axis_is_away(net, monkeypatch, f"d{number}")
    with lose(net, scene.COMMUNE, put_back) as again:
        if axis == "away":
            monkeypatch.setattr(LocalAxis, "head_of", away)
            monkeypatch.setattr(LocalAxis, "keep_head", away)
        with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
            issued(again, "other")
        monkeypatch.undo()
        assert again.office(scene.COMMUNE).reconcile(next_number=given + 1).next_number == given + 1
        assert issued(again, "other").number.number == f"{given + 1:02d}"


def test_a_number_that_was_noted_and_never_given_is_left_out_and_told(net):
    """Killed between the note and the commit, and another draft comes first: nobody can tell what became of it."""
    net.office(scene.COMMUNE)
    place = net.folder / "offices" / scene.COMMUNE / "issued" / "numbers.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"unit": scene.COMMUNE, "books": [["di", 2023, 2, "d1"]]}))
    assert issued(net, "d2").number.number == "02"
    assert issued(net, "d1").number.number == "03"
    assert [line.state for line in net.office(scene.COMMUNE).register("out", 2023)] == ["missing", "issued", "issued"]


def test_a_draft_that_was_killed_after_its_number_was_noted_gets_that_number(net):
    net.office(scene.COMMUNE)
    place = net.folder / "offices" / scene.COMMUNE / "issued" / "numbers.json"
    place.parent.mkdir()
    place.write_text(json.dumps({"unit": scene.COMMUNE, "books": [["di", 2023, 2, "d1"]]}))
    assert issued(net, "d1").number.number == "01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 10_000,
        '{"unit": "H58.12.01", "books": [["di", 2023, Infinity, "x"]]}',
        '{"unit": "H58.12.01", "books": [["di", 2023, 1e30, "x"]]}',
        '{"unit": "G22", "books": [["di", 2023, 4711, "x"]]}',
    ],
    ids=["empty", "half", "deep", "infinite", "huge", "another unit's"],
)
def test_a_damaged_list_of_numbers_stops_numbers_only_and_is_named(net, text):
    office = net.office(scene.COMMUNE)
    place = net.folder / "offices" / scene.COMMUNE / "issued" / "numbers.json"
    place.parent.mkdir()
    place.write_text(text)
    with pytest.raises(StoreUnavailable, match="EDX-NUMBERS-UNREADABLE"):
        issued(net, "d1")
    assert office.work().faults == ()
    assert "EDX-NUMBERS-UNREADABLE" in [finding.code for finding in office.doctor()]
    place.unlink()
    assert issued(net, "d1").number.number == "01"


def test_no_head_is_signed_over_a_journal_that_was_written_anew(net, tmp_path):
    issued(net, "d0")
    net.run_until_quiet()
    with sqlite3.connect(net.folder / "offices" / scene.COMMUNE / "office.db") as connection:
        rewrite_journal(connection)
    connection.close()
    office = net.office(scene.COMMUNE)
    office.backup(tmp_path / "backup")
    assert list((tmp_path / "backup").glob("head-*")) == [], "a copy to look at, which vouches for nothing"
    with pytest.raises(StateError, match="EDX-OFFICE-RESTORED"):
        office.sign_head()


def test_a_reconciliation_that_is_killed_is_done_again(net, tmp_path):
    from edocx.testing.faults import Crash, Faults

    issued(net, "d0")
    net.run_until_quiet()
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    first, second, _ = a_day_of_work(net)
    before, statuses = on_the_axis(net), [shown_at(net, str(one.id)) for one in (first, second)]
    config = net.folder / "offices" / scene.COMMUNE / "office.toml"
    again = lose(net, scene.COMMUNE, lambda _: net.office(scene.COMMUNE).restore(config, tmp_path / "backup"))
    again.close()
    for number in range(1, 400):
        faults = Faults()
        with Network.four_levels(net.folder, clock=net.clock, faults=faults) as once:
            office = once.office(scene.COMMUNE)
            faults.crash_after(number * 11)
            try:
                office.reconcile()
                break
            except Crash:
                net.clock.advance(minutes=10)
    with Network.four_levels(net.folder, clock=net.clock) as healed:
        healed.run_until_quiet()
        assert on_the_axis(healed) == before
        assert [shown_at(healed, str(one.id)) for one in (first, second)] == statuses
        assert issued(healed, "d4").number.number == "05"
        book = healed.office(scene.COMMUNE).register("out", 2023)
        assert [line.state for line in book] == ["issued"] * 3 + ["missing", "issued"]


def test_what_the_axis_calls_ours_and_we_did_not_seal_is_not_believed(net, tmp_path):
    """An axis that invents a recall, or a document under a high number, changes nothing but its own list."""
    from edocx.content import Blob
    from edocx.routing.parcel import Parcel, ParcelKind

    document = issued(net, "d0")
    net.office(scene.COMMUNE).send(document, to=["G22"])
    net.run_until_quiet()
    net.office(scene.COMMUNE).backup(tmp_path / "backup")
    net.clock.advance(hours=1)
    stranger = net.office("G22")
    with stranger.store.read() as transaction:
        status = transaction.outbox.of_document(str(document.id), ParcelKind.STATUS)[0]
        sealed_by_another = transaction.payload(status.sha256).read()
    for number, content in enumerate((sealed_by_another, b"<edXML/>", b"nothing at all")):
        payload = Blob.from_bytes(content)
        parcel = Parcel.of(
            payload,
            sender=scene.COMMUNE,
            recipients=("G22",),
            document_id=str(document.id),
            created_at=net.clock.now(),
            kind=ParcelKind.STATUS,
            message_id=f"forged-{number}",
        )
        net.axis.submit(parcel, payload)
    config = net.folder / "offices" / scene.COMMUNE / "office.toml"
    again = lose(net, scene.COMMUNE, lambda _: net.office(scene.COMMUNE).restore(config, tmp_path / "backup"))
    with again:
        commune = again.office(scene.COMMUNE)
        found = commune.reconcile()
        assert found.unread == ("forged-0", "forged-1", "forged-2")
        assert shown_at(again, str(document.id)) == {"G22": ("arrived", "none")}
        assert issued(again, "d1").number.number == "02"
        assert commune.send(commune.document("d0"), to=["H58.12"]).recipients == ("H58.12",), "it was not recalled"


def test_a_second_attempt_after_a_refusal_comes_back_as_it_was(net, tmp_path):
    centre, document = net.office("G22"), issued(net, "d1")
    centre.backup(tmp_path / "backup")
    for attempt in (1, 2):
        net.clock.advance(minutes=5)
        net.office(scene.COMMUNE).send(document, to=["G22"], attempt=attempt)
        net.run_until_quiet()
        if attempt == 1:
            centre.reject(str(document.id), "Thiếu phụ lục", by="van-thu-tw")
            net.run_until_quiet()
    assert centre.accept(str(document.id), by="van-thu-tw") == 1
    net.run_until_quiet()
    config = net.folder / "offices" / "G22" / "office.toml"
    with lose(net, "G22", lambda _: centre.restore(config, tmp_path / "backup")) as again:
        centre = again.office("G22")
        centre.reconcile(next_number=1)
        again.run_until_quiet()
        with centre.store.read() as transaction:
            states = [message.state for message in transaction.inbox.of_document(str(document.id))]
            assert transaction.verify_journal().fault is None
        assert states == [IncomingState.REJECTED, IncomingState.ACCEPTED]
        handled = [t.delivery.shown.handling for t in centre.trace(str(document.id)).deliveries]
        assert handled == [Handling.REJECTED, Handling.ACCEPTED]
        assert len(centre.register("in", 2023)) == 1
