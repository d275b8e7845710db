"""One hub at work: its settings, store, vault, gate and door, opened together."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from edocx.clock import Clock, SystemClock
from edocx.content import Blob
from edocx.envelope import Reading
from edocx.errors import EdocxError
from edocx.hub.admission import Door
from edocx.hub.agencies import Agency
from edocx.hub.configuration import HubConfig
from edocx.hub.database import HubStore
from edocx.hub.gate import Gate
from edocx.hub.inspection import Findings, Inspector
from edocx.hub.letter_facts import LetterFacts, read_facts
from edocx.hub.metrics import Metrics
from edocx.hub.neighbourhood import is_stale
from edocx.hub.relay_book import RelayBook
from edocx.hub.schema import agencies, copies, neighbours, own_secrets, secrets
from edocx.hub.trace_header import with_trace
from edocx.hub.vault import Vault
from edocx.routing.faults import NO_FAULTS, Faults
from edocx.routing.parcel import ParcelKind
from edocx.routing.store.postgres import postgres_url
from edocx.units.directory import Directory

LOW_DISK = 512 * 1024 * 1024
"""Bytes free below which a hub is not ready: the largest body must still fit."""


@dataclass(frozen=True, slots=True)
class Service:
    """Everything that an operation needs."""

    config: HubConfig
    store: HubStore
    vault: Vault
    gate: Gate
    door: Door
    metrics: Metrics
    relay_book: RelayBook
    inspector: Inspector
    directory: Directory | None = None

    @classmethod
    def open(
        cls,
        config: HubConfig,
        *,
        clock: Clock | None = None,
        directory: Directory | None = None,
        faults: Faults = NO_FAULTS,
    ) -> Service:
        """Open a hub; its database and key file are made when they are not there.

        Raises `StoreUnavailable` for the database, `KeyFileError` for the key file, `InputError` for trust or registry.
        """
        time = clock or SystemClock()
        server = postgres_url(config.server) if config.server else None
        store = HubStore.open(config.database, clock=time, faults=faults, server=server)
        try:
            vault = Vault.from_path(config.key_path, create=_may_make_keys(store))
            metrics, book = Metrics(), RelayBook.open(config, store, vault)
            units = directory or _directory(config.directory)
            inspector = Inspector.open(config.door, time)
        except BaseException:
            store.close()
            raise
        door = Door(store, units, config.above.code if config.above else None, frozenset(p.code for p in config.peers))
        return cls(
            config, store, vault, Gate(config, store, vault, time, metrics), door, metrics, book, inspector, units
        )

    def look_into(self, file: Blob, caller: Agency) -> tuple[LetterFacts, Findings | None]:
        """Open an envelope at the door: its facts, and what was found inside; raise `Refused` by the policy."""
        found: list[Findings | None] = []

        def look(reading: Reading, facts: LetterFacts) -> None:
            found.append(self.inspector.inspect(reading, facts, caller))

        facts = read_facts(file, max_bytes=self.config.max_bytes, workdir=self.store.spool, look=look)
        for code in found[0].codes if found[0] else ():
            self.metrics.door(code)
        return facts, found[0]

    def traced(self, file: Blob, facts: LetterFacts) -> Blob:
        """Return a message with this hub's own entry in its trace, where the hub has a unit to name."""
        if self.config.unit is None or facts.kind is not ParcelKind.DOCUMENT:
            return file
        return with_trace(file, self.config.unit, self.store.now(), workdir=self.store.spool)

    def gauges(self) -> dict[str, float]:
        """Return what is counted in the database: agencies, and copies by state."""
        with self.store.read() as connection:
            states = connection.execute(select(copies.c.state, func.count()).group_by(copies.c.state))
            found = {f"copies_{state}": float(count) for state, count in states}
            for row in connection.execute(select(neighbours)):
                labels = f'{{hub="{row.code}"}}'
                found[f"neighbour_up{labels}"] = float(self._is_up(row))
                if row.answered_at is not None:
                    found[f"neighbour_answered_timestamp_seconds{labels}"] = row.answered_at.timestamp()
                if row.ahead_ms is not None:
                    found[f"neighbour_clock_ahead_seconds{labels}"] = row.ahead_ms / 1000
            open_agencies = select(func.count()).where(agencies.c.state == "open")
            return found | {"agencies": float(connection.execute(open_agencies).scalar_one())}

    def readiness(self) -> dict[str, bool]:
        """Return for each thing the hub depends on whether it can be used; it raises nothing."""
        found = {"database": self._database_answers()}
        try:
            found["spool"] = self.store.spool.is_dir()
            found["disk"] = shutil.disk_usage(self.store.spool).free >= LOW_DISK
        except (EdocxError, OSError):
            found |= {"spool": False, "disk": False}
        scanner = self.inspector.scanner
        if scanner is not None and self.config.door.scanner_down == "refuse":
            found["scanner"] = scanner.answers()
        return found

    def neighbours(self) -> dict[str, bool]:
        """Return for each neighbouring hub that was asked whether it answered; none of them keeps this one from work.

        Raises `StoreUnavailable`.
        """
        with self.store.read() as connection:
            return {row.code: self._is_up(row) for row in connection.execute(select(neighbours))}

    def _is_up(self, row: Any) -> bool:
        return row.error is None and not is_stale(row.answered_at, self.store.now())

    def _database_answers(self) -> bool:
        try:
            with self.store.read() as connection:
                connection.execute(select(agencies.c.id).limit(1))
        except EdocxError:
            return False
        return True

    def close(self) -> None:
        """Close the database."""
        self.store.close()


def _may_make_keys(store: HubStore) -> bool:
    """Tell whether a missing key file is made: not where secrets are, of which a new key would open none.

    Such are a further node, and a backup that was put back without the key that is kept apart.
    """
    with store.read() as connection:
        return not any(
            connection.execute(select(func.count()).select_from(one)).scalar_one() for one in (secrets, own_secrets)
        )


def _directory(path: Path | None) -> Directory | None:
    if path is None:
        return None
    from edocx.units.units_json import load  # noqa: PLC0415 - thousands of units, loaded when wanted

    return load(path)
