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

    [signers.director]
    key = "file:director.p12"
    role = "person"
    image = "signature.png"          # optional

    [signers.agency]
    key = "file:agency.p12"
    role = "organisation"

Paths are relative to the file. Passwords never stand in it: a password is asked for, or given by the caller.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from edocx.errors import InputError, Text, UnitError, UsageError
from edocx.units import UnitId

MAX_CONFIG = 256 * 1024
"""Bytes of a configuration file; a real one has one or two thousand."""


def _unit(value: Any) -> Any:
    # pydantic reports only ValueErrors with their place
    if isinstance(value, str):
        try:
            return UnitId.parse(value)
        except UnitError as error:
            raise ValueError(error.text.en) from error
    return value


class SignerConfig(BaseModel):
    """One key of the office: its URI, whether a person or the agency signs with it, and its image."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = Field(min_length=1, repr=False)
    role: Literal["person", "organisation"]
    image: Path | None = None


class OfficeConfig(BaseModel):
    """The settings of one office; see the module for the file's form."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: Annotated[UnitId, BeforeValidator(_unit)]
    name: str = Field(min_length=1, max_length=200)
    store: Path
    axis: Annotated[str, AfterValidator(str)] = Field(pattern=r"^local:.+")
    trust: tuple[Path, ...] = Field(min_length=1)
    registry: Path | None = None
    directory: Path | None = None
    calendar: Path | None = None
    signers: dict[str, SignerConfig] = Field(default_factory=dict)

    @property
    def place(self) -> Path:
        """The file beside which the office keeps whatever is not in its database."""
        return self.store

    @property
    def axis_path(self) -> Path:
        """The file of the local axis."""
        return Path(self.axis.removeprefix("local:"))

    @classmethod
    def from_path(cls, path: Path | str) -> OfficeConfig:
        """Read a configuration file; raise `InputError` or `UsageError` naming file, setting and remedy."""
        place = Path(path)
        try:
            data = tomllib.loads(_read(place))
        except tomllib.TOMLDecodeError as error:
            raise UsageError(
                Text("Tệp cấu hình sai cú pháp TOML.", f"The configuration is not valid TOML: {error}."),
                hint=Text("Sửa dòng được nêu.", "Mend the line named."),
                code="EDX-CONFIG-SYNTAX",
                where=str(place),
            ) from error
        try:
            return cls.model_validate(data).relative_to(place.parent)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            setting = ".".join(str(part) for part in first["loc"])
            raise UsageError(
                Text(f"Cấu hình “{setting}” không đúng.", f"The setting “{setting}” is not right: {first['msg']}."),
                hint=Text(
                    "Xem mẫu trong tài liệu office.toml.", "Compare the example of office.toml in the documentation."
                ),
                code="EDX-CONFIG-SETTING",
                where=str(place),
            ) from error

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
                "store": folder / self.store,
                "axis": f"local:{folder / self.axis_path}",
                "trust": tuple(folder / place for place in self.trust),
                "registry": folder / self.registry if self.registry else None,
                "directory": folder / self.directory if self.directory else None,
                "calendar": folder / self.calendar if self.calendar else None,
                "signers": signers,
            }
        )

    def to_toml(self) -> str:
        """Return the settings as the text of an ``office.toml``."""
        plain = self.model_dump(mode="json", exclude_none=True, exclude={"signers"})
        lines = [f"{name} = {_toml(value)}" for name, value in plain.items()]
        for name, signer in self.signers.items():
            settings = signer.model_dump(mode="json", exclude_none=True)
            lines += ["", f"[signers.{name}]", *(f"{key} = {_toml(value)}" for key, value in settings.items())]
        return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    # JSON's strings and lists are TOML's as well
    return json.dumps(value, ensure_ascii=False)


def _key_in(folder: Path, uri: str) -> str:
    kind, separator, rest = uri.partition(":")
    return f"file:{folder / rest}" if separator and kind == "file" else uri


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
