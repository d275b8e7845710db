"""From the tree to the fields of an envelope: one interpreter for all dialects, led by the tables.

An element counts as edXML's when its name and the envelope's namespace say so; the same name in another
namespace is unknown (a Subject in a namespace of its own must not pass for the subject).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import MappingProxyType
from typing import Any, Final, TypeAlias
from unicodedata import is_normalized

from lxml import etree

from edocx.envelope import fields as f
from edocx.envelope import names as n
from edocx.envelope.fields import Field, Group, Kind
from edocx.envelope.notes import Notes
from edocx.envelope.tree import is_element
from edocx.envelope.values import plain_date, read_flag, read_integer, read_moment, read_word
from edocx.errors import Text

_BUSINESS: Final = ("new", "withdraw", "update", "replace")
_MERGED_BEFORE: Final = frozenset(("business", "business_reason", "business_target", "paper", "update", "replaces"))
"""Fields that only a Bussiness block gives: a second such block is told by them."""

_MANY_DIGITS: Final = 10
_SEAL: Final = n.tag(n.SIGNATURE, n.XMLDSIG)
_SHOWN: Final = 40
"""Most characters of a bad value repeated in a finding."""


Blocks: TypeAlias = dict[str, list[Any]]
"""Children (elements) of a frame element by name."""


@cache
def _tags(names: frozenset[str], namespace: str) -> MappingProxyType[str, str]:
    return MappingProxyType({n.tag(name, namespace): name for name in names})


class Interpreter:
    """Reads groups of fields in one envelope's namespace."""

    def __init__(self, namespace: str, notes: Notes) -> None:
        self.namespace = namespace
        self.notes = notes
        self.respelt = False
        self._readers: dict[Kind, Callable[[etree._Element, Field, str], Any]] = {
            Kind.INT: self._integer,
            Kind.FLAG: self._flag,
            Kind.DATE: self._moment,
            Kind.MOMENT: self._moment,
            Kind.BUSINESS: self._business,
            Kind.STATUS: self._status,
        }

    def group(self, element: etree._Element, group: Group, also: frozenset[str] = frozenset()) -> dict[str, Any]:
        """Return the fields of a structure; names in ``also`` are known and left to the caller."""
        find = f.by_tag(group, self.namespace).get
        values: dict[str, Any] = {}
        for child in element:
            entry = find(child.tag)
            if entry is None:
                if is_element(child) and (field := self._near_miss(child, group, also)) is not None:
                    self._take(child, field, values)
                continue
            field, key, ease, inner = entry
            # Nine fields in ten are plain: read here what needs no remark.
            if ease and key not in values:
                if inner is not None:
                    parts = self.group(child, inner)
                    if ease == f.EASY_GROUPS:
                        values[key] = [parts]
                    elif parts:
                        values[key] = parts
                    continue
                text = child.text
                if text and not len(child) and (value := _plain(text, ease)) is not None:
                    values[key] = value
                    continue
            self._take(child, field, values)
        return values

    def blocks(self, element: etree._Element, known: frozenset[str]) -> Blocks:
        """Return the children with known names; keep all others as unknown.

        A child without namespace counts where none has the right one. A seal stands outside both: it speaks
        of these very bytes and is never carried over to others.
        """
        tags = _tags(known, self.namespace)
        found: Blocks = {}
        bare: Blocks = {}
        for node in element:
            name = tags.get(node.tag)
            if name is not None:
                found.setdefault(name, []).append(node)
            elif not is_element(node) or (node.tag == _SEAL and n.SIGNATURE in known):
                continue
            elif node.tag in known:
                bare.setdefault(node.tag, []).append(node)
            else:
                self.notes.unknown_element(node)
        for name, nodes in bare.items():
            for node in nodes:
                if name in found:
                    self.notes.unknown_element(node)
                else:
                    self.notes.quirk("no-namespace-child", node)
        return bare | found

    def only(self, blocks: Blocks, *names: str) -> etree._Element | None:
        """Return the first block with one of the names, noting further ones as findings."""
        found = [node for name in names for node in blocks.get(name, ())]
        for extra in found[1:]:
            self._twice(extra)
        return found[0] if found else None

    def _near_miss(self, child: etree._Element, group: Group, also: frozenset[str]) -> Field | None:
        tag = str(child.tag)
        name, namespace = n.local(tag), n.namespace(tag)
        if name in also and namespace in {self.namespace, ""}:
            return None
        if not namespace and self.namespace and (bare := f.by_tag(group, "").get(name)):
            self.notes.quirk("no-namespace-child", child)
            return bare[0]
        respelt = n.BUSINESS_RESPELT.get(name)
        if respelt and namespace == self.namespace:
            entry = f.by_tag(group, self.namespace).get(n.tag(respelt, namespace))
            if entry is not None:
                if not self.respelt:
                    self.notes.quirk("business-spelling", child)
                self.respelt = True
                return entry[0]
            if group is f.TRACE:
                self.notes.quirk("trace-business", child)
        self.notes.unknown_element(child)
        return None

    def _take(self, child: etree._Element, field: Field, values: dict[str, Any]) -> None:
        kind, key = field.kind, field.key
        if kind < Kind.GROUP:
            value = self.scalar(child, field)
        elif kind == Kind.GROUPS:
            values.setdefault(key, []).append(self.group(child, field.structure))
            return
        elif kind == Kind.MERGED:
            if _MERGED_BEFORE.isdisjoint(values):
                values.update(self.group(child, field.structure))
            else:
                self._twice(child)
            return
        elif kind == Kind.GROUP:
            value = self.group(child, field.structure) or None
        else:
            value = self._items(child, field)
        if key in values:
            self._twice(child)
        elif value is not None:
            values[key] = value

    def _items(self, wrapper: etree._Element, field: Field) -> list[Any]:
        items: list[Any] = []
        for child in wrapper:
            if not is_element(child):
                continue
            tag = str(child.tag)
            if n.local(tag) != field.item or n.namespace(tag) not in {self.namespace, ""}:
                self.notes.unknown_element(child)
            elif field.group is not None:
                items.append(self.group(child, field.group))
            elif text := self.notes.text(child):
                items.append(text)
        return items

    def scalar(self, element: etree._Element, field: Field) -> Any:
        """Return one value, or ``None`` where there is none or it cannot be read (a finding says so)."""
        kind = field.kind
        if kind == Kind.TEXT:
            return self.notes.text(element)
        text = self.notes.text(element, key=True)
        if kind == Kind.KEY:
            return text
        if text is None:
            if kind in {Kind.INT, Kind.BUSINESS}:
                self.notes.quirk("empty-number", element)
            return None
        return self._readers[kind](element, field, text)

    def _status(self, element: etree._Element, _field: Field, text: str) -> str:
        if len(text) == 1 and text.isascii() and text.isdigit():
            self.notes.quirk("status-one-digit", element)
            return f"0{text}"
        return text

    def _flag(self, element: etree._Element, field: Field, text: str) -> bool | None:
        flag = read_flag(text)
        if flag is None:
            self._bad(element, field, text, "true hoặc false", "true or false")
        return flag

    def _integer(self, element: etree._Element, field: Field, text: str) -> int | None:
        number = read_integer(text)
        if number is None:
            number = read_word(field.name, text)
            if number is None:
                self._bad(element, field, text, "số nguyên", "a whole number")
            else:
                self.notes.quirk("number-as-word", element)
        return number

    def _moment(self, element: etree._Element, field: Field, text: str) -> Any:
        moment = read_moment(text)
        if moment is None:
            return self._bad(
                element, field, text, "ngày có trong lịch, dạng yyyy/MM/dd", "a day of the calendar, yyyy/MM/dd"
            )
        for quirk in moment.quirks:
            self.notes.quirk(quirk, element)
        if field.kind == Kind.MOMENT:
            if not moment.has_clock:
                self.notes.quirk("time-without-clock", element)
            return moment.value
        if moment.has_clock:
            self.notes.quirk("date-with-time", element)
        return moment.value.date()

    def _business(self, element: etree._Element, field: Field, text: str) -> str | None:
        number = read_integer(text)
        if number is None or not 0 <= number < len(_BUSINESS):
            self._bad(element, field, text, "0, 1, 2 hoặc 3", "0, 1, 2 or 3")
            return None
        return _BUSINESS[number]

    def _bad(self, element: etree._Element, field: Field, text: str, vi: str, en: str) -> None:
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
        self.notes.finding(
            "EDX-FIELD-VALUE",
            Text(
                f"{field.vi.capitalize()} ({field.name}) phải là {vi}, không phải “{shown}”.",
                f"{field.name} must be {en}, not “{shown}”.",
            ),
            element,
        )

    def _twice(self, element: etree._Element) -> None:
        name = n.local(str(element.tag))
        self.notes.finding(
            "EDX-ELEMENT-TWICE",
            Text(f"{name} xuất hiện nhiều lần; chỉ đọc lần đầu.", f"{name} stands more than once; the first was read."),
            element,
        )


def _plain(text: str, ease: int) -> Any:
    """Return the value of a text that needs no remark, or ``None``."""
    if ease == f.EASY_TEXT:
        # No blank of XML stands at either end.
        return text if text[0] > " " and text[-1] > " " and (text.isascii() or is_normalized("NFC", text)) else None
    if ease == f.EASY_DATE:
        return plain_date(text)
    return int(text) if len(text) < _MANY_DIGITS and text.isascii() and text.isdigit() else None
