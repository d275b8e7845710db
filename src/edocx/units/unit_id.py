"""UnitId: the code of a unit as a value, in the two national schemes and the two kinds beside them.

::

    scheme      form                       order        norm
    QCVN102     000.01.12.H58              leaf first   QCVN 102:2016 (V1V2V3.Z1Z2.Y1Y2.MX1X2, 13 characters)
    QD20        H58.12.01                  root first   QĐ 20/2020/QĐ-TTg Điều 4 (at most 35 characters)
    ENTERPRISE  0301234567-001             flat         QĐ 20/2020/QĐ-TTg Điều 5 (registration number)
    SCHEMED     scheme code + unit code    flat         QĐ 20/2020/QĐ-TTg Điều 6 (two parts, no separator)

Two spellings in two schemes are two values. The conversion between them is syntactic and nowhere
confirmed by a norm, so it happens only on purpose: `UnitId.to_qd20`, `UnitId.to_qcvn102`, or the
directory's ``same_unit``, which asks recorded pairs first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import TYPE_CHECKING, Any, NoReturn

from edocx.errors import Text, UnitError

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

MAX_QD20 = 35
"""Most characters of a code of QĐ 20/2020 Điều 4."""

MAX_FLAT = 64
"""Most characters of the flat kinds, whose norm names no bound: against keys of unbounded size."""


class Scheme(Enum):
    """The four kinds of unit identifiers."""

    QCVN102 = "qcvn102"
    QD20 = "qd20"
    ENTERPRISE = "enterprise"
    SCHEMED = "schemed"

    @property
    def label(self) -> Text:
        """The scheme's name for people, in both languages."""
        return _LABELS[self]


_LABELS = {
    Scheme.QCVN102: Text("QCVN 102:2016", "QCVN 102:2016"),
    Scheme.QD20: Text("QĐ 20/2020 Điều 4", "QĐ 20/2020 Article 4"),
    Scheme.ENTERPRISE: Text("mã số doanh nghiệp (Điều 5)", "enterprise number (Article 5)"),
    Scheme.SCHEMED: Text("mã theo bộ mã riêng (Điều 6)", "code of a scheme of its own (Article 6)"),
}
_FLAT = Text("không có cây nhóm", "it has no tree of groups")
_ORDER = {scheme: place for place, scheme in enumerate(Scheme)}

_qcvn102 = re.compile(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}").fullmatch
_qd20 = re.compile(r"[A-Z][0-9]{2}(?:\.[0-9A-Z]+)*").fullmatch
_enterprise = re.compile(r"[0-9]{10}(?:-[0-9]{3})?").fullmatch


class UnitId:
    """The identifier of a unit: an immutable, hashable, ordered value of a code in a scheme.

    Make one with `UnitId.parse`. ``str()`` and `code` give the normalised code. Equality and hash are
    of the code in its scheme; whether two codes mean one unit on a date is the directory's to say.
    As a field of a pydantic model it reads text and writes `reference`.
    """

    __slots__ = ("code", "scheme")

    code: str
    """The normalised code: 13 characters leaf first for QCVN 102, root first for QĐ 20."""
    scheme: Scheme
    """The scheme in which the code is to be read."""

    @classmethod
    def parse(cls, text: str | UnitId, scheme: Scheme | None = None) -> UnitId:
        """Read a code; without a ``scheme``, by the rule written in `edocx.units.reading`.

        Case, blanks at the ends and around dots, and full-width forms are normalised. Raises
        `UnitError`: ``EDX-UNIT-CHARACTER`` names a character no code has (a Cyrillic Н, a zero-width
        space), ``EDX-UNIT-MALFORMED`` says what was expected, ``EDX-UNIT-AMBIGUOUS`` asks for the scheme.
        """
        if type(text) is str:
            # The two canonical spellings, in the order of how often they come; all others are read at leisure.
            if (scheme is None or scheme is Scheme.QD20) and len(text) <= MAX_QD20 and _qd20(text):
                return _make(text, Scheme.QD20)
            if (scheme is None or scheme is Scheme.QCVN102) and _qcvn102(text) and not _has_gap(text):
                return _make(text, Scheme.QCVN102)
        from edocx.units import reading  # noqa: PLC0415  # the slow path, and it needs this module

        return reading.read(text, scheme).unit_id

    @property
    def groups(self) -> tuple[str, ...]:
        """The code's groups from the root down, unused groups of QCVN 102 left out."""
        if self.scheme is Scheme.QCVN102:
            return tuple(_used_groups(self.code))
        return tuple(self.code.split("."))

    @property
    def depth(self) -> int:
        """How many groups the code has; no statement about the administrative level."""
        if self.scheme is Scheme.QD20:
            return self.code.count(".") + 1
        return len(self.groups)

    @property
    def parent(self) -> UnitId | None:
        """The code one group shorter in the same scheme, or None at the root (the flat kinds are roots)."""
        groups = self.groups[:-1]
        if not groups:
            return None
        if self.scheme is Scheme.QCVN102:
            return _make(_qcvn102_code(groups), Scheme.QCVN102)
        return _make(".".join(groups), self.scheme)

    @property
    def ancestors(self) -> tuple[UnitId, ...]:
        """The parent, its parent, and so on to the root; empty at the root."""
        return tuple(self._walk_up())

    @property
    def reference(self) -> str:
        """What `parse` reads back to this very value: the code, or ``scheme:code`` where the code alone misleads."""
        if self.scheme in (Scheme.QD20, Scheme.QCVN102):
            return self.code
        plain = self.scheme is Scheme.ENTERPRISE and _enterprise(self.code)
        return self.code if plain else f"{self.scheme.value}:{self.code}"

    def contains(self, other: UnitId) -> bool:
        """Say whether ``other`` is this code or lies under it, in the same scheme (so every code contains itself)."""
        if self.scheme is not other.scheme:
            return False
        mine, theirs = self.groups, other.groups
        return theirs[: len(mine)] == mine

    def to_qd20(self) -> UnitId:
        """Convert to QĐ 20/2020 by the syntactic rule: groups reversed, all-zero groups dropped.

        Raises `UnitError` ``EDX-UNIT-NO-QD20`` for the flat kinds, which have no such form.
        """
        code = self.code
        if self.scheme is Scheme.QD20:
            return self
        if self.scheme is not Scheme.QCVN102:
            self._refuse_conversion("EDX-UNIT-NO-QD20", Scheme.QD20, *_FLAT)
        head, level2, level3, level4 = code[10:], code[7:9], code[4:6], code[:3]
        if level4 != "000":
            return _make(f"{head}.{level2}.{level3}.{level4}", Scheme.QD20)
        if level3 != "00":
            return _make(f"{head}.{level2}.{level3}", Scheme.QD20)
        return _make(f"{head}.{level2}" if level2 != "00" else head, Scheme.QD20)

    def to_qcvn102(self) -> UnitId:
        """Convert to the 13 characters of QCVN 102, where such a form exists.

        Raises `UnitError` ``EDX-UNIT-NO-QCVN102`` for more than four groups, letters below the root,
        groups of another width than 2, 2 and 3 digits, and groups of zeros (they mean "unused" there).
        """
        if self.scheme is Scheme.QCVN102:
            return self
        if self.scheme is not Scheme.QD20:
            self._refuse_conversion(
                "EDX-UNIT-NO-QCVN102", Scheme.QCVN102, "không có cây nhóm", "it has no tree of groups"
            )
        groups = self.code.split(".")
        if fault := _no_qcvn102(groups):
            self._refuse_conversion("EDX-UNIT-NO-QCVN102", Scheme.QCVN102, *fault)
        return _make(_qcvn102_code(groups), Scheme.QCVN102)

    def _walk_up(self) -> Iterator[UnitId]:
        above = self.parent
        while above is not None:
            yield above
            above = above.parent

    def _refuse_conversion(self, error_code: str, to: Scheme, vi: str, en: str) -> NoReturn:
        raise UnitError(
            Text(
                f"Mã {self.code} không có dạng {to.label.vi}: {vi}.",
                f"{self.code} has no form in {to.label.en}: {en}.",
            ),
            hint=Text("Giữ nguyên mã ban đầu khi gửi.", "Keep the original code in addresses."),
            code=error_code,
        )

    def _sort_key(self) -> tuple[int, tuple[tuple[int, str], ...]]:
        # Shorter groups first, so that H01.99 stands before H01.151.
        return _ORDER[self.scheme], tuple((len(group), group) for group in self.groups)

    def __str__(self) -> str:
        return self.code

    def __repr__(self) -> str:
        return f"UnitId({self.reference!r})"

    def __hash__(self) -> int:
        return hash(self.code)

    def __eq__(self, other: object) -> bool:
        if other.__class__ is not UnitId:
            return NotImplemented
        return self.code == other.code and self.scheme is other.scheme

    def __lt__(self, other: UnitId) -> bool:
        return self._sort_key() < other._sort_key() if isinstance(other, UnitId) else NotImplemented

    def __le__(self, other: UnitId) -> bool:
        return self._sort_key() <= other._sort_key() if isinstance(other, UnitId) else NotImplemented

    def __gt__(self, other: UnitId) -> bool:
        return self._sort_key() > other._sort_key() if isinstance(other, UnitId) else NotImplemented

    def __ge__(self, other: UnitId) -> bool:
        return self._sort_key() >= other._sort_key() if isinstance(other, UnitId) else NotImplemented

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"UnitId is immutable; {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"UnitId is immutable; {name} cannot be deleted")

    def __copy__(self) -> UnitId:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> UnitId:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.code, self.scheme)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Describe the field to pydantic: text in, `reference` out (imported here: ``import edocx`` stays light)."""
        from edocx.units import _pydantic  # noqa: PLC0415

        return _pydantic.unit_id_schema()


_new = object.__new__
_set_code = vars(UnitId)["code"].__set__
_set_scheme = vars(UnitId)["scheme"].__set__


def _make(code: str, scheme: Scheme) -> UnitId:
    """Make the value from a code known to be normal in its scheme."""
    made = _new(UnitId)
    _set_code(made, code)
    _set_scheme(made, scheme)
    return made


def _restore(code: str, scheme: Scheme) -> UnitId:
    """Make the value again from a pickle, which is input like any other."""
    return UnitId.parse(code, scheme)


def _has_gap(code: str) -> bool:
    """Say whether a 13-character code uses a level below one that it leaves unused (law.md #6, inferred)."""
    if code[:3] != "000":
        return code[4:6] == "00" or code[7:9] == "00"
    return code[4:6] != "00" and code[7:9] == "00"


def _used_groups(code: str) -> Iterator[str]:
    yield code[10:]
    for group in (code[7:9], code[4:6], code[:3]):
        if group.strip("0"):
            yield group


def _qcvn102_code(groups: Sequence[str]) -> str:
    head, *below = groups
    level2, level3, level4 = (*below, *("00", "00", "000")[len(below) :])
    return f"{level4}.{level3}.{level2}.{head}"


def _no_qcvn102(groups: list[str]) -> tuple[str, str] | None:
    if len(groups) > 4:  # noqa: PLR2004  # V.Z.Y.M
        return f"{len(groups)} nhóm, tối đa 4", f"{len(groups)} groups where at most 4 fit"
    for place, (group, width) in enumerate(zip(groups[1:], (2, 2, 3), strict=False), start=2):
        if len(group) != width or not group.isdigit():
            return (
                f"nhóm {group} ở cấp {place} phải gồm đúng {width} chữ số",
                f"group {group} at level {place} would have to be exactly {width} digits",
            )
        if not group.strip("0"):
            return (
                f"nhóm {group} ở cấp {place} có nghĩa là bỏ trống",
                f"group {group} at level {place} means 'unused' there",
            )
    return None
