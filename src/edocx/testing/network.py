"""Network: four levels of offices over one axis, in one process, with their own PKI and a clock that obeys.

Everything lies in one folder and can be opened again after a crash: the same offices, the same keys, the same messages.
"""

from __future__ import annotations

import errno
import json
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from edocx.content import Blob, write_durably
from edocx.documents import Document
from edocx.errors import Text, UsageError
from edocx.office import Office, OfficeConfig
from edocx.office.configuration import SignerConfig
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.transport import Transport
from edocx.routing.transport.local import LocalAxis
from edocx.signing.trust import TrustStore
from edocx.testing import scene
from edocx.testing.certificates import KeyKind
from edocx.testing.clock import FixedClock
from edocx.testing.pki import Pki
from edocx.testing.registry import write_registrations
from edocx.testing.scene import Station
from edocx.units.memory import MemoryDirectory
from edocx.units.units_json import write_document

_READY = "network.json"
"""Marks a folder as ours: nothing is ever written into a folder of somebody else's."""


class Network:
    """Offices of all four levels over one local axis.

    Attributes:
        folder: where everything lies; ``trust/`` and ``offices/<code>/`` in it.
        clock: the one clock of all offices.
        directory: the units of the scene.
        line: what the offices reach the axis by: the axis itself, or what was put before it.
    """

    def __init__(
        self,
        folder: Path,
        *,
        clock: FixedClock,
        faults: Faults = NO_FAULTS,
        line: Callable[[LocalAxis], Transport] | None = None,
    ) -> None:
        self.folder = folder
        self.clock = clock
        self.directory: MemoryDirectory = scene.directory()
        self._faults = faults
        self._offices: dict[str, Office] = {}
        self._stack = ExitStack()
        self.axis = self._stack.enter_context(
            LocalAxis.open(folder / "offices" / "axis.db", clock=clock, faults=faults)
        )
        self.line: Transport = line(self.axis) if line else self.axis
        for station in scene.STATIONS:
            self.axis.register(station.code, above=station.above)

    @classmethod
    def four_levels(
        cls,
        folder: Path,
        *,
        clock: FixedClock | None = None,
        key: KeyKind = "p256",
        faults: Faults = NO_FAULTS,
        line: Callable[[LocalAxis], Transport] | None = None,
    ) -> Self:
        """Open the network of the scene in ``folder``, making it when it is not there.

        ``key`` is the kind of every key (``p256`` is fast, ``rsa2048`` what agencies have); ``line`` is put between
        the offices and the axis (`edocx.testing.unruly.UnrulyLine`). In a folder that was used before, the clock goes
        on where the journals ended.
        """
        _prepare(folder, key)
        network = cls(folder, clock=clock or FixedClock(scene.MORNING), faults=faults, line=line)
        network._catch_up()
        return network

    def office(self, code: str) -> Office:
        """Return the office of a unit, opened once."""
        if code not in self._offices:
            config = OfficeConfig.from_path(self.folder / "offices" / code / "office.toml")
            office = Office.open(
                config,
                clock=self.clock,
                directory=self.directory,
                transport=self.line,
                faults=self._faults,
                random=Random(code),  # noqa: S311 - jitter that repeats
            )
            self._offices[code] = self._stack.enter_context(office)
        return self._offices[code]

    @property
    def offices(self) -> tuple[Office, ...]:
        """All offices, from the top level down."""
        return tuple(self.office(station.code) for station in scene.STATIONS)

    @property
    def trust(self) -> TrustStore:
        """The anchors and CRLs of the network's PKI."""
        return TrustStore.from_path(self.folder / "trust")

    def sample(self, draft_id: str = scene.DRAFT_ID) -> Document:
        """Return the scene's letter, issued by the commune: approved, numbered and sealed at its first call."""
        commune = self.office(scene.COMMUNE)
        path, layout = scene.write_letter(self.folder / "offices" / scene.COMMUNE, at=scene.MORNING)
        approved = commune.approve(scene.draft(path, layout), by="director", draft_id=draft_id)
        return commune.issue(approved, seal="agency")

    def run_until_quiet(self, *, most: int = 100) -> None:
        """Let every office work until nothing moves any more."""
        for _ in range(most):
            moved = [office.work().moved for office in self.offices]  # all of them, not up to the first
            if not any(moved):
                return

    def close(self) -> None:
        """Close all offices and the axis."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _catch_up(self) -> None:
        last: list[datetime] = []
        for station in scene.STATIONS:
            if (self.folder / "offices" / station.code / "office.db").exists():
                with self.office(station.code).store.read() as transaction:
                    lines = transaction.journal_lines(after=max(0, transaction.journal_head().seq - 1))
                last += [datetime.fromisoformat(json.loads(line.partition(" ")[2])["at"]) for line in lines]
        if last and max(last) >= self.clock.now():
            self.clock.set(max(last) + timedelta(minutes=1))


def _prepare(folder: Path, key: KeyKind) -> None:
    """Make offices and keys once: whole, or not at all, whoever else tries at the same moment."""
    folder.mkdir(parents=True, exist_ok=True)
    offices = folder / "offices"
    if not offices.exists():
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as made:
            _set_up(Path(made) / "offices", key)
            _rename_new(Path(made) / "offices", offices)
    if not (offices / _READY).exists():
        raise _foreign(offices)
    (folder / "trust").mkdir(exist_ok=True)
    for file in (offices / "trust").iterdir():
        copy = folder / "trust" / file.name
        if not copy.exists():
            Blob.from_path(file).save(copy)
        elif Blob.from_path(copy) != Blob.from_path(file):
            raise _foreign(copy)


def _foreign(place: Path) -> UsageError:
    return UsageError(
        Text("Thư mục này chứa thứ khác.", "The folder holds something else."),
        hint=Text("Chọn một thư mục trống.", "Choose an empty folder."),
        code="EDX-NETWORK-FOLDER",
        where=str(place),
    )


def _rename_new(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST}:
            raise  # else another process was faster: its offices are as good


def _set_up(offices: Path, key: KeyKind) -> None:
    offices.mkdir(parents=True)
    pki = Pki.create(key=key)
    for station in scene.STATIONS:
        _set_up_office(offices / station.code, station, pki)
    person = pki.issue_person(
        scene.SIGNATORY.full_name, "ỦY BAN NHÂN DÂN TỈNH TIỀN GIANG", units=("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC",)
    )
    person.save(offices / scene.COMMUNE / "director.p12")
    pki.register(
        person,
        scene.COMMUNE,
        full_name=scene.SIGNATORY.full_name,
        position=scene.SIGNATORY.position,
        capacity=scene.SIGNATORY.capacity.value,
    )
    _draw_images(offices / scene.COMMUNE)
    pki.save_trust(offices / "trust")
    write_durably(offices / "registry.csv", [write_registrations(pki.registrations).encode()])
    units = scene.directory()
    lines = (line.encode() for line in write_document(units, units.successions, units.snapshot))
    write_durably(offices / "directory.json", lines)
    write_durably(offices / _READY, [json.dumps({"schema": 1, "scene": scene.DRAFT_ID}).encode()])


def _set_up_office(folder: Path, station: Station, pki: Pki) -> None:
    folder.mkdir(parents=True)
    agency = pki.issue_organisation(station.name.upper(), "TIỀN GIANG" if station.above else "CHÍNH PHỦ")
    agency.save(folder / "agency.p12")
    pki.register(agency, station.code)
    signers = {"agency": SignerConfig(key="file:agency.p12", role="organisation")}
    if station.code == scene.COMMUNE:
        signers["agency"] = SignerConfig(key="file:agency.p12", role="organisation", image=Path("seal.png"))
        signers["director"] = SignerConfig(key="file:director.p12", role="person", image=Path("signature.png"))
    config = OfficeConfig(
        unit=station.unit,
        name=station.name,
        store="office.db",
        axis="local:../axis.db",
        trust=(Path("../trust"),),
        registry=Path("../registry.csv"),
        directory=Path("../directory.json"),
        signers=signers,
    )
    (folder / "office.toml").write_text(config.to_toml(), encoding="utf-8")


def _draw_images(folder: Path) -> None:
    from edocx.letter import draw_seal, draw_signature  # noqa: PLC0415 - Pillow is heavy

    (folder / "signature.png").write_bytes(draw_signature())
    (folder / "seal.png").write_bytes(draw_seal("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC"))
