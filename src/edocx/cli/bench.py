"""``edocx bench``: what was measured, beside peers and limits, in one run; ratios, never bare seconds."""

from __future__ import annotations

import platform
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import typer

from edocx.cli.output import emit_json, say
from edocx.errors import Text, UsageError

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_KNOWN = ("units", "envelope", "sign", "verify", "office", "axis", "nats", "province")
"""Each is the module ``bench_<name>`` beside this one, with ``run(quick)``; those not there are not offered."""

_LONG = ("province",)
"""Takes many minutes: only when it is named. It has its own ``show`` and takes ``--scale``."""


@app.command()
def bench(
    names: list[str] = typer.Argument(None, metavar="[NAME]...", help="units, envelope, sign, …"),
    quick: bool = typer.Option(False, "--quick", help="Nhỏ và nhanh / small and fast."),
    scale: list[float] = typer.Option(
        None, "--scale", min=0.01, help="province: 1 = 2.000 văn bản; có thể nêu nhiều lần / may be repeated."
    ),
    files: int | None = typer.Option(None, "--files", min=20, help="verify: số tệp của một lượt / files of a batch."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Đo tốc độ và bộ nhớ bên cạnh công cụ khác. / Measure beside peers and the limit of the machine."""
    there = tuple(name for name in _KNOWN if find_spec(f"edocx.cli.bench_{name}"))
    wanted = tuple(names or (name for name in there if name not in _LONG))
    unknown = [name for name in wanted if name not in there]
    if unknown:
        raise UsageError(
            Text(f"Không có phép đo “{unknown[0]}”.", f"There is no measurement “{unknown[0]}”."),
            hint=Text(f"Có: {', '.join(there)}.", f"There are: {', '.join(there)}."),
            code="EDX-BENCH-UNKNOWN",
        )
    results: dict[str, list[dict[str, Any]]] = {}
    for name in wanted:
        if not as_json:
            typer.secho(f"\n{name}", bold=True)
        module = import_module(f"edocx.cli.bench_{name}")
        own: dict[str, dict[str, Any]] = {"province": {"scales": scale or ()}, "verify": {"files": files}}
        results[name] = module.run(quick=quick, **own.get(name, {}))
        if as_json:
            continue
        if name in _LONG:
            module.show(results[name])
            continue
        for figure in results[name]:
            _show(figure)
    if as_json:
        machine = {"python": platform.python_version(), "machine": platform.machine(), "system": platform.system()}
        emit_json({"schema": 1, "quick": quick, "machine": machine, "benchmarks": results})
    elif any(name not in _LONG for name in wanted):
        say(Text("\nTỷ số >1: công cụ kia chậm hơn bấy nhiêu lần.", "\nA ratio above 1: the peer is that much slower."))
    if any(figure.get("goal") == "0" and figure["value"] for found in results.values() for figure in found):
        raise typer.Exit(1)


def _show(figure: dict[str, Any]) -> None:
    goal = f"   [{figure['goal']}]" if figure.get("goal") else ""
    typer.echo(f"  {figure['name']}")
    typer.echo(f"    {figure['value']:>12,} {figure['unit']}{goal}")
    for peer, found in (figure.get("peers") or {}).items():
        if isinstance(found, dict):
            measured = ", ".join(f"{key} {value:,}" for key, value in found.items() if key != "ratio")
            ratio = f"   x {found['ratio']:g}" if "ratio" in found else ""
            typer.echo(f"    {measured:>15}   {peer}{ratio}")
        else:  # a bare number, or why there is none
            typer.echo(f"    {found if isinstance(found, str) else f'{found:,}':>12}     {peer}")
