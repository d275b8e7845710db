"""``[broker]`` in ``hub.toml``: the NATS cluster that carries mail between hubs and answers offices."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edocx.content import Blob
from edocx.errors import EdocxError
from edocx.routing.transport.nats_line import NatsSettings

MAX_PASSWORD_FILE = 4_096


class BrokerConfig(BaseModel):
    """Where the servers are, and what is asked of them.

    Attributes:
        servers: ``tls://host:4222``; ``nats://`` only to this machine, unless ``plain``.
        user: name at the servers.
        password_file: file with its password alone, readable by its owner only.
        ca: PEM file with the authority of the servers' certificates.
        certificate: PEM file with this hub's certificate and key, for servers that ask for one.
        plain: allow unencrypted connections to other machines.
        domain: this hub's JetStream domain; one for each province.
        replicas: on how many servers each message lies before it is acknowledged: 3 in a cluster.
        window_seconds: the servers' memory for repeats. An optimisation only: what counts is the database's key.
        monitors: the servers' monitoring addresses (``http://host:8222``), for `edocx hub doctor`.
        unsynced: accept servers that acknowledge before a message is on disk (``sync_interval`` not ``always``).
        answer_seconds: how long the next hub may take before a message is published anew; doubled each time.
        ask_seconds: how often the next hub is asked how its mail fared.
        poll_seconds: how often the database is looked at for mail to publish.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    servers: tuple[str, ...] = Field(min_length=1)
    user: str | None = Field(default=None, max_length=200)
    password_file: Path | None = None
    ca: Path | None = None
    certificate: Path | None = None
    plain: bool = False
    domain: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,100}$")
    replicas: Literal[1, 3, 5] = 3
    window_seconds: float = Field(default=120.0, ge=0.1)
    monitors: tuple[str, ...] = ()
    unsynced: bool = False
    answer_seconds: float = Field(default=60.0, gt=0)
    ask_seconds: float = Field(default=60.0, gt=0)
    poll_seconds: float = Field(default=0.05, gt=0)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        try:
            self.settings()
        except EdocxError as error:
            raise ValueError(error.text.en) from error
        return self

    def settings(self) -> NatsSettings:
        """Return what a line needs; raise `UsageError` for addresses in clear."""
        return NatsSettings(
            servers=self.servers,
            user=self.user,
            domain=self.domain,
            plain=self.plain,
            ca=self.ca,
            certificate=self.certificate,
        )

    def password(self, _user: str) -> str | None:
        """Read the password; raise `InputError` when the file cannot be read."""
        if self.password_file is None:
            return None
        return Blob.from_path(self.password_file).read(MAX_PASSWORD_FILE).decode("utf-8", "replace").strip()

    def relative_to(self, folder: Path) -> Self:
        """Return the same settings with every path taken from ``folder``."""
        names = ("password_file", "ca", "certificate")
        found = {name: getattr(self, name) for name in names}
        return self.model_copy(update={name: folder / place for name, place in found.items() if place is not None})
