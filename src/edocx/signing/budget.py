"""How long one file may take: hostile files are built so that honest work on them never ends."""

from __future__ import annotations

import time

from edocx.errors import LimitExceeded, Text

SECONDS = 8.0
"""For any file; a signature on a page takes some 10 ms."""

BYTES_A_SECOND = 4 * 1024 * 1024
"""What a large file gets on top: hashing is ten to a hundred times faster."""


class Budget:
    """A deadline that the slow places ask; it never interrupts anything by itself."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @classmethod
    def for_size(cls, size: int) -> Budget:
        """Return the budget for a file of so many bytes."""
        return cls(SECONDS + size / BYTES_A_SECOND)

    @property
    def spent(self) -> bool:
        """Whether the deadline has passed."""
        return time.monotonic() > self._end

    def check(self) -> None:
        """Raise `LimitExceeded` (``EDX-BUDGET``) after the deadline."""
        if self.spent:
            raise LimitExceeded(
                Text("Tệp phức tạp quá mức nên dừng kiểm tra.", "The file is so complicated that checking stopped."),
                hint=Text("Hỏi lại bên gửi về tệp này.", "Ask the sender about this file."),
                code="EDX-BUDGET",
            )
