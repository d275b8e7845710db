"""The seal in ``edocx envelope read|write``: loaded only when there is one, or one is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from edocx.cli.signing_means import ask_secret, timestamps_from
from edocx.cli.verify_run import trust_from
from edocx.clock import SystemClock
from edocx.envelope import Envelope, Reading, Skeleton, compose
from edocx.sealing import Means, report_seal, seal, with_statement
from edocx.signing.certificate import load_chain
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.report import Report

if TYPE_CHECKING:
    from edocx.envelope.write import ProfileName


def judge(reading: Reading, file: Path, trust: Sequence[str], registry: Path | None) -> Report | None:
    """Return the verdict on the seal of an open envelope, ``None`` when it has none; nobody is trusted unnamed."""
    known = None
    if registry is not None:
        from edocx.units.registry import CsvRegistry

        known = CsvRegistry.from_path(registry)
    report = report_seal(reading, Criteria(trust_from(trust), SystemClock().now(), known), name=str(file))
    return report if report.signatures else None


def sealed(
    envelope: Envelope,
    key: str,
    *,
    peer: ProfileName,
    chain: Path | None,
    tsa: list[str],
    trust: Sequence[str],
    detached: bool,
) -> tuple[Skeleton, Literal["B-B", "B-T", "B-LT"]]:
    """Compose and seal an envelope with the key of a URI; return it with the level reached.

    A time-stamping service makes it B-T, trust material besides B-LT. ``detached`` adds the detached form.
    """
    signer = open_signer(key, ask_secret, certificates=load_chain([chain]) if chain else ())
    store = trust_from(trust)
    means = None
    timestamps = timestamps_from(tsa, store)
    if timestamps is not None:
        from edocx.signing.evidence import Evidence

        means = Means(timestamps, Evidence(store) if store.anchors else None)
    now = SystemClock().now()
    if detached:
        envelope = with_statement(envelope, signer, at=now, means=means)
    skeleton = compose(envelope, peer)
    seal(skeleton, signer, at=now, means=means)
    return skeleton, "B-B" if means is None else "B-T" if means.evidence is None else "B-LT"
