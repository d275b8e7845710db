"""``office.toml``: who this office is, which keys it has, whom it trusts, where its store and axis are.

::

    unit = "H58.12.01"
    name = "Ủy ban nhân dân xã Bình Đức"
    store = "office.db"
    axis = "local:../axis.db"
    trust = ["trust"]
    registry = "registry.csv"        # optional: whose certificates are whose
    directory = "directory.json"     # optional: else the shipped one
    calendar = "holidays.csv"        # optional: days off and on, else the shipped ones
    hooks = ["logging"]              # optional: logging, metrics, tracing (each an extra)

    [signers.director]
    key = "file:director.p12"
    role = "person"
    image = "signature.png"          # optional

    [signers.agency]
    key = "file:agency.p12"
    role = "organisation"

A store on a server, an axis over HTTP, and timestamps::

    store = "postgresql://office@db.example.vn/office"
    store_folder = "data"            # where large payloads lie; every process on the store uses the same one
    axis = "https://truc.example.vn"

    [axis_line]                      # optional, for an axis over HTTP
    system = "H58.12.01"             # the code registered there, else the unit
    attempts = "attempts"            # folder for what was tried
    plain_http = false               # true allows http, and NATS without TLS, to other machines
    ca = "authority.pem"             # whose certificates the axis has, if not one that the system trusts
    certificate = "client.pem"       # this office's, with its key, where the axis asks for one

A provincial platform of the LGSP dialect, or a hub over NATS::

    axis = "lgsp+https://lgsp.example.vn"

    [axis_line]
    user = "xa-binh-duc"             # of the login

    axis = "tls://nats1.example.vn:4222"      # nats:// on this machine

    [axis_line]
    hub = "H58"                      # unit code of the hub that serves this office
    servers = ["tls://nats2.example.vn:4222"] # optional: the cluster's others
    user = "office"                  # optional: a user of the NATS servers

Time-stamping services::

    [timestamp]                      # optional: documents are sealed at B-B without it
    services = ["https://tsa.example.vn"]
    level = "B-LT"
    on_failure = "later"             # or "fail": refuse to issue while no service answers
    online = true                    # ask the OCSP and CRL addresses that certificates name

Paths are relative to the file. Passwords never stand in it: an axis' secret (by the name ``axis:ADDRESS``), the
password of its ``user`` (``axis-password:ADDRESS``) and those of keys are asked for, or given by the caller; a
database's comes from libpq's own means (``PGPASSFILE``).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from edocx.errors import InputError, Text, UnitError, UsageError
from edocx.office.setting_faults import Unfit, missing_fault, setting_fault, syntax_fault
from edocx.routing.transport.nats_line import NatsSettings
from edocx.routing.transport.nats_subjects import call_subject
from edocx.units import UnitId

MAX_CONFIG = 256 * 1024
"""Bytes of a configuration file; a real one has one or two thousand."""

_LGSP = "lgsp+"


def _unit(value: Any) -> Any:
    # pydantic reports only ValueErrors with their place
    if isinstance(value, str):
        try:
            return UnitId.parse(value)
        except UnitError as error:
            raise ValueError(error.text.en) from error
    return value


def _is_server(store: str) -> bool:
    return store.startswith(("postgresql://", "postgres://"))


def _store(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str) and _is_server(value) and urlsplit(value).password:
        raise Unfit(
            Text(
                "trong tệp có mật khẩu; hãy để PGPASSFILE hoặc cách riêng của máy chủ đưa vào",
                "a password stands in the file; let PGPASSFILE or the server's own means give it",
            )
        )
    return value


def _without_password(axis: str) -> str:
    if urlsplit(axis).password:
        raise Unfit(
            Text(
                "trong tệp có mật khẩu; mật khẩu được hỏi khi chạy, hoặc đưa qua biến môi trường",
                "a password stands in the file; it is asked for, or given by an environment variable",
            )
        )
    return axis


def _over_nats(axis: str) -> bool:
    return axis.startswith(("nats://", "tls://"))


def _needed(axis: str) -> dict[str, bool]:
    """Return what else an axis takes beyond the settings of all, and whether it must be there."""
    if _over_nats(axis):
        return {"hub": True, "user": False, "servers": False}
    return {"user": True} if axis.startswith(_LGSP) else {}


class SignerConfig(BaseModel):
    """One key of the office: its URI, whether a person or the agency signs with it, and its image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1, repr=False)
    role: Literal["person", "organisation"]
    image: Path | None = None


class AxisLineConfig(BaseModel):
    """How the office reaches an axis that is not on this machine; which settings it takes, the axis' address says."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str | None = Field(default=None, min_length=1, max_length=200)
    attempts: Path = Path("attempts")
    plain_http: bool = False
    ca: Path | None = None
    certificate: Path | None = None
    user: str | None = Field(default=None, min_length=1, max_length=200)
    hub: str | None = Field(default=None, min_length=1, max_length=200)
    servers: tuple[str, ...] = ()

    def relative_to(self, folder: Path) -> AxisLineConfig:
        """Return the same settings with every path taken from ``folder``."""
        places = {"attempts": self.attempts, "ca": self.ca, "certificate": self.certificate}
        return self.model_copy(update={name: folder / place for name, place in places.items() if place is not None})


class TimestampConfig(BaseModel):
    """Which services stamp the agency's seals, up to which level, and what happens when none answers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    services: tuple[Annotated[str, Field(pattern=r"^https?://.+")], ...] = Field(min_length=1)
    level: Literal["B-T", "B-LT", "B-LTA"] = "B-LT"
    on_failure: Literal["fail", "later"] = "later"
    online: bool = True


class OfficeConfig(BaseModel):
    """The settings of one office; see the module for the file's form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Annotated[UnitId, BeforeValidator(_unit)]
    name: str = Field(min_length=1, max_length=200)
    store: Annotated[str, BeforeValidator(_store)] = Field(min_length=1)
    store_folder: Path | None = None
    axis: Annotated[str, AfterValidator(_without_password)] = Field(
        pattern=r"^(local:|(lgsp\+)?https?://|(nats|tls)://).+"
    )
    axis_line: AxisLineConfig = Field(default=AxisLineConfig(), validate_default=True)
    timestamp: TimestampConfig | None = None
    hooks: tuple[Literal["logging", "metrics", "tracing"], ...] = ()
    trust: tuple[Path, ...] = Field(min_length=1)
    registry: Path | None = None
    directory: Path | None = None
    calendar: Path | None = None
    signers: dict[str, SignerConfig] = Field(default_factory=dict)

    @field_validator("axis_line")
    @classmethod
    def _fits_the_axis(cls, line: AxisLineConfig, info: ValidationInfo) -> AxisLineConfig:
        axis = str(info.data.get("axis") or "local:")
        needed = _needed(axis)
        for name in ("hub", "user"):
            if needed.get(name) is True and getattr(line, name) is None:
                raise Unfit(Text(f"thiếu {name}, trục này cần", f"{name} is missing, which this axis needs"))
        for name in ("hub", "user", "servers"):
            if name not in needed and getattr(line, name):
                raise Unfit(Text(f"{name} không dùng cho trục này", f"{name} is not for this axis"))
        if _over_nats(axis):
            try:
                NatsSettings((axis, *line.servers), plain=line.plain_http)
                call_subject(str(line.hub))
            except UsageError as error:
                raise ValueError(error.text.en) from error
        return line

    @model_validator(mode="after")
    def _has_a_folder(self) -> Self:
        if self.on_server and self.store_folder is None:
            raise Unfit(
                Text("kho trên máy chủ cần có store_folder", "a store on a server needs store_folder"), "store_folder"
            )
        return self

    @property
    def on_server(self) -> bool:
        """Whether the store is a database on a server, not a file."""
        return _is_server(self.store)

    @property
    def place(self) -> Path:
        """The file beside which the office keeps whatever is not in its database; on a server, a name in its folder."""
        return (self.store_folder or Path()) / "office" if self.on_server else Path(self.store)

    @property
    def axis_path(self) -> Path | None:
        """The file of the local axis; None for one that is reached over a network."""
        return Path(self.axis.removeprefix("local:")) if self.axis.startswith("local:") else None

    @property
    def axis_kind(self) -> Literal["local", "axis", "lgsp", "nats"]:
        """What is spoken with the axis."""
        if self.axis_path is not None:
            return "local"
        if _over_nats(self.axis):
            return "nats"
        return "lgsp" if self.axis.startswith(_LGSP) else "axis"

    @classmethod
    def from_path(cls, path: Path | str) -> OfficeConfig:
        """Read a configuration file; raise `InputError` or `UsageError` naming file, setting and remedy."""
        place = Path(path)
        text = _read(place)
        try:
            data = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise syntax_fault(error, text, place) from error
        try:
            config = cls.model_validate(data).relative_to(place.parent)
        except ValidationError as error:
            raise setting_fault(error, text, place) from error
        for setting, file in config.files():
            if not file.exists():
                raise missing_fault(setting, file, text, place)
        return config

    def files(self) -> Iterator[tuple[str, Path]]:
        """Yield the files and folders that must be there before the office opens, with their settings."""
        yield from (("trust", place) for place in self.trust)
        for setting in ("registry", "directory", "calendar"):
            place = getattr(self, setting)
            if place is not None:
                yield setting, place
        for setting in ("ca", "certificate"):
            place = getattr(self.axis_line, setting)
            if place is not None:
                yield f"axis_line.{setting}", place

    def relative_to(self, folder: Path) -> OfficeConfig:
        """Return the same settings with every path taken from ``folder``."""
        signers = {
            name: signer.model_copy(
                update={
                    "key": _key_in(folder, signer.key),
                    "image": folder / signer.image if signer.image else None,
                }
            )
            for name, signer in self.signers.items()
        }
        return self.model_copy(
            update={
                "store": self.store if self.on_server else str(folder / self.store),
                "store_folder": folder / self.store_folder if self.store_folder else None,
                "axis": f"local:{folder / self.axis_path}" if self.axis_path else self.axis,
                "axis_line": self.axis_line.relative_to(folder),
                "trust": tuple(folder / place for place in self.trust),
                "registry": folder / self.registry if self.registry else None,
                "directory": folder / self.directory if self.directory else None,
                "calendar": folder / self.calendar if self.calendar else None,
                "signers": signers,
            }
        )

    def to_toml(self) -> str:
        """Return the settings as the text of an ``office.toml``."""
        tables = {"axis_line": self.axis_line, "timestamp": self.timestamp}
        left_out = {"signers", *tables, *(() if self.hooks else ("hooks",))}
        plain = self.model_dump(mode="json", exclude_none=True, exclude=left_out)
        lines = [f"{name} = {_toml(value)}" for name, value in plain.items()]
        for name, table in tables.items():
            settings = {} if table is None else table.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            if settings:
                lines += ["", f"[{name}]", *(f"{key} = {_toml(value)}" for key, value in settings.items())]
        for name, signer in self.signers.items():
            settings = signer.model_dump(mode="json", exclude_none=True)
            lines += ["", f"[signers.{name}]", *(f"{key} = {_toml(value)}" for key, value in settings.items())]
        return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON's strings and lists are TOML's as well
    return json.dumps(value, ensure_ascii=False)


def _key_in(folder: Path, uri: str) -> str:
    kind, separator, rest = uri.partition(":")
    return f"{kind}:{folder / rest}" if separator and kind in {"file", "certificate"} else uri


def _read(place: Path) -> str:
    try:
        with place.open("rb") as stream:
            return stream.read(MAX_CONFIG).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "UTF-8"
        raise InputError(
            Text(f"Không đọc được tệp cấu hình ({reason}).", f"The configuration cannot be read ({reason})."),
            hint=Text(
                "Kiểm tra đường dẫn, hoặc tạo bằng `edocx office init`.",
                "Check the path, or make one with `edocx office init`.",
            ),
            code="EDX-CONFIG-UNREADABLE",
            where=str(place),
        ) from error
