"""How ``edocx units`` shows readings and lists: converted codes, differences, what an import did, registry entries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.output import language, say
from edocx.cli.units_view import MAX_SHOWN, edge_json, named, show_rows, wrapped
from edocx.errors import Text, UnitError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edocx.units import Reading, RegistryEntry
    from edocx.units.bulk import Imported
    from edocx.units.conversion import Converted
    from edocx.units.difference import Difference


def reading_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON: the code, its tree, both spellings, the rule, and what else it could be."""
    unit_id = reading.unit_id
    return {
        "code": unit_id.code,
        "scheme": unit_id.scheme.value,
        "depth": unit_id.depth,
        "parent": unit_id.parent.code if unit_id.parent else None,
        "ancestors": [above.code for above in unit_id.ancestors],
        "qd20": _converted(unit_id.to_qd20),
        "qcvn102": _converted(unit_id.to_qcvn102),
        "rule": {"vi": reading.rule.vi, "en": reading.rule.en},
        "alternatives": [other.reference for other in reading.alternatives],
    }


def show_reading(reading: Reading) -> None:
    """Print a reading."""
    told = reading_json(reading)
    rows = [
        (Text("Mã", "Code"), told["code"]),
        (Text("Bộ mã", "Scheme"), reading.unit_id.scheme.label.in_language(language())),
        (Text("Cách đọc", "Read as"), reading.rule.in_language(language())),
        (Text("Độ sâu", "Depth"), told["depth"]),
        (Text("Cấp trên", "Parent"), told["parent"]),
        (Text("QĐ 20/2020", "QĐ 20/2020"), told["qd20"]),
        (Text("QCVN 102:2016", "QCVN 102:2016"), told["qcvn102"]),
        (Text("Có thể là", "Could also be"), ", ".join(told["alternatives"])),
    ]
    show_rows(rows)


def conversion_json(row: Converted) -> dict[str, Any]:
    """Return one converted row as JSON."""
    error = (
        None
        if row.error is None
        else {"code": row.error.code, "column": row.error.column, "vi": row.error.text.vi, "en": row.error.text.en}
    )
    return {"line": row.line, "input": row.input, "output": row.output, "error": error}


def show_conversions(rows: Sequence[Converted]) -> None:
    """Print converted codes as CSV ``code,converted``, faults on stderr, and a count."""
    typer.echo("code,converted")
    for row in rows:
        # A cell that can be no code is not handed on: a spreadsheet would run "=cmd|…" in it. stderr has its line.
        plain = row.error is None or row.input.replace(".", "").replace(":", "").isalnum()
        typer.echo(f"{row.input if plain else ''},{row.output or ''}")
    faulty = [row for row in rows if row.error]
    for row in faulty[:MAX_SHOWN]:
        if row.error is not None:
            column = row.error.column or "-"
            where = Text(f"dòng {row.line}, cột {column}", f"line {row.line}, column {column}").in_language(language())
            for line in wrapped(f"{where}: {row.error.text.in_language(language())}", ""):
                typer.echo(line, err=True)
    done = len(rows) - len(faulty)
    count = Text(f"{done}/{len(rows)} mã đã chuyển đổi.", f"{done} of {len(rows)} codes converted.")
    typer.echo(count.in_language(language()), err=True)


def difference_json(difference: Difference) -> dict[str, Any]:
    """Return what changed as JSON."""
    return {
        "added": [unit.identity for unit in difference.added],
        "removed": [unit.identity for unit in difference.removed],
        "changed": [
            {"identity": one.identity, "field": one.field, "before": one.before, "after": one.after}
            for one in difference.changes
        ],
        "successions_added": [edge_json(edge) for edge in difference.successions_added],
        "successions_removed": [edge_json(edge) for edge in difference.successions_removed],
    }


def show_difference(difference: Difference) -> None:
    """Print what changed."""
    lines = [f"+ {named(unit.last)}" for unit in difference.added]
    lines += [f"- {named(unit.last)}" for unit in difference.removed]
    lines += [f"~ {one.identity}: {one.field}: {one.before!s} → {one.after!s}" for one in difference.changes]
    lines += [f"+ {edge.predecessor} → {edge.successor or '-'}" for edge in difference.successions_added]
    lines += [f"- {edge.predecessor} → {edge.successor or '-'}" for edge in difference.successions_removed]
    for line in lines:
        say(line)
    if not lines:
        say(Text("Không có khác biệt.", "No difference."))


def import_answer(made: Imported, *, dry_run: bool) -> dict[str, Any]:
    """Return the answer of ``import``."""
    difference = made.difference
    return {
        "schema": 1,
        "rows": made.rows,
        "version": made.directory.snapshot.version,
        "saved": not dry_run and bool(difference),
        "added": len(difference.added),
        "changed": len(difference.changed),
        "successions": len(difference.successions_added),
        "notes": [{"id": identity, "vi": why.vi, "en": why.en} for identity, why in made.notes],
    }


def show_import(made: Imported, *, dry_run: bool) -> None:
    """Print what an import did."""
    added, changed = len(made.difference.added), len(made.difference.changed)
    edges = len(made.difference.successions_added)
    say(
        Text(
            f"{made.rows} dòng: thêm {added} đơn vị, sửa {changed}, thêm {edges} quan hệ kế thừa"
            f"{' (chỉ kiểm tra, chưa ghi)' if dry_run else ''}.",
            f"{made.rows} rows: {added} units added, {changed} changed, {edges} successions added"
            f"{' (checked only, nothing written)' if dry_run else ''}.",
        )
    )
    for identity, why in made.notes[:MAX_SHOWN]:
        for line in wrapped(Text(f"! {identity}: {why.vi}", f"! {identity}: {why.en}").in_language(language()), "  "):
            say(line)
    if len(made.notes) > MAX_SHOWN:
        left = len(made.notes) - MAX_SHOWN
        say(Text(f"  … và {left} lưu ý nữa (--json)", f"  … and {left} notes more (--json)"))


def entry_json(entry: RegistryEntry) -> dict[str, Any]:
    """Return a registry entry as JSON; the name is left out (personal data)."""
    return {
        "sha256": entry.sha256,
        "kind": entry.kind.value,
        "unit": entry.unit.reference,
        "valid_from": entry.valid_from.isoformat() if entry.valid_from else None,
        "valid_to": entry.valid_to.isoformat() if entry.valid_to else None,
        "source": entry.source,
        "local": entry.local,
    }


def _converted(convert: Callable[[], Any]) -> str | None:
    try:
        return str(convert().code)
    except UnitError:
        # No form in that scheme: shown as an empty line, not as a failure.
        return None
