"""Paths are worked out once a run, under one trust and for one moment, and never for another."""

from __future__ import annotations

import gc
from dataclasses import replace
from datetime import timedelta

import pytest
from signing_samples import SIGNED_AT

from edocx.signing import path_memory
from edocx.signing.judgement import Criteria
from edocx.signing.report import Indication
from edocx.signing.trust import TrustStore


@pytest.fixture
def asked(monkeypatch) -> list:
    """Every question that is worked out."""
    found: list = []
    work = path_memory.judge_path

    def counted(certificate, *, trust, at, extra):
        found.append(at)
        return work(certificate, trust=trust, at=at, extra=extra)

    monkeypatch.setattr(path_memory, "judge_path", counted)
    return found


def test_the_same_question_is_worked_out_once_a_run(signing, asked):
    trust = replace(signing.trust)
    for _ in range(3):
        verdict = Criteria(trust, SIGNED_AT).judge_path(
            signing.person.certificate, trust, SIGNED_AT, signing.person.chain
        )
        assert verdict.indication is Indication.TOTAL_PASSED
    assert len(asked) == 1


def test_another_moment_trust_or_chain_is_another_question(signing, asked):
    trust, key = replace(signing.trust), signing.person
    criteria = Criteria(trust, SIGNED_AT)
    late = SIGNED_AT + timedelta(days=365 * 30)
    assert criteria.judge_path(key.certificate, trust, SIGNED_AT, key.chain).indication is Indication.TOTAL_PASSED
    assert criteria.judge_path(key.certificate, trust, late, key.chain).indication is Indication.INDETERMINATE
    assert (
        criteria.judge_path(key.certificate, TrustStore(), SIGNED_AT, key.chain).indication is Indication.INDETERMINATE
    )
    criteria.judge_path(key.certificate, trust, SIGNED_AT, ())
    assert len(asked) == 4


def test_evidence_of_a_file_never_speaks_for_another(signing, asked):
    trust, key = replace(signing.trust), signing.person
    criteria = Criteria(trust, SIGNED_AT)
    joined = trust | TrustStore((), (), trust.revocation_lists)
    for _ in range(2):
        criteria.judge_path(key.certificate, joined, SIGNED_AT, key.chain)
    assert len(asked) == 2


def test_verdicts_go_with_the_trust_they_stand_under(signing):
    trust = replace(signing.trust)
    Criteria(trust, SIGNED_AT).judge_path(signing.person.certificate, trust, SIGNED_AT, ())
    name = id(trust)
    assert name in path_memory._memory
    del trust
    gc.collect()
    assert name not in path_memory._memory
