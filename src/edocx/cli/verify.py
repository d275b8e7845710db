"""``edocx verify``: the verdict on files, for people, as JSON, or as a page to print."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from edocx.cli.destination import spare_inputs
from edocx.cli.output import emit_json, error_json, fail, language, plain, say
from edocx.cli.progress import progress
from edocx.cli.verify_folder import LEFT_OUT, NOTHING, UNREADABLE, left_out, listed
from edocx.errors import EdocxError, InputError, Text, UsageError

if TYPE_CHECKING:
    from edocx.cli.verify_run import Options
    from edocx.signing.report import Report

app = typer.Typer(add_completion=False, rich_markup_mode=None)

_EXIT = {"TOTAL-PASSED": 0, "TOTAL-FAILED": 1, "INDETERMINATE": 3, "NO-SIGNATURE": 3}
_RANK = (1, 4, 3, 0)
"""Several files: 1 if any failed, else 4, else 3, else 0; 3 where there was nothing to judge."""

Result = tuple[Path, "Report | EdocxError"]
Found = dict[Path, "bool | EdocxError"]
"""What `listed` tells of each file."""


@app.command()
def verify(
    files: list[Path] = typer.Argument(..., metavar="FILE...", help="PDF, XML, edXML, .p7s, .p7m, ASiC; folders too."),
    trust: list[str] = typer.Option([], "--trust", help="Gốc tin cậy / trusted roots: DIR, FILE, vn-official…"),
    evidence: list[Path] = typer.Option([], "--evidence", help="CRL, OCSP, chứng thư trung gian / intermediates."),
    registry: Path | None = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry (CSV)."),
    directory: Path | None = typer.Option(None, "--directory", help="Danh mục cơ quan / units export --format json."),
    detached: list[Path] = typer.Option([], "--detached", help="Nội dung đã ký nằm ngoài / the signed content."),
    key: list[Path] = typer.Option([], "--key", help="Chứng thư, khóa công khai, khóa HMAC / key to check with."),
    at: str | None = typer.Option(None, "--at", metavar="ISO8601", help="Thời điểm xét / moment to judge for."),
    receipts: list[Path] = typer.Option([], "--receipts", help="Biên nhận đã ký / signed receipts: DIR, FILE."),
    policy: str = typer.Option("signatures-only", "--policy", help="Chính sách / policy."),
    online: bool = typer.Option(False, "--online", help="Hỏi OCSP và CRL qua mạng / ask OCSP and CRL servers."),
    online_private: bool = typer.Option(
        False, "--online-private", help="Hỏi cả địa chỉ trong mạng nội bộ / ask addresses of the own network too."
    ),
    jobs: int = typer.Option(1, "--jobs", min=1, max=64, help="Số tiến trình / processes."),
    extract: Path | None = typer.Option(
        None, "--extract", metavar="DIR", help="Lấy phần đã ký / take out what is signed."
    ),
    file_seconds: float = typer.Option(
        60.0, "--file-seconds", min=1, help="Với --jobs: giây mỗi tệp / seconds a file."
    ),
    file_memory: int = typer.Option(2048, "--file-memory", min=64, help="Với --jobs: MiB mỗi tệp / MiB a file."),
    html: Path | None = typer.Option(None, "--html", metavar="FILE", help="Trang in được / a page to print."),
    etsi: Path | None = typer.Option(None, "--etsi", metavar="FILE", help="Báo cáo XML / report of ETSI TS 119 102-2."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Kiểm tra mọi chữ ký trong tệp, kể cả tệp bên trong. / Verify every signature, also of files inside."""
    from edocx.cli.verify_pool import FileBudget
    from edocx.cli.verify_run import Options, judge_all

    options = Options(
        trust=tuple(trust),
        evidence=tuple(evidence),
        registry=registry,
        directory=directory,
        detached=tuple(detached),
        keys=tuple(key),
        at=_moment(at),
        policy=policy,
        receipts=tuple(receipts),
        online=online or online_private,
        online_private=online_private,
        extract=extract,
        budget=FileBudget(file_seconds, file_memory * 1024 * 1024),
    )
    found = dict(listed(files))
    _spare(html, etsi, (*found, *trust, *evidence, registry, *detached, *key, *receipts, policy))
    with progress(len(found)) as advance:
        known = {path: why for path, why in found.items() if isinstance(why, EdocxError)}
        judged = judge_all([path for path in found if path not in known], options, jobs)
        outcomes = list(_shown(advance(chain(known.items(), judged)), found, quiet=as_json))
    if as_json:
        values = [_as_json(path, outcome, found=found[path]) for path, outcome in outcomes]
        emit_json(values[0] if len(values) == 1 and not files[0].is_dir() else values)
    said = ((path, left_out(path, outcome, found=found[path])) for path, outcome in outcomes)
    left = {path: why for path, why in said if why is not None}
    results = [(path, outcome) for path, outcome in outcomes if path not in left]
    _write_reports(html, etsi, results, options, left)
    if len(outcomes) != 1 and not as_json:
        _summarise(results, len(left))
    codes = {_exit_code(outcome) for _, outcome in results}
    raise typer.Exit(next((code for code in (2, *_RANK) if code in codes), 3))


def _spare(html: Path | None, etsi: Path | None, inputs: tuple[Path | str | None, ...]) -> None:
    """Refuse a page or a report that would take the place of what is verified, before it is."""
    for option, place in (("--html", html), ("--etsi", etsi)):
        if place is not None:
            spare_inputs(place, inputs, option=option)


def _shown(results: Iterator[Result], found: Found, *, quiet: bool) -> Iterator[Result]:
    for path, outcome in results:
        if quiet:
            pass
        elif why := left_out(path, outcome, found=found[path]):
            say(f"{plain(str(path))}: {why.in_language(language())}")
        elif isinstance(outcome, EdocxError):
            fail(outcome)
        else:
            from edocx.cli.verify_view import show

            show(outcome)
        yield path, outcome


def _as_json(path: Path, outcome: Report | EdocxError, *, found: bool | EdocxError) -> dict[str, Any]:
    if isinstance(outcome, EdocxError):
        left = left_out(path, outcome, found=found) is not None
        return {"schema": 1, "file": str(path), "left_out": left, "error": error_json(outcome)}
    return outcome.to_json()


def _exit_code(outcome: Report | EdocxError) -> int:
    return outcome.exit_code if isinstance(outcome, EdocxError) else _EXIT[outcome.indication]


def _summarise(results: list[Result], left: int) -> None:
    counts: dict[str, int] = {}
    for _, outcome in results:
        word = UNREADABLE.in_language(language()) if isinstance(outcome, EdocxError) else outcome.indication.value
        counts[word] = counts.get(word, 0) + 1
    if left:
        counts[LEFT_OUT.in_language(language())] = left
    total = Text("Tổng cộng", "Total").in_language(language())
    parts = ", ".join(f"{word} {count}" for word, count in sorted(counts.items()))
    say(f"{total}: {len(results) + left}; {parts or NOTHING.in_language(language())}")


def _write_reports(
    html: Path | None, etsi: Path | None, results: list[Result], options: Options, left: dict[Path, Text]
) -> None:
    if html is not None:
        _write_page(html, results, options, left)
    if etsi is not None:
        _write_etsi(etsi, results, options)


def _write_page(place: Path, results: list[Result], options: Options, left: dict[Path, Text]) -> None:
    from edocx.cli.verify_page import render
    from edocx.clock import SystemClock
    from edocx.content import write_durably

    page = render(results, at=options.at or SystemClock().now(), lang=language(), left=left)
    write_durably(place, [page.encode("utf-8", "backslashreplace")])  # a name of a file need not be UTF-8


def _write_etsi(place: Path, results: list[Result], options: Options) -> None:
    from edocx.clock import SystemClock
    from edocx.content import write_durably
    from edocx.verification.etsi import etsi_report

    reports = [outcome for _, outcome in results if not isinstance(outcome, EdocxError)]
    if not reports:
        raise InputError(
            Text("Không có tệp nào đọc được để lập báo cáo.", "No file could be read, so there is nothing to report."),
            hint=Text("Xem lỗi của từng tệp ở trên.", "See the error of each file above."),
            code="EDX-ETSI-EMPTY",
            where=str(place),
        )
    write_durably(place, [etsi_report(reports, at=options.at or SystemClock().now())])


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    from edocx.clock import VIETNAM

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(
            Text(f"Không đọc được thời điểm “{text}”.", f"The moment “{text}” cannot be read."),
            hint=Text("Ví dụ: 2023-06-15T09:00:00+07:00.", "An example: 2023-06-15T09:00:00+07:00."),
            code="EDX-USAGE-TIME",
        ) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)
