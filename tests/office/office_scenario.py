"""The demonstration's story as a scenario that can be killed: also a script whose children are."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import traceback
from collections import Counter
from pathlib import Path

from edocx.routing.inbox import IncomingState
from edocx.routing.journal import GENESIS, canonical, digest
from edocx.routing.parcel import ParcelKind
from edocx.routing.transitions import Handling
from edocx.testing import scene
from edocx.testing.faults import Faults
from edocx.testing.network import Network
from edocx.testing.story import RECIPIENTS, REJECTING, Story

STATUSES = ("01", "03", "04", "05", "06")


def set_up(folder: Path) -> None:
    """Make keys and offices, and nothing else."""
    Network.four_levels(folder, key="p256").close()


def play(folder: Path, faults: Faults | None = None) -> Faults:
    """Tell the story from wherever it stopped."""
    told = faults or Faults()
    with Network.four_levels(folder, key="p256", faults=told) as network:
        for _ in Story(network).steps():
            pass
    return told


def assert_whole(folder: Path) -> None:
    """Nothing lost, nothing twice, nothing claimed that did not happen."""
    with Network.four_levels(folder, key="p256") as network:
        story = Story(network)
        for _ in story.steps():
            pass
        assert story.document is not None
        document_id = str(story.document.id)
        assert document_id == f"{scene.COMMUNE},2023/06/15,01/{scene.NOTATION}"
        outcome = {result.station.code: result.handling for result in story.results()}
        assert outcome == {code: Handling.REJECTED if code == REJECTING else Handling.COMPLETED for code in RECIPIENTS}
        _assert_sender(network, document_id)
        for code in RECIPIENTS:
            _assert_recipient(network, code, document_id)
        for office in network.offices:
            with office.store.read() as transaction:
                report = transaction.verify_journal()
            assert report.fault is None, (office.unit, report)


def _assert_sender(network: Network, document_id: str) -> None:
    with network.office(scene.COMMUNE).store.read() as transaction:
        entries = transaction.register.entries(scene.COMMUNE, "di", 2023)
        assert [(e.number, str(e.state)) for e in entries] == [(1, "issued")]
        assert len(transaction.documents.in_state("issued")) == 1
        deliveries = transaction.deliveries.of_document(document_id)
        assert sorted(t.delivery.recipient for t in deliveries) == sorted(RECIPIENTS)
        heard = transaction.inbox.in_state(*IncomingState, kind=ParcelKind.STATUS)
        expected = len(STATUSES) * (len(RECIPIENTS) - 1) + 2
        assert len(heard) == expected
        assert {str(message.state) for message in heard} == {"applied"}


def _assert_recipient(network: Network, code: str, document_id: str) -> None:
    with network.office(code).store.read() as transaction:
        messages = transaction.inbox.of_document(document_id)
        assert len(messages) == 1
        wanted = IncomingState.REJECTED if code == REJECTING else IncomingState.ACCEPTED
        assert messages[0].state is wanted
        delivery = next(t.delivery for t in transaction.deliveries.of_document(document_id) if t.direction == "in")
        said = Counter(event.code for event in delivery.events if hasattr(event, "code"))
        assert said == Counter(("01", "02") if code == REJECTING else STATUSES)
        arrivals = transaction.register.entries(code, "den", 2023)
        assert len(arrivals) == (0 if code == REJECTING else 1)


class Nursery:
    """A process with the imports done and no threads, which forks children that are to be killed."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def killed_at(self, folder: Path, number: int) -> int:
        """Play in a child that is killed at a numbered point; return its exit code (negative: the signal)."""
        print(json.dumps([str(folder), number]), file=self._server.stdin, flush=True)
        return int(self._server.stdout.readline())

    def close(self) -> None:
        self._server.stdin.close()
        self._server.wait()
        self._server.stdout.close()


def _serve() -> None:
    for line in sys.stdin:
        folder, number = json.loads(line)
        child = os.fork()
        if child == 0:
            try:
                play(Path(folder), Faults.kill_at(number))
            except BaseException:  # noqa: BLE001 - the child's last words
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    import edocx.cli.demo
    import edocx.letter.typesetting
    import edocx.signing.pdf.verify  # noqa: F401 - imported before the forks

    _serve()


def rewrite_journal(connection: sqlite3.Connection) -> None:
    """Change the journal's first line, and compute every hash after it anew: the chain fits itself."""
    previous = GENESIS
    for seq, text in connection.execute("SELECT seq, line FROM journal ORDER BY seq").fetchall():
        content = json.loads(text) | {"previous": previous}
        if seq == 1:
            content["ids"]["by"] = "somebody-else"
        line = canonical(content)
        previous = digest(line)
        connection.execute("UPDATE journal SET line = ?, hash = ? WHERE seq = ?", (line, previous, seq))
