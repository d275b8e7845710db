"""What a reader notes on its way: tolerances used, and what it could not read."""

from __future__ import annotations

import unicodedata

from lxml import etree

from edocx.envelope import names as n
from edocx.envelope.model import Finding, Severity, Unknown
from edocx.envelope.quirks import UsedQuirk, used
from edocx.envelope.tree import is_element, path_of
from edocx.envelope.unknown import keep_attribute, keep_element
from edocx.errors import Text

XML_BLANKS = " \t\r\n"

MAX_NOTES = 1000
"""Most quirks, findings or unknown elements noted each: against files made of oddities."""


class Notes:
    """Collects quirks, findings and unknown elements; ``strange`` are the roots of unknown subtrees."""

    def __init__(self) -> None:
        self.quirks: list[UsedQuirk] = []
        self.findings: list[Finding] = []
        self.unknown: list[Unknown] = []
        self.unknown_count = 0
        self.strange: set[etree._Element] = set()

    def quirk(self, quirk_id: str, where: etree._Element | str | None = None) -> None:
        """Note that a tolerance was used."""
        if len(self.quirks) < MAX_NOTES:
            self.quirks.append(used(quirk_id, where if where is None or isinstance(where, str) else path_of(where)))

    def finding(
        self, code: str, text: Text, where: etree._Element | str | None = None, severity: Severity = "error"
    ) -> None:
        """Note something that is wrong."""
        if len(self.findings) < MAX_NOTES:
            place = where if where is None or isinstance(where, str) else path_of(where)
            self.findings.append(Finding(code=code, severity=severity, vi=text.vi, en=text.en, where=place))

    def unknown_element(self, element: etree._Element) -> None:
        """Keep an element that edXML does not know."""
        self.unknown_count += 1
        self.strange.add(element)
        if n.namespace(str(element.tag)) == n.XINCLUDE:
            text = Text(
                "Có lệnh XInclude; không bao giờ được thực hiện.", "There is an XInclude; it is never followed."
            )
            self.finding("EDX-XML-XINCLUDE", text, element, "warning")
        if len(self.unknown) < MAX_NOTES:
            self.unknown.append(keep_element(element))

    def unknown_attribute(self, element: etree._Element, name: str) -> None:
        """Keep an attribute that edXML does not know."""
        self.unknown_count += 1
        if len(self.unknown) < MAX_NOTES:
            self.unknown.append(keep_attribute(element, name))

    def raw_text(self, element: etree._Element) -> str:
        """Return the text of an element as it stands, joined around comments; element children are kept as unknown."""
        text = element.text or ""
        if len(element):
            self.quirk("split-text", element)
            for child in element:
                if is_element(child):
                    self.unknown_element(child)
                text += child.tail or ""
        return text

    def text(self, element: etree._Element, *, key: bool = False) -> str | None:
        """Return the text of an element, NFC, without blanks at its ends; ``None`` when nothing is left."""
        raw = self.raw_text(element) if len(element) else element.text
        if not raw:
            return None
        text = raw.strip(XML_BLANKS)
        if key and len(text) != len(raw) and text:
            self.quirk("blank-padded", element)
        if not text.isascii() and not unicodedata.is_normalized("NFC", text):
            self.quirk("not-nfc", element)
            text = unicodedata.normalize("NFC", text)
        return text or None
