"""Write the reference pages that come from the code: error and message codes, and the tables of delivery states.

Run by ``make docs``; a test compares the result with what is checked in.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

from edocx.documents import status_label
from edocx.office.delivery_events import EVENTS
from edocx.routing import transitions as t

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "edocx"
CODE = re.compile(r"EDX(?:-[A-Z0-9]+)+")
HEAD = "<!-- made by tools/make_docs.py; do not edit -->\n\n"


def main(argv: list[str]) -> int:
    """Write the pages; with ``--check`` only tell whether they are up to date."""
    stale = []
    for path, text in pages().items():
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(path)
            if "--check" not in argv:
                path.write_text(text, encoding="utf-8")
    for path in stale:
        print("stale" if "--check" in argv else "written", path.relative_to(ROOT))
    return 1 if stale and "--check" in argv else 0


def pages() -> dict[Path, str]:
    """Return every generated page with its text."""
    reference = ROOT / "docs" / "reference"
    return {
        reference / "codes.md": _codes_page(),
        reference / "delivery-state.md": _states_page(),
        reference / "delivery-events.md": _events_page(),
    }


def _codes_page() -> str:
    found: dict[str, tuple[str, str, set[str]]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        room = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        for code, vi, en in _codes_in(ast.parse(path.read_text("utf-8"))):
            old = found.get(code, ("", "", set()))
            found[code] = (old[0] or vi, old[1] or en, old[2] | {room})
    lines = [HEAD + "# Codes", "", "Stable codes of errors, messages and findings; `…` stands for a value.", ""]
    lines += ["| code | tiếng Việt | English | room |", "|---|---|---|---|"]
    for code, (vi, en, rooms) in sorted(found.items()):
        lines.append(f"| `{code}` | {_cell(vi)} | {_cell(en)} | {', '.join(sorted(rooms))} |")
    return "\n".join(lines) + "\n"


def _codes_in(tree: ast.Module) -> list[tuple[str, str, str]]:
    """Find every code with the sentences of the nearest call around it."""
    rows = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        own = [a for a in [*node.args, *(k.value for k in node.keywords)] if isinstance(a, ast.Constant)]
        codes = [a.value for a in own if isinstance(a.value, str) and CODE.fullmatch(a.value)]
        if not codes:
            continue
        texts = [n for n in ast.walk(node) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "Text"]
        vi, en = (
            (_sentence(texts[0].args[0]), _sentence(texts[0].args[1]))
            if texts and len(texts[0].args) == 2
            else ("", "")
        )
        rows += [(code, vi, en) for code in codes]
    rows += [
        (node.value, "", "")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and CODE.fullmatch(node.value)
    ]
    return rows


def _sentence(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(v.value) if isinstance(v, ast.Constant) else "…" for v in node.values)
    return ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _events_page() -> str:
    lines = [HEAD + "# Delivery events", ""]
    lines += ["The events of ETSI EN 319 522-1, and who states each here; others are refused, with the reason.", ""]
    lines += ["| clause | event | here | tiếng Việt | English |", "|---|---|---|---|---|"]
    for event in EVENTS:
        here = ", ".join(f"`{what}`" for what in event.what) or "–"
        lines.append(f"| {event.clause} | {event.name} | {here} | {event.stated_by.vi} | {event.stated_by.en} |")
    return "\n".join(lines) + "\n"


def _states_page() -> str:
    lines = [HEAD + "# Delivery states", ""]
    lines += [
        "Three regions run side by side; what is shown is a function of the set of statements heard, in any order.",
        "",
    ]
    lines += ["## Codes", "", "| code | tiếng Việt | English | stated by |", "|---|---|---|---|"]
    for code in (*t.RECIPIENT_CODES, *t.ISSUER_CODES):
        label = status_label(code)
        who = "recipient" if code in t.RECIPIENT_CODES else "issuer"
        lines.append(f"| {code} | {label.vi} | {label.en} | {who} |")
    for name, table in (("Handling", t.HANDLING), ("Change requests", t.CHANGE), ("Passage", t.PASSAGE)):
        lines += ["", f"## {name}", "", "| state | heard | becomes | contradiction |", "|---|---|---|---|"]
        for (state, heard), step in table.items():
            lines.append(
                f"| {state} | {heard} | {step.to} | {f'`{step.contradiction}`' if step.contradiction else ''} |"
            )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
