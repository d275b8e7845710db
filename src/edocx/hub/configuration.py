"""``hub.toml``: where the axis keeps its data, whom it answers, and what it checks at the door.

::

    database = "hub.db"          # or postgresql://user@host/hub, for several nodes
    key = "hub.key"              # opens the agencies' secrets; never inside the database
    unit = "H58"                 # this hub's own code, written into TraceHeader
    max_bytes = 209715200
    plain_http = false           # off loopback, http must be switched on by name

    [door]                       # checks: off, record, require
    seal = "require"
    files = "record"
    trust = "trust"
    scanner = "clamd:///run/clamav/clamd.ctl"

    [[peers]]                    # federation: the hubs next to this one
    code = "hub.G22"             # by their own system codes, which are no unit's
    endpoint = "https://hub.example"
    role = "above"

    [broker]                     # NATS: neighbours with endpoint = "nats" are reached by it, and offices call by it
    servers = ["tls://n1.example:4222", "tls://n2.example:4222", "tls://n3.example:4222"]

Paths are relative to the file. Secrets never stand in it: they are given to ``edocx hub agencies``.
"""

from __future__ import annotations

import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from edocx.errors import InputError, Text, UnitError
from edocx.hub.broker_settings import BrokerConfig
from edocx.office.setting_faults import Unfit, setting_fault, syntax_fault
from edocx.units import UnitId

MIB = 1024 * 1024
MAX_CONFIG = 256 * 1024
"""Bytes of a configuration file; a real one has one or two thousand."""

DAY = 86_400
"""Seconds that no wait is longer than: "inf" would wait for ever, or be too large for a clock."""

Rule = Literal["off", "record", "require"]
"""How strictly the door looks at something."""

BROKERED = "nats"
"""The endpoint of a neighbour that is reached by the broker."""


class Peer(BaseModel):
    """A neighbouring hub: its code, where it answers, and whether it stands above or below.

    Attributes:
        code: its system code.
        endpoint: its https address, or ``nats`` for one that is reached by the broker.
        role: above or below.
        unit: whose hub it is, for the broker's subjects; what stands behind ``hub.`` in its code unless given.
        domain: its JetStream domain, where it is another than ours.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: str = Field(min_length=1, max_length=200)
    endpoint: str = Field(pattern=r"^(https?://[^\s]+|nats)$")
    role: Literal["above", "below"] = "below"
    unit: str | None = Field(default=None, max_length=200)
    domain: str | None = Field(default=None, max_length=100)

    @property
    def tree_unit(self) -> str:
        """Whose hub it is."""
        return self.unit or self.code.removeprefix("hub.")


class DoorPolicy(BaseModel):
    """What is looked at inside an envelope before it is taken, the ``[door]`` of a ``hub.toml``.

    Attributes:
        seal: the sender's seal over the envelope: "off", "record" or "require". An agency may have a rule of its own.
        files: the signatures of the files inside, in the same words.
        trust: folder or file of certificates, as for `edocx verify --trust`; read again when it changes.
        registry: register of certificates (CSV); with it a seal must be the sender's own.
        state_secrets: what to do with a document marked as one: "refuse", or "off" for a hub that may carry them.
        scanner: clamd, as ``clamd:///run/clamav/clamd.ctl`` or ``clamd://host:3310``; what it finds is always refused.
        scanner_down: when it does not answer: "refuse" (the sender tries again), or "record" and go on unscanned.
        scanner_seconds: longest wait for it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seal: Rule = "off"
    files: Rule = "off"
    trust: Path | None = None
    registry: Path | None = None
    state_secrets: Literal["refuse", "off"] = "refuse"
    scanner: str | None = None
    scanner_down: Literal["refuse", "record"] = "refuse"
    scanner_seconds: float = Field(default=30.0, gt=0, le=DAY)

    @model_validator(mode="after")
    def _whole(self) -> DoorPolicy:
        if self.trust is None and "require" in {self.seal, self.files}:
            raise Unfit(
                Text(
                    "không có trust thì không chữ ký nào đạt: nêu thư mục chứng thư",
                    "without trust no signature passes: name a folder of certificates",
                )
            )
        return self


class HubConfig(BaseModel):
    """The settings of one hub; see the module for the file's form.

    Attributes:
        database: the hub's SQLite file; payloads and half-received bodies lie beside it. A PostgreSQL URL may stand
            here in a file: it goes to ``server``, and ``database`` becomes ``edocx-hub/hub``, the place of this node's
            key files and half-received bodies.
        server: a PostgreSQL database, shared by every node of the hub. The password is better kept out of it
            (``PGPASSFILE``).
        key: file with the key that opens stored secrets; ``<database>.key`` unless given. The same on every node.
        unit: whose hub it is; written into the TraceHeader of what passes.
        system: the code under which neighbouring hubs know this one; ``hub.<unit>`` unless given.
        max_bytes: most bytes of one body; answered with 413 beyond.
        max_header_bytes: most bytes of one request's head (an address list of 10,000 codes stands in it twice).
        plain_http: answer http from machines other than this one.
        envelope: "require" refuses what is no edXML envelope; "off" carries opaque parcels of edocx offices too.
        door: what is looked at inside an envelope.
        lgsp: also speak the LGSP dialect at ``/v1``.
        per_minute: requests a minute allowed to one agency, unless its own record says otherwise; None is no limit.
        body_seconds: longest silence inside one body, against clients that send half of one and stay.
        head_seconds: longest wait for a request's head, against connections that say nothing.
        connections: most at once.
        open_metrics: answer ``/metrics`` to other machines too.
        proxies: addresses or networks of the proxies in front; what they forward (``X-Forwarded-For``, ``-Proto``) is
            believed, and nobody else's. Without them a hub behind a proxy takes all callers for that one machine.
        directory: units file (JSON) used to route and to name successors; without one the register alone decides.
        peers: neighbouring hubs.
        broker: a NATS cluster, for neighbours with the endpoint ``nats`` and for offices that call by it.
        keep_days: how long contents stay after every recipient has settled its copy; None keeps them.
        relay_seconds: how often the carrier looks for what is due; 0 leaves it to the host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    database: Path = Path("hub.db")
    server: str | None = Field(default=None, repr=False)
    key: Path | None = None
    unit: str | None = Field(default=None, max_length=200)
    system: str | None = Field(default=None, max_length=200)
    max_bytes: int = Field(default=512 * MIB, ge=1024, le=2**50)
    max_header_bytes: int = Field(default=MIB, ge=16 * 1024, le=2**30)
    plain_http: bool = False
    envelope: Literal["require", "off"] = "require"
    door: DoorPolicy = DoorPolicy()
    lgsp: bool = True
    per_minute: int | None = Field(default=None, ge=1, le=2**31 - 1)
    body_seconds: float = Field(default=30.0, gt=0, le=DAY)
    head_seconds: float = Field(default=20.0, gt=0, le=DAY)
    connections: int = Field(default=2_000, ge=1, le=2**24)
    open_metrics: bool = False
    proxies: tuple[str, ...] = ()
    directory: Path | None = None
    peers: tuple[Peer, ...] = ()
    broker: BrokerConfig | None = None
    keep_days: int | None = Field(default=None, ge=1, le=36_500)
    relay_seconds: float = Field(default=1.0, ge=0, le=DAY)

    @model_validator(mode="before")
    @classmethod
    def _placed(cls, told: Any) -> Any:
        place = told.get("database") if isinstance(told, dict) else None
        if isinstance(place, str) and place.startswith(("postgresql://", "postgres://")):
            return {**told, "server": place, "database": Path("edocx-hub/hub")}
        return told

    @model_validator(mode="after")
    def _whole(self) -> HubConfig:
        if self.unit is not None:
            _require_code(self.unit)
        for at, place in enumerate(self.proxies):
            _require_network(place, f"proxies.{at}")
        if self.envelope == "off" and (self.door.scanner or {self.door.seal, self.door.files} != {"off"}):
            # What is no envelope would pass unopened, whatever the door asks for.
            raise Unfit(_PASSED_BY, "envelope")
        if self.peers and not self.unit:
            raise Unfit(
                Text("trục có [[peers]] phải có unit của mình", "a hub with peers needs its own unit code"), "unit"
            )
        if sum(peer.role == "above" for peer in self.peers) > 1:
            raise Unfit(Text("chỉ một trục đứng trên (role = above)", "only one hub stands above"), "peers")
        if len({peer.code for peer in self.peers}) != len(self.peers):
            raise Unfit(Text("hai [[peers]] cùng một mã", "two peers have one code"), "peers")
        by_broker = next((at for at, peer in enumerate(self.peers) if peer.endpoint == BROKERED), None)
        if self.broker is None and by_broker is not None:
            raise Unfit(
                Text(
                    "có trục lân cận qua nats mà không có [broker]",
                    "a peer is reached by nats, and there is no [broker]",
                ),
                f"peers.{by_broker}.endpoint",
            )
        if self.broker is not None and not self.unit:
            raise Unfit(
                Text("trục có [broker] phải có unit của mình", "a hub with a broker needs its own unit code"), "unit"
            )
        return self

    @property
    def key_path(self) -> Path:
        """Where the key file lies."""
        return self.key or self.database.with_name(self.database.name + ".key")

    @property
    def relay_key_path(self) -> Path:
        """Where a hub of an earlier version kept the key of its relay statements (now sealed in the database)."""
        return self.database.with_name(self.database.name + ".relay-key")

    @property
    def system_code(self) -> str | None:
        """The code under which neighbouring hubs know this one."""
        return self.system or (f"hub.{self.unit}" if self.unit else None)

    @property
    def above(self) -> Peer | None:
        """The hub above this one, if any."""
        return next((peer for peer in self.peers if peer.role == "above"), None)

    @classmethod
    def from_path(cls, path: Path | str) -> HubConfig:
        """Read a configuration file; raise `InputError` or `UsageError` naming file, setting and remedy."""
        place = Path(path)
        text = _read(place)
        try:
            return cls.model_validate(tomllib.loads(text)).relative_to(place.parent)
        except tomllib.TOMLDecodeError as error:
            raise syntax_fault(error, text, place) from error
        except ValidationError as error:
            raise setting_fault(error, text, place, remedies=_REMEDIES, otherwise=_REMEDY) from error

    def relative_to(self, folder: Path) -> HubConfig:
        """Return the same settings with every path taken from ``folder``."""
        return self.model_copy(
            update={
                "database": folder / self.database,
                "key": folder / self.key if self.key else None,
                "directory": folder / self.directory if self.directory else None,
                "door": self.door.model_copy(
                    update={
                        name: folder / place
                        for name, place in (("trust", self.door.trust), ("registry", self.door.registry))
                        if place is not None
                    }
                ),
                "broker": self.broker.relative_to(folder) if self.broker else None,
            }
        )


def _require_code(unit: str) -> None:
    try:
        UnitId.parse(unit)
    except UnitError as error:
        raise Unfit(error.text, "unit") from error


def _require_network(place: str, setting: str) -> None:
    try:
        network = ip_network(place)
    except ValueError as error:
        raise Unfit(_NO_NETWORK, setting) from error
    if network.prefixlen == 0:
        raise Unfit(_EVERYBODY, setting)


_NO_NETWORK = Text("không phải địa chỉ hay mạng IP", "no IP address or network")
_EVERYBODY = Text("mạng này là mọi máy: ai cũng được tin", "this network is every machine: anybody would be believed")
_PASSED_BY = Text(
    "cửa kiểm tra bên trong gói tin: với envelope = “off” thì bị bỏ qua",
    'the door looks inside envelopes: with envelope = "off" it would be passed by',
)
_REMEDIES = {
    "proxies": Text(
        "Viết địa chỉ của máy chủ ủy quyền, ví dụ proxies = [“10.1.2.3”, “10.2.0.0/24”].",
        "Write the proxies' own addresses, as proxies = [“10.1.2.3”, “10.2.0.0/24”].",
    ),
    "unit": Text("Viết mã định danh của trục, ví dụ unit = “H58”.", "Write the hub's unit, as unit = “H58”."),
    "database": Text(
        "Viết tên tệp (hub.db) hoặc postgresql://tài-khoản@máy/cơ-sở-dữ-liệu.",
        "Write a file (hub.db) or postgresql://account@host/database.",
    ),
    "door": Text(
        "Trong [door]: seal, files (off, record, require), trust, registry, state_secrets (refuse, off), scanner,"
        " scanner_down (refuse, record), scanner_seconds.",
        "[door] has seal, files (off, record, require), trust, registry, state_secrets (refuse, off), scanner,"
        " scanner_down (refuse, record), scanner_seconds.",
    ),
    "peers": Text(
        "Mỗi [[peers]] có code, endpoint (https://… hoặc nats), role (above, below) và có thể unit, domain; mã không"
        " trùng nhau, nhiều nhất một trục đứng trên.",
        "Each [[peers]] has code, endpoint (https://… or nats), role (above, below) and perhaps unit, domain; no code"
        " twice, at most one hub above.",
    ),
    "broker": Text(
        "Trong [broker]: servers (danh sách tls://máy:4222), user, password_file, ca, certificate, replicas (1, 3, 5).",
        "[broker] has servers (a list of tls://host:4222), user, password_file, ca, certificate, replicas (1, 3, 5).",
    ),
}
_REMEDY = Text("Xem mẫu hub.toml trong docs/how-to/run-a-hub.md.", "Compare hub.toml in docs/how-to/run-a-hub.md.")


def _read(place: Path) -> str:
    try:
        with place.open("rb") as stream:
            return stream.read(MAX_CONFIG).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        raise InputError(
            Text(f"Không đọc được tệp cấu hình ({reason}).", f"The configuration cannot be read ({reason})."),
            hint=Text("Kiểm tra đường dẫn tệp hub.toml.", "Check the path of hub.toml."),
            code="EDX-CONFIG-UNREADABLE",
            where=str(place),
        ) from error
