"""The judges: edocx, and each peer with the same root. Whatever a judge raises, it does not accept."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from asn1crypto import cms, pem

from agreement.case import Case
from agreement.workshop import AT, Workshop
from edocx.envelope import names as n
from edocx.errors import EdocxError
from edocx.signing.proof import prove
from edocx.signing.report import Indication
from edocx.signing.token import read_token
from edocx.signing.trust import TrustStore
from edocx.verification import verify

_DS = "http://www.w3.org/2000/09/xmldsig#"
_XADES = "http://uri.etsi.org/01903/v1.3.2#"


def judge(shop: Workshop, case: Case) -> dict[str, bool]:
    """Return who accepts a file."""
    place = shop.folder / f"case.{case.ending}"
    place.write_bytes(case.data)
    return {name: _KNOWN[name](shop, case, place) for name in case.judges}


def _edocx(shop: Workshop, case: Case, place: Path) -> bool:
    asked: dict[str, Any] = {"trust": case.trust or shop.trust, "registry": shop.registry, "at": AT}
    try:
        report = verify(place, detached=case.beside, policy=case.policy, **asked)
    except EdocxError:
        return False
    return report.indication is Indication.TOTAL_PASSED


def _edocx_on_tokens(shop: Workshop, case: Case, place: Path) -> bool:
    content = case.beside[0].read_bytes()
    try:
        token = read_token(place.read_bytes(), lambda name: hashlib.new(name, content).digest())
        return prove([token], (), case.trust or shop.trust, AT).time is not None
    except EdocxError:
        return False


def _pdfsig(_: Workshop, __: Case, place: Path) -> bool:
    # -nocert: its store is that of the machine; validity of certificates is not compared here.
    done = subprocess.run(["pdfsig", "-nocert", str(place)], capture_output=True, text=True, check=False, timeout=60)
    verdicts = re.findall(r"Signature Validation: (.*)", done.stdout)
    return bool(verdicts) and all(one == "Signature is Valid." for one in verdicts)


def _context(shop: Workshop, case: Case) -> Any:
    from pyhanko_certvalidator import ValidationContext  # noqa: PLC0415

    trust: TrustStore = case.trust or shop.trust
    options: dict[str, Any] = {"revocation_mode": "hard-fail"} if case.trust else {}
    return ValidationContext(
        trust_roots=list(trust.anchors),
        other_certs=list(trust.intermediates),
        crls=list(trust.revocation_lists),
        ocsps=list(trust.ocsp_responses),
        moment=AT,
        allow_fetching=False,
        **options,
    )


def _pyhanko(shop: Workshop, case: Case, place: Path) -> bool:
    from pyhanko.pdf_utils.reader import PdfFileReader  # noqa: PLC0415
    from pyhanko.sign.validation import validate_pdf_signature  # noqa: PLC0415

    try:
        with place.open("rb") as stream:
            found = PdfFileReader(stream).embedded_regular_signatures
            verdicts = [validate_pdf_signature(one, _context(shop, case), _context(shop, case)) for one in found]
            return bool(verdicts) and all(one.bottom_line for one in verdicts)
    except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
        return False


def _pyhanko_on_cms(shop: Workshop, case: Case, place: Path) -> bool:
    from pyhanko.sign.validation.generic_cms import (  # noqa: PLC0415
        async_validate_cms_signature,
        async_validate_detached_cms,
    )

    try:
        data = place.read_bytes()
        held = cms.ContentInfo.load(pem.unarmor(data)[2] if pem.detect(data) else data)["content"]
        if not case.beside:
            alone = asyncio.run(async_validate_cms_signature(held, validation_context=_context(shop, case)))
            return bool(alone.valid and alone.intact and alone.trusted)
        contents = [one.read_bytes() for one in case.beside]
        return any(
            asyncio.run(async_validate_detached_cms(one, held, _context(shop, case))).bottom_line for one in contents
        )
    except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
        return False


def _pyhanko_on_tokens(shop: Workshop, case: Case, place: Path) -> bool:
    from pyhanko.sign.validation.generic_cms import validate_tst_signed_data  # noqa: PLC0415
    from pyhanko.sign.validation.status import TimestampSignatureStatus  # noqa: PLC0415

    content = case.beside[0].read_bytes()
    try:
        held = cms.ContentInfo.load(place.read_bytes())["content"]
        said = asyncio.run(
            validate_tst_signed_data(held, _context(shop, case), lambda name: hashlib.new(name, content).digest())
        )
        status = TimestampSignatureStatus(**said)
        return bool(status.valid and status.intact and status.trusted)
    except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
        return False


def _trusted(shop: Workshop, case: Case) -> list[str]:
    """Write what openssl trusts and may build chains with, and lists where revocation is asked about."""
    trust, place = case.trust or shop.trust, shop.folder / "case-trust.pem"
    held = {"CERTIFICATE": (*trust.anchors, *trust.intermediates), "X509 CRL": trust.revocation_lists}
    place.write_bytes(b"".join(pem.armor(kind, one.dump()) for kind, all_of in held.items() for one in all_of))
    checks = ["-crl_check_all", "-extended_crl", "-use_deltas"] if case.trust else []
    return ["-CAfile", str(place), *checks]


def _openssl(shop: Workshop, case: Case, place: Path) -> bool:
    form = "PEM" if b"-----BEGIN" in place.read_bytes() else "DER"
    command = ["openssl", "cms", "-verify", "-inform", form, "-in", str(place), "-binary", "-purpose", "any"]
    command += [*_trusted(shop, case), "-attime", str(int(AT.timestamp())), "-out", "/dev/null"]
    return any(_succeeds([*command, *more]) for more in ([["-content", str(one)] for one in case.beside] or [[]]))


def _openssl_ts(shop: Workshop, case: Case, place: Path) -> bool:
    command = ["openssl", "ts", "-verify", "-token_in", "-in", str(place), "-data", str(case.beside[0])]
    return _succeeds([*command, *_trusted(shop, case), "-attime", str(int(AT.timestamp()))])


def _xmlsec1(shop: Workshop, case: Case, place: Path) -> bool:
    names = [n.MESSAGE_HEADER, n.BUSINESS, n.BODY, n.ENCODED]
    ids = [f"{n.QCVN}:{name}" for name in names]
    ids += [f"{_DS}:Object", "urn:x:doc", f"{_XADES}:SignedProperties", "Letter", "Notice"]
    command = _xmlsec1_with(shop, *ids)
    if case.signatures == 1:
        return _succeeds([*command, str(place)])
    paths = (f"(//*[local-name()='Signature'])[{number}]" for number in range(1, case.signatures + 1))
    return all(_succeeds([*command, "--node-xpath", path, str(place)]) for path in paths)


def _xmlsec1_with(shop: Workshop, *ids: str) -> list[str]:
    trust = shop.folder / "trust"
    command = ["xmlsec1", "--verify", "--trusted-pem", str(trust / "root.crt")]
    command += ["--untrusted-pem", str(trust / "state.crt"), "--verification-gmt-time", f"{AT:%Y-%m-%d %H:%M:%S}"]
    return command + [word for name in ids for word in ("--id-attr:Id", name)]


def _signxml(shop: Workshop, _: Case, place: Path) -> bool:
    from signxml import SignatureConfiguration, XMLVerifier  # noqa: PLC0415

    config = SignatureConfiguration(expect_references=True)
    root = str(shop.folder / "trust" / "root.crt")
    try:
        return bool(XMLVerifier().verify(place.read_bytes(), ca_pem_file=root, id_attribute="Id", expect_config=config))
    except Exception:  # noqa: BLE001 - whatever a judge raises, it does not accept
        return False


def _zip_and_xmlsec1(shop: Workshop, _: Case, place: Path) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        command = _xmlsec1_with(shop, f"{_XADES}:SignedProperties")
        # Only files so named: xmlsec1 is asked about the signatures, not about what else stands in META-INF.
        signatures = sorted(Path(folder, "META-INF").glob("signatures*.xml")) if _unpacked(place, folder) else []
        return bool(signatures) and all(_succeeds([*command, str(one)], cwd=folder) for one in signatures)


def _zip_and_cms(ask: Callable[[Workshop, Case, Path], bool]) -> Callable[[Workshop, Case, Path], bool]:
    """Return a judge of the CMS signature in a container, beside the list of files or the one file there."""

    def judge_inside(shop: Workshop, case: Case, place: Path) -> bool:
        with tempfile.TemporaryDirectory() as folder:
            if not _unpacked(place, folder):
                return False
            inside = Path(folder, "META-INF")
            (signature,) = inside.glob("*.p7s")
            files = [one for one in Path(folder).iterdir() if one.name not in {"META-INF", "mimetype"}]
            beside = tuple(inside.glob("ASiCManifest*.xml")) or tuple(files)
            asked = replace(case, beside=beside)
            return ask(shop, asked, signature)

    return judge_inside


def _unpacked(place: Path, folder: str) -> bool:
    try:
        with zipfile.ZipFile(place) as archive:
            archive.extractall(folder)
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError):
        return False
    return True


def _succeeds(command: list[str], cwd: str | None = None) -> bool:
    return subprocess.run(command, cwd=cwd, capture_output=True, check=False, timeout=60).returncode == 0


_KNOWN: dict[str, Callable[[Workshop, Case, Path], bool]] = {
    "edocx": _edocx,
    "pdfsig": _pdfsig,
    "pyHanko": _pyhanko,
    "xmlsec1": _xmlsec1,
    "signxml": _signxml,
    "openssl": _openssl,
    "pyHanko on CMS": _pyhanko_on_cms,
    "zipfile and xmlsec1": _zip_and_xmlsec1,
    "zipfile and openssl": _zip_and_cms(_openssl),
    "zipfile and pyHanko": _zip_and_cms(_pyhanko_on_cms),
    "edocx on tokens": _edocx_on_tokens,
    "openssl ts": _openssl_ts,
    "pyHanko on tokens": _pyhanko_on_tokens,
}
