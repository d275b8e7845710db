"""Attacks made systematically: whatever is accepted says what the original said, to our reader and to everybody's."""

from __future__ import annotations

import copy
import re

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from edocx._xml import parse
from edocx.envelope.read import open_envelope, read
from edocx.errors import EdocxError
from edocx.sealing import report_seal
from edocx.signing.report import Indication, Integrity
from edocx.testing.attacks import Attack
from edocx.testing.attacks.seal import forge, wrappings
from edocx.testing.attacks.seal_text import rewritings, signature_forgeries

UNSEALED = {"trace", "trace_id", "trace_version", "trace_paper", "unknown"}

WRITTEN_OTHERWISE = {"cdata", "cdata-half", "references"}
"""Ways to write one text that every XML reader reads alike."""

HARMLESS = {
    *("byte-order-mark", "utf-16", "tags-on-lines", "base64-wrapped", "prefix-redeclared"),
    *("trace-appended", "trace-removed"),
}
"""What may be done to a whole document: another encoding, another layout of tags, and what relays do."""

ORDER = {f"{part}-children-reversed" for part in ("traces", "files", "file", "whole-header", "whole-envelope")}
"""Frames and the fields beside a file may stand in any order: readers find them by name."""


def said(envelope):
    """What an envelope says, without what may stand outside a seal."""
    record = envelope.model_dump(exclude=UNSEALED | {"attachments"})
    return record, [item.model_dump(exclude={"zipped"}) for item in envelope.attachments]


def judged(workshop, data: bytes):
    """Return the verdict and what was read, or None when the file was refused."""
    try:
        with open_envelope(data) as reading:
            return report_seal(reading, workshop.criteria, name="x"), said(reading.envelope)
    except EdocxError:
        return None


def assert_not_fooled(workshop, original, attack, *, may_pass=False):
    found = judged(workshop, attack.data)
    if found is None:
        return
    report, words = found
    if report.indication is Indication.TOTAL_PASSED or report.integrity is Integrity.VALID:
        assert words == original, attack.name
        assert may_pass, f"{attack.name} passed"
    if report.integrity is Integrity.PARTIAL:
        assert words == original, f"{attack.name}: partly sealed, and yet not what was sealed"
    if report.indication is Indication.TOTAL_PASSED:
        assert report.integrity is Integrity.VALID


def test_no_part_can_be_moved_doubled_renamed_nested_or_given_another_id(workshop, sealed):
    original, count = said(read(sealed)), 0
    for count, attack in enumerate(wrappings(sealed.read_bytes()), 1):  # noqa: B007 - the last number is the count
        assert_not_fooled(workshop, original, attack, may_pass=attack.name in ORDER)
    assert count > 1500


def test_no_rewritten_text_passes_unless_everybody_reads_it_alike(workshop, sealed):
    original, seen = said(read(sealed)), set()
    for attack in rewritings(sealed.read_bytes()):
        one_text = re.fullmatch(r"(text|trace)-\d+-(\w+)-(.+)", attack.name)
        if one_text:
            where, name, way = one_text.groups()
            alike = where == "trace" or way in WRITTEN_OTHERWISE
            # A line end inside base64 is how XML writers wrap it.
            alike = alike or (name, way) == ("ContentTransferEncoded", "line-ends")
        else:
            alike = attack.name in HARMLESS
            seen.add(attack.name)
        assert_not_fooled(workshop, original, attack, may_pass=alike)
    assert seen > HARMLESS


def test_no_tampered_signature_passes(workshop, sealed):
    original = said(read(sealed))
    for attack in signature_forgeries(sealed.read_bytes()):
        # A certificate twice in KeyInfo, which nobody signs, is no other certificate.
        may_pass = attack.name == "signature-X509Certificate-doubled"
        assert_not_fooled(workshop, original, attack, may_pass=may_pass)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("move", "copy", "forge", "remove", "rename", "identify", "swap")),
        st.integers(0, 200),
        st.integers(0, 200),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data: bytes, steps) -> bytes:
    root = parse(data)
    for verb, first, second in steps:
        elements = [e for e in root.iter(etree.Element) if e is not root] or [root]
        source, target = elements[first % len(elements)], elements[second % len(elements)]
        holder = source.getparent()
        if verb in {"move", "copy"} and source not in target.iterancestors() and source is not target:
            target.append(source if verb == "move" else copy.deepcopy(source))
        elif verb == "forge":
            forge(source)
        elif verb == "remove" and holder is not None:
            holder.remove(source)
        elif verb == "rename":
            source.tag = target.tag
        elif verb == "identify":
            source.set(
                ("Id", "id", "ID", "{http://www.w3.org/XML/1998/namespace}id")[second % 4], target.get("Id", "x")
            )
        elif verb == "swap":
            source.text, target.text = target.text, source.text
    return etree.tostring(root)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_however_the_tree_is_rearranged_what_passes_says_what_was_sealed(workshop, sealed, steps):
    attack = Attack("rearranged", mutated(sealed.read_bytes(), steps))
    assert_not_fooled(workshop, said(read(sealed)), attack, may_pass=True)
