"""Receipts as proof of existence: what an abolished unit signed, and somebody else had in hands before its last day.

Tiền Giang (H58) closed on 2025-07-01 and its certificate was revoked on that day; the hub at G22 had the file before.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edocx.cli import main
from edocx.content import Blob
from edocx.errors import InputError
from edocx.signing.keys import open_signer
from edocx.signing.pdf.sign import sign
from edocx.signing.receipt import read_receipts, write_receipt
from edocx.signing.report import Indication, SubIndication
from edocx.signing.timestamp import Rfc3161
from edocx.signing.trust import TrustStore
from edocx.testing import Pki, Tsa, scene
from edocx.testing.network import Network
from edocx.testing.registry import write_registrations
from edocx.units import UnitId
from edocx.units.registry import CsvRegistry, MemoryRegistry
from edocx.verification import verify

LAST_DAY = datetime(2025, 6, 30, 9, tzinfo=UTC)
MERGED = datetime(2025, 6, 30, 17, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 1, tzinfo=UTC)
START = datetime(2023, 1, 1, tzinfo=UTC)


class Scene:
    """Keys, trust after the merger, and a signed letter with only a claimed time."""

    def __init__(self, folder):
        self.folder = folder
        self.pki = pki = Pki.create(key="p256")
        agency = pki.issue_organisation("ỦY BAN NHÂN DÂN TỈNH TIỀN GIANG")
        pki.register(agency, "H58")
        self.issuers = {
            "hub": pki.issue_device("TRỤC LIÊN THÔNG", "BỘ XÂY DỰNG"),
            "other": pki.issue_device("TRỤC KHÁC", "BỘ TÀI CHÍNH"),
            "late": pki.issue_device("TRỤC MỚI", "BỘ XÂY DỰNG", not_before=MERGED + timedelta(days=30)),
            "gone": pki.issue_device("TRỤC CŨ", "BỘ XÂY DỰNG"),
            "ended": pki.issue_device("TRỤC HẾT HẠN", "BỘ XÂY DỰNG", not_before=START, not_after=TODAY - timedelta(9)),
        }
        for name, credential in (("agency", agency), *self.issuers.items()):
            credential.save(folder / f"{name}.p12")
            if name != "agency":
                pki.register(credential, "G12" if name == "other" else "G22")
        pki.save_trust(folder / "before")
        pki.revoke(agency, MERGED)
        pki.revoke(self.issuers["gone"], LAST_DAY - timedelta(days=1))
        pki.save_trust(folder / "trust")
        (folder / "registry.csv").write_text(write_registrations(pki.registrations), encoding="utf-8")
        letter, _ = scene.write_letter(folder)
        self.file = folder / "signed.pdf"
        sign(letter, self.file, self.signer("agency"), at=LAST_DAY, field="Seal")
        self.policy("policy", units=["G22"])

    def signer(self, name):
        return open_signer(f"file:{self.folder / name}.p12")

    def policy(self, name, **issuers):
        said = {"name": name, "receipts": issuers} if issuers else {"name": name}
        path = self.folder / f"{name}.json"
        path.write_text(json.dumps(said), encoding="utf-8")
        return path

    def receipt(self, folder, *, by="hub", at=LAST_DAY + timedelta(hours=1), of=None, issuer="G22", **options):
        folder.mkdir(exist_ok=True)
        return write_receipt(of or self.file, folder, self.signer(by), issuer=issuer, at=at, **options)

    def judged(self, receipts, *, file=None, policy="policy", registry=True):
        report = verify(
            file or self.file,
            trust=TrustStore.from_path(self.folder / "trust"),
            registry=CsvRegistry.from_path(self.folder / "registry.csv") if registry else None,
            at=TODAY,
            policy=str(self.folder / f"{policy}.json"),
            receipts=[receipts],
        )
        return report.signatures[0]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Scene(tmp_path_factory.mktemp("receipts"))


def codes(signature):
    return {message.code for message in signature.messages}


def refused(signature, code):
    assert signature.indication is Indication.INDETERMINATE
    assert signature.sub_indication is SubIndication.REVOKED_NO_POE
    assert signature.time_source == "claimed"
    assert signature.receipt is None
    assert code in codes(signature)
    return True


def test_a_receipt_from_before_the_last_day_saves_the_signature(place, tmp_path):
    at = LAST_DAY + timedelta(hours=1)
    place.receipt(tmp_path / "r", at=at)
    signature = place.judged(tmp_path / "r")
    assert signature.indication is Indication.TOTAL_PASSED
    assert (signature.kind, signature.unit) == ("organisation", "H58")
    assert (signature.time_source, signature.signing_time) == ("receipt", at)
    told = signature.model_dump(mode="json")["receipt"]
    assert (told["issuer"], told["time"][:16]) == ("G22", "2025-06-30T17:00")
    assert told["covers"] == "whole-document"
    assert "EDX-RECEIPT-COUNTED" in codes(signature)
    # The registry that names the issuer was imported by whoever verifies: said like for the signer's own unit.
    assert "EDX-RECEIPT-LOCAL" in codes(signature)


def test_a_receipt_from_after_the_last_day_does_not_verify(place, tmp_path):
    place.receipt(tmp_path / "r", at=MERGED + timedelta(days=3))
    signature = place.judged(tmp_path / "r")
    assert signature.indication is not Indication.TOTAL_PASSED
    assert signature.sub_indication is SubIndication.REVOKED_NO_POE
    assert signature.time_source == "receipt"


def test_of_several_receipts_the_earliest_counts(place, tmp_path):
    place.receipt(tmp_path / "late", at=MERGED + timedelta(days=3))
    (tmp_path / "late").rename(tmp_path / "r")
    place.receipt(tmp_path / "r" / "early", at=LAST_DAY + timedelta(hours=2))
    assert place.judged(tmp_path / "r").indication is Indication.TOTAL_PASSED


def test_without_a_policy_nobodys_receipt_counts(place, tmp_path):
    place.receipt(tmp_path / "r")
    place.policy("silent")
    assert refused(place.judged(tmp_path / "r", policy="silent"), "EDX-RECEIPT-UNTRUSTED")


def test_an_issuer_that_the_policy_does_not_name_does_not_count(place, tmp_path):
    place.receipt(tmp_path / "r", by="other", issuer="G12")
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-UNTRUSTED")


def test_an_issuer_cannot_call_himself_another(place, tmp_path):
    place.receipt(tmp_path / "r", by="other", issuer="G22")
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-UNTRUSTED")


def test_an_issuer_may_be_named_by_certificate_where_there_is_no_registry(place, tmp_path):
    place.receipt(tmp_path / "r")
    fingerprint = place.judged(tmp_path / "r").receipt.certificate
    place.policy("by-certificate", certificates=[fingerprint])
    signature = place.judged(tmp_path / "r", policy="by-certificate", registry=False)
    assert signature.indication is Indication.TOTAL_PASSED
    place.policy("by-unit-alone", units=["G22"])
    unknown = place.judged(tmp_path / "r", policy="by-unit-alone", registry=False)
    assert refused(unknown, "EDX-RECEIPT-UNTRUSTED")


def test_an_issuer_outside_the_trust_domain_does_not_count(place, tmp_path):
    place.receipt(tmp_path / "r")
    place.policy("official", units=["G22"], domains=["vn-official"])
    assert refused(place.judged(tmp_path / "r", policy="official"), "EDX-RECEIPT-UNTRUSTED")
    (root,) = (c for c in TrustStore.from_path(place.folder / "trust").anchors)
    place.policy("own-root", units=["G22"], domains=[root.sha256.hex()])
    assert place.judged(tmp_path / "r", policy="own-root").indication is Indication.TOTAL_PASSED


def test_a_receipt_for_another_file_says_nothing(place, tmp_path):
    place.receipt(tmp_path / "r", of=place.folder / "registry.csv")
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-OTHER")


def test_a_forged_receipt_counts_for_nothing(place, tmp_path):
    path = place.receipt(tmp_path / "r", at=MERGED + timedelta(days=3))
    told = json.loads(path.read_bytes())
    path.write_text(json.dumps(told | {"held": (LAST_DAY + timedelta(hours=1)).isoformat()}), encoding="utf-8")
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-FORGED")


def test_the_signature_of_one_receipt_does_not_fit_another(place, tmp_path):
    mine = place.receipt(tmp_path / "r")
    other = place.receipt(tmp_path / "o", of=place.folder / "registry.csv")
    signature = other.with_name(other.name + ".p7s").read_bytes()
    mine.with_name(mine.name + ".p7s").write_bytes(signature)
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-FORGED")


@pytest.mark.parametrize("by", ["late", "gone", "ended"])
def test_a_receipt_whose_own_certificate_was_not_good_counts_for_nothing(place, tmp_path, by):
    # Not yet valid at the time it speaks of; revoked before it; expired since, and nothing says when it was made.
    place.receipt(tmp_path / "r", by=by)
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-INVALID")


def test_a_stamped_receipt_outlives_its_certificate_but_never_precedes_what_it_says(place, tmp_path):
    service, trust = Tsa(place.pki), TrustStore.from_path(place.folder / "before")
    moment = LAST_DAY + timedelta(hours=1)

    def stamps(at):
        return Rfc3161("test", lambda request: service.answer(request, at), trust=trust)

    place.receipt(tmp_path / "r", by="ended", at=moment, timestamps=stamps(moment + timedelta(minutes=1)))
    assert place.judged(tmp_path / "r").indication is Indication.TOTAL_PASSED
    # Its stamp shows that it was signed before the moment that it pretends to have seen.
    place.receipt(tmp_path / "e", by="hub", at=moment, timestamps=stamps(moment - timedelta(days=1)))
    assert refused(place.judged(tmp_path / "e"), "EDX-RECEIPT-INVALID")


def test_nobody_vouches_for_his_own_time(place, tmp_path):
    # A stamp keeps the agency's own receipt good; it is still the key in doubt that speaks.
    service, trust = Tsa(place.pki), TrustStore.from_path(place.folder / "before")
    stamps = Rfc3161("test", lambda request: service.answer(request, LAST_DAY + timedelta(hours=2)), trust=trust)
    place.policy("own", units=["H58"])
    place.receipt(tmp_path / "r", by="agency", issuer="H58", timestamps=stamps)
    signature = place.judged(tmp_path / "r", policy="own")
    assert signature.sub_indication is SubIndication.REVOKED_NO_POE
    assert signature.receipt is None


def test_an_issuer_that_has_left_its_unit_says_nothing_in_its_name(place, tmp_path):
    place.receipt(tmp_path / "r")
    rows = CsvRegistry.from_path(place.folder / "registry.csv")
    hub = place.signer("hub").certificate.sha256.hex()
    entries = [one for one in rows if one.sha256 != hub]
    for one in rows:
        if one.sha256 == hub:
            entries += [replace(one, valid_to=MERGED), replace(one, unit=UnitId.parse("G12"), valid_from=MERGED)]
    report = verify(
        place.file,
        trust=TrustStore.from_path(place.folder / "trust"),
        registry=MemoryRegistry(entries),
        at=TODAY,
        policy=str(place.folder / "policy.json"),
        receipts=[tmp_path / "r"],
    )
    assert refused(report.signatures[0], "EDX-RECEIPT-UNTRUSTED")


def test_a_receipt_from_after_the_moment_judged_for_is_not_known_yet(place, tmp_path):
    place.receipt(tmp_path / "r", at=TODAY + timedelta(days=1))
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-INVALID")


def test_a_revision_that_was_held_counts_for_the_signatures_in_it(place, tmp_path):
    place.receipt(tmp_path / "r")
    later = tmp_path / "later.pdf"
    sign(place.file, later, place.signer("other"), at=TODAY - timedelta(days=1), field="Later")
    report = verify(
        later,
        trust=TrustStore.from_path(place.folder / "trust"),
        registry=CsvRegistry.from_path(place.folder / "registry.csv"),
        at=TODAY,
        policy=str(place.folder / "policy.json"),
        receipts=[tmp_path / "r"],
    )
    first, second = report.signatures
    assert first.indication is Indication.TOTAL_PASSED
    assert first.receipt.covers == "earlier-revision"
    assert second.receipt is None
    assert second.time_source == "claimed"


def test_a_beginning_that_never_was_a_file_does_not_count(place, tmp_path):
    later = tmp_path / "later.pdf"
    sign(place.file, later, place.signer("other"), at=TODAY - timedelta(days=1), field="Later")
    cut = tmp_path / "cut.pdf"
    cut.write_bytes(later.read_bytes()[: place.file.stat().st_size + 300])
    place.receipt(tmp_path / "r", of=cut)
    assert refused(place.judged(tmp_path / "r", file=later), "EDX-RECEIPT-REVISION")


def test_other_signed_json_in_the_folder_is_passed_over_and_named(place, tmp_path):
    path = place.receipt(tmp_path / "r")
    head = path.with_name("head-1.json")
    head.write_text('{"schema": 1, "unit": "G22", "seq": 1, "hash": "00"}', encoding="utf-8")
    head.with_name(head.name + ".p7s").write_bytes(b"x")
    assert place.judged(tmp_path / "r").indication is Indication.TOTAL_PASSED
    path.unlink()
    assert refused(place.judged(tmp_path / "r"), "EDX-RECEIPT-UNREADABLE")


def test_a_place_without_receipts_is_an_error_of_the_call(place, tmp_path):
    with pytest.raises(InputError) as error:
        place.judged(tmp_path / "nowhere")
    assert error.value.code == "EDX-RECEIPT-UNREADABLE"


def test_a_receipt_for_an_envelope_counts_for_the_seal_and_the_files_inside(tmp_path):
    with Network.four_levels(tmp_path / "net") as net:
        office = net.office("H58.12.01")
        sent = office.send(net.sample(), to=["G22"])
        path = sent.envelope.save(tmp_path / "envelope.edxml").path
        witness = net.office("G22")
        said = witness.receipt(path, tmp_path / "r")
        policy = tmp_path / "policy.json"
        policy.write_text(json.dumps({"name": "hub", "receipts": {"units": ["G22"]}}), encoding="utf-8")
        report = verify(
            path,
            trust=net.trust,
            registry=CsvRegistry.from_path(net.folder / "offices" / "registry.csv"),
            clock=net.clock,
            policy=str(policy),
            receipts=[said],
        )
    assert report.indication is Indication.TOTAL_PASSED
    signatures = [*report.signatures, *(one for inside in report.attachments for one in inside.signatures)]
    assert len(signatures) == 3
    assert {(one.time_source, one.receipt.issuer) for one in signatures} == {("receipt", "G22")}


def test_the_commands_write_and_use_a_receipt(place, tmp_path, capfd):
    def run(*words):
        with pytest.raises(SystemExit) as ended:
            main(["--lang", "en", *map(str, words)])
        return ended.value.code or 0, capfd.readouterr().out

    run("office", "init", tmp_path / "g22", "--unit", "G22", "--test-pki")
    code, out = run(
        "office", "receipt", place.file, "--out", tmp_path / "r", "--office", tmp_path / "g22/office.toml", "--json"
    )
    (made,) = json.loads(out)["receipts"]
    assert code == 0
    assert json.loads(Path(made["receipt"]).read_bytes())["issuer"] == "G22"
    place.receipt(tmp_path / "before")
    words = ("--trust", place.folder / "trust", "--registry", place.folder / "registry.csv", "--at", TODAY.isoformat())
    words += ("--policy", place.folder / "policy.json")
    code, out = run("verify", place.file, *words, "--receipts", tmp_path / "before", "--json")
    (signature,) = json.loads(out)["signatures"]
    assert (code, signature["time_source"], signature["receipt"]["issuer"]) == (0, "receipt", "G22")
    # That office's certificates are under another root: its receipt counts for nobody here.
    code, out = run("verify", place.file, *words, "--receipts", tmp_path / "r", "--json")
    (signature,) = json.loads(out)["signatures"]
    assert (code, signature["sub_indication"]) == (3, "REVOKED_NO_POE")
    assert "receipt" not in signature
    code, out = run("verify", place.file, *words, "--receipts", tmp_path / "before")
    assert "issued by G22" in out


def test_a_broken_receipt_never_keeps_anybody_from_verifying(place, tmp_path):
    path = place.receipt(tmp_path / "r")
    signature = path.with_name(path.name + ".p7s")
    whole = signature.read_bytes()
    chance = Random(7)
    for _ in range(60):
        broken = bytearray(whole)
        for _ in range(chance.choice((1, 2, 5))):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        signature.write_bytes(bytes(broken[: chance.choice((len(broken), chance.randrange(len(broken))))]))
        judged = place.judged(tmp_path / "r")  # whatever it is worth, it is a verdict
        assert judged.receipt is None or judged.receipt.sha256 == Blob.from_path(place.file).sha256


@given(st.binary(max_size=300) | st.dictionaries(st.text(), st.none() | st.integers() | st.text()).map(json.dumps))
def test_no_text_at_all_breaks_the_reading_of_receipts(said):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "receipt-x.json"
        path.write_bytes(said if isinstance(said, bytes) else said.encode())
        path.with_name(path.name + ".p7s").write_bytes(b"0")
        assert read_receipts(Path(folder)) == ((), ("receipt-x.json",))
