"""A progress bar for long work, on stderr and on a terminal only; what is printed meanwhile stands above it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")

FEW = 2
"""Fewer steps than this show no bar."""


@contextmanager
def progress(total: int) -> Iterator[Callable[[Iterable[T]], Iterator[T]]]:
    """Give a function that passes items through and moves the bar by one for each; without a terminal only passes."""
    if total < FEW or not sys.stderr.isatty():
        yield iter
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=total)

        def advance(items: Iterable[T]) -> Iterator[T]:
            for item in items:
                bar.advance(task)
                yield item

        yield advance
