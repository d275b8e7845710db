"""Verdicts that need not be found twice: the same bytes under the same criteria."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from edocx.signing.judgement import Criteria
from edocx.signing.report import Report

REMEMBERED = 256
"""Verdicts kept by one office: what waits for its clerk, of some kilobytes each."""


class Judged:
    """The verdicts of the last seconds, by the digest of what was judged.

    An envelope is judged when it comes, and again when the clerk's list shows it: between the two nothing can change
    but the criteria, and those are made anew every few seconds. Whoever asks has digested the bytes that he read.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], tuple[Criteria, Report]] = OrderedDict()
        self._lock = threading.Lock()

    def once(self, name: str, sha256: str, criteria: Criteria, judge: Callable[[], Report]) -> Report:
        """Return the verdict on a message of these bytes under these very criteria, found now unless it is known."""
        with self._lock:
            known = self._known.get((name, sha256))
        if known is not None and known[0] is criteria:
            return known[1]
        report = judge()
        with self._lock:
            self._known[name, sha256] = (criteria, report)
            self._known.move_to_end((name, sha256))
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return report
