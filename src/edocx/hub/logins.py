"""Passwords of the LGSP dialect: checked few at a time, and a guesser is counted before its guess costs anything.

A guess takes 16 MiB and a core for some 50 ms. In the pool that serves every call, 80 strangers' guesses made an
agency's call last seconds and the hub a gigabyte; so they take turns for a few of its threads, in a queue that ends.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import IPv6Address, ip_address

from starlette.concurrency import run_in_threadpool

from edocx.hub import refusal
from edocx.hub.vault import check_password

AT_ONCE = 4
"""Passwords checked at the same moment: 64 MiB."""

WAITING = 64
"""Logins that may wait for that: some seconds' worth."""

OF_ADDRESS = 60
"""Wrong logins of one address in a minute."""

OF_ACCOUNT = 10
"""Wrong logins of one address for one account in a minute. Not of all addresses together: passwords are drawn by the
hub and cannot be guessed, so that would only let strangers keep an agency out."""

_SITE = 64
"""Bits of an IPv6 address that are one subscriber's: the others it may choose."""


@dataclass(slots=True)
class Logins:
    """Lets passwords be checked, and counts what was wrong in the running minute. Used by one event loop."""

    _minute: int = 0
    _wrong: Counter[tuple[str, ...]] = field(default_factory=Counter)
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    _asked: int = 0

    async def check(self, password: str, stored: bytes, *, address: str, account: str, now: datetime) -> bool:
        """Tell whether a password fits; raise `Refused` (``EDX-HUB-RATE``) for who was wrong too often."""
        minute = int(now.timestamp()) // 60
        if minute != self._minute:
            self._minute = minute
            self._wrong.clear()
        site = _site(address)
        kept = {(site,): OF_ADDRESS, (site, account): OF_ACCOUNT}
        if self._asked >= AT_ONCE + WAITING or any(self._wrong[one] >= most for one, most in kept.items()):
            raise refusal.too_many_requests()
        # Wrong until it is right: guesses made at the same moment count before they are checked.
        self._wrong.update(kept.keys())
        self._asked += 1
        try:
            async with self._turns:
                fits = await run_in_threadpool(check_password, password, stored)
        finally:
            self._asked -= 1
        if fits and minute == self._minute:
            self._wrong.subtract(kept.keys())
        return fits


def _site(address: str) -> str:
    try:
        read = ip_address(address.partition("%")[0])
    except ValueError:
        return address  # a socket without addresses
    if isinstance(read, IPv6Address) and read.ipv4_mapped is None:
        return f"{int(read) >> (128 - _SITE):x}"
    return str(read)
