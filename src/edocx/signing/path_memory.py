"""Verdicts on paths, remembered for a whole run: a thousand files have some dozens of signers.

A verdict depends on nothing but certificate, trust, moment and the certificates that came along. Only for trust that
somebody judges by (`remember_for`) it is kept, as long as that trust is; where a signature brought evidence of its own,
trust is another each time, and the path is worked out anew.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from datetime import datetime

from asn1crypto import x509

from edocx.signing.certificate import fingerprint
from edocx.signing.path import judge_path
from edocx.signing.path_verdict import PathVerdict
from edocx.signing.trust import TrustStore

MAX_PATHS = 1000
"""Verdicts remembered under one trust."""

_Key = tuple[datetime, str, tuple[str, ...]]
_memory: dict[int, tuple[weakref.ref[TrustStore], dict[_Key, PathVerdict]]] = {}


def remember_for(trust: TrustStore) -> None:
    """Keep verdicts under this very store from now on, until nobody holds it any more."""
    name = id(trust)
    known = _memory.get(name)
    if known is None or known[0]() is not trust:
        _memory[name] = (weakref.ref(trust, lambda gone: _forget(name, gone)), {})


def judge_remembered(
    certificate: x509.Certificate, *, trust: TrustStore, at: datetime, extra: Iterable[x509.Certificate] = ()
) -> PathVerdict:
    """Do what `edocx.signing.path.judge_path` does, once for the same question under a trust that is remembered."""
    known = _memory.get(id(trust))
    others = tuple(extra)
    if known is None or known[0]() is not trust:
        return judge_path(certificate, trust=trust, at=at, extra=others)
    verdicts = known[1]
    key = (at, fingerprint(certificate), tuple(map(fingerprint, others)))
    found = verdicts.get(key)
    if found is None:
        if len(verdicts) >= MAX_PATHS:
            verdicts.clear()
        found = verdicts[key] = judge_path(certificate, trust=trust, at=at, extra=others)
    return found


def _forget(name: int, gone: weakref.ref[TrustStore]) -> None:
    known = _memory.get(name)
    if known is not None and known[0] is gone:
        del _memory[name]
