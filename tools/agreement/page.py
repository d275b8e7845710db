"""The table of who accepts what, and what differs in it."""

from __future__ import annotations

from agreement.arguments import ACCEPTS, REFUSES, WARNED, argument
from agreement.case import TABLES, Row


def disagreements(rows: dict[str, Row]) -> dict[tuple[str, str, str], list[str]]:
    """Return by peer, family and direction the files that it judges otherwise than edocx."""
    found = {}
    for family, row in rows.items():
        ours = row.ours
        for peer, theirs in row.accepted.items():
            for direction, names in ((ACCEPTS, theirs - ours), (REFUSES, ours - theirs)):
                if names:
                    found[peer, family, direction] = [name for name in row.names if name in names]
    return found


def page(rows: dict[str, Row]) -> str:
    """Return the page."""
    lines = [
        "<!-- made by tools/make_agreement.py; do not edit -->",
        "",
        "# Agreement with other validators",
        "",
        "Every file that `edocx.testing` can make, genuine and forged, as edocx and its peers judge it with one root.",
        "A cell says how many of the files were accepted. Of forged files none should be but harmless ones: these",
        "still say what the genuine file says (another spelling of a text, a relay's mark). Disagreements stand below.",
        "No peer reads a container as such: it is unpacked, and its signature goes to xmlsec1, openssl or pyHanko,",
        "with the files that it names. Joined signatures are judged by edocx with the policy `official-document`,",
        "evidence by all with revocation checked. Random mutations are not here, as no two runs make the same; tests",
        "judge those.",
        "`tests/verification/test_verification_agreement.py` holds a part of this table true.",
        "",
    ]
    for judges in TABLES:
        lines += [f"| files | number | harmless | {' | '.join(judges)} |", f"|---|---|---|{'---|' * len(judges)}"]
        for family, row in rows.items():
            if tuple(row.accepted) == judges:
                cells = " | ".join(str(len(row.accepted[name])) for name in judges)
                harmless = len(row.names) if row.genuine else len(row.same)
                lines.append(f"| {family} | {len(row.names)} | {harmless} | {cells} |")
        lines.append("")
    lines += ["## Passed with a warning", "", WARNED, "", "## Disagreements", ""]
    for (peer, family, direction), names in disagreements(rows).items():
        shown = ", ".join(f"`{name}`" for name in names[:12]) + (
            f" and {len(names) - 12} more" if len(names) > 12 else ""
        )
        lines += [f"**{peer} {direction}: {family}** ({len(names)}: {shown}).", ""]
        lines += [argument(peer, family, direction) or "NOT EXPLAINED", ""]
    return "\n".join(lines)


def accepted_forgeries(rows: dict[str, Row]) -> dict[str, set[str]]:
    """Return by family the forged files that edocx accepts and that say something else than the genuine one."""
    found = {family: row.ours - row.same for family, row in rows.items() if not row.genuine}
    return {family: names for family, names in found.items() if names}
