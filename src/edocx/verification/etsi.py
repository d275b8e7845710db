"""Verdicts as the XML report of ETSI TS 119 102-2, for validators and archives that read no other.

One ``ValidationReport`` holds a ``SignatureValidationReport`` for each signature of each file, those of attachments
included. Certificates are named by digest; codes and sentences of ours travel as additional report data.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from lxml import etree

from edocx.signing.policy import SIGNATURES_ONLY
from edocx.signing.report import Indication, Message, Report, SignatureReport, SubIndication

VR = "http://uri.etsi.org/19102/v1.2.1#"
DS = "http://www.w3.org/2000/09/xmldsig#"
XADES = "http://uri.etsi.org/01903/v1.3.2#"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

_MAIN = {
    Indication.TOTAL_PASSED: "urn:etsi:019102:mainindication:total-passed",
    Indication.TOTAL_FAILED: "urn:etsi:019102:mainindication:total-failed",
    Indication.INDETERMINATE: "urn:etsi:019102:mainindication:indeterminate",
    # The standard has no report without a signature: nothing can be concluded, and the sub-indication says why.
    Indication.NO_SIGNATURE: "urn:etsi:019102:mainindication:indeterminate",
}
"""Clause 4.3.4.2."""

_PART = {
    Indication.TOTAL_PASSED: "urn:etsi:019102:mainindication:passed",
    Indication.TOTAL_FAILED: "urn:etsi:019102:mainindication:failed",
    Indication.INDETERMINATE: "urn:etsi:019102:mainindication:indeterminate",
    Indication.NO_SIGNATURE: "urn:etsi:019102:mainindication:indeterminate",
}
"""The same of a single constraint (clause 4.3.4.2)."""

_SUB = "urn:etsi:019102:subindication:"
_OWN = "urn:x-edocx:"
"""For what the standard has no name for; ``x-`` because no such namespace is registered."""

_PROCESS = {
    None: "urn:etsi:019102:validationprocess:Basic",
    "B-B": "urn:etsi:019102:validationprocess:Basic",
    "B-T": "urn:etsi:019102:validationprocess:LTVM",
    "B-LT": "urn:etsi:019102:validationprocess:LTVM",
    "B-LTA": "urn:etsi:019102:validationprocess:LTA",
}
"""Clause 4.3.11.1."""

_CERTIFICATE = "urn:etsi:019102:validationObject:certificate"
_APPLIED = "urn:etsi:019102:constraintStatus:applied"
_PROOF = {
    "timestamp": "urn:etsi:019102:poetype:validation",
    "receipt": "urn:etsi:019102:poetype:provided",
    "claimed": "urn:etsi:019102:poetype:validation",
    "none": "urn:etsi:019102:poetype:validation",
}
"""Where the time of the proof of existence comes from (clause 4.4.6.3): found in validation, or brought along."""


def etsi_report(reports: Iterable[Report], *, at: datetime) -> bytes:
    """Return one validation report (TS 119 102-2, UTF-8 XML) for verdicts that were reached for the moment ``at``.

    A file without a signature stands in it as INDETERMINATE with a sub-indication of ours. Files that could not be
    read have no place in it.
    """
    root = etree.Element(_vr("ValidationReport"), nsmap={"vr": VR, "ds": DS, "XAdES": XADES})
    marks: dict[str, str] = {}
    for report in reports:
        for one in _with_attachments(report):
            for signature in one.signatures:
                _add_signature(root, one, signature, at, marks)
            if not one.signatures and one is report and not any(a.signatures for a in _with_attachments(one)):
                _add_unsigned(root, one, at)
    _add_objects(root, marks)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _with_attachments(report: Report) -> Iterator[Report]:
    yield report
    for inside in report.attachments:
        yield from _with_attachments(inside)


def _add_signature(
    root: etree._Element, report: Report, signature: SignatureReport, at: datetime, marks: dict[str, str]
) -> None:
    entry = _add(root, _vr("SignatureValidationReport"))
    _add_identifier(entry, f"{report.file}#{signature.id}", f"signature-{len(root)}")
    _add_constraints(entry, report)
    _add_times(entry, signature, at)
    _add_attributes(entry, signature)
    if signature.certificate is not None:
        mark = marks.setdefault(signature.certificate.sha256, f"certificate-{len(marks) + 1}")
        signer = _add(entry, _vr("SignerInformation"))
        _add(signer, _vr("SignerCertificate")).set("VOReference", mark)
        _add(signer, _vr("Signer"), signature.certificate.subject)
    process = _add(entry, _vr("SignatureValidationProcess"))
    _add(process, _vr("SignatureValidationProcessID"), _PROCESS[signature.level])
    status = _add(entry, _vr("SignatureValidationStatus"))
    _add(status, _vr("MainIndication"), _MAIN[signature.indication])
    if signature.sub_indication is not None:
        _add(status, _vr("SubIndication"), _sub(signature.sub_indication))
    # What is said of the file (parts that nobody signed, above all) stands with each of its signatures.
    _add_messages(status, dict.fromkeys((*signature.messages, *report.messages)))


def _add_unsigned(root: etree._Element, report: Report, at: datetime) -> None:
    entry = _add(root, _vr("SignatureValidationReport"))
    _add_identifier(entry, report.file, f"signature-{len(root)}")
    times = _add(entry, _vr("ValidationTimeInfo"))
    _add(times, _vr("ValidationTime"), _moment(at))
    _add_proof(times, at, _PROOF["none"])
    status = _add(entry, _vr("SignatureValidationStatus"))
    _add(status, _vr("MainIndication"), _MAIN[report.indication])
    _add(status, _vr("SubIndication"), f"{_OWN}subindication:NO-SIGNATURE")
    _add_messages(status, report.messages)


def _add_identifier(entry: etree._Element, name: str, mark: str) -> None:
    identifier = _add(entry, _vr("SignatureIdentifier"))
    identifier.set("id", mark)
    _add(identifier, _vr("HashOnly"), "false")
    _add(identifier, _vr("DocHashOnly"), "false")
    _add(identifier, _vr("DAIdentifier"), name)


def _add_constraints(entry: etree._Element, report: Report) -> None:
    evaluation = _add(entry, _vr("ValidationConstraintsEvaluationReport"))
    policy = _add(evaluation, _vr("SignatureValidationPolicy"))
    _add(_add(policy, _vr("SignaturePolicyIdentifier")), f"{{{XADES}}}SignaturePolicyImplied")
    _add(policy, _vr("PolicyName"), report.policy)
    if report.policy == SIGNATURES_ONLY:
        return
    faults = [message for message in report.messages if message.severity == "error"]
    for code in dict.fromkeys(message.code for message in faults) or ("EDX-POLICY",):
        constraint = _add(evaluation, _vr("ValidationConstraint"))
        _add(constraint, _vr("ValidationConstraintIdentifier"), f"{_OWN}constraint:{code}")
        _add(_add(constraint, _vr("ConstraintStatus")), _vr("Status"), _APPLIED)
        verdict = Indication.INDETERMINATE if faults else Indication.TOTAL_PASSED
        _add(_add(constraint, _vr("ValidationStatus")), _vr("MainIndication"), _PART[verdict])


def _add_times(entry: etree._Element, signature: SignatureReport, at: datetime) -> None:
    times = _add(entry, _vr("ValidationTimeInfo"))
    _add(times, _vr("ValidationTime"), _moment(at))
    # EN 319 102-1 5.5: without a proof of existence the best signature time is that of validation; a claim is none.
    proven = signature.signing_time if signature.time_source in {"timestamp", "receipt"} else None
    _add_proof(times, proven or at, _PROOF[signature.time_source])


def _add_proof(times: etree._Element, moment: datetime, kind: str) -> None:
    proof = _add(times, _vr("BestSignatureTime"))
    _add(proof, _vr("POETime"), _moment(moment))
    _add(proof, _vr("TypeOfProof"), kind)


def _add_attributes(entry: etree._Element, signature: SignatureReport) -> None:
    if signature.signing_time is None or signature.time_source not in {"claimed", "timestamp"}:
        return
    attributes = _add(entry, _vr("SignatureAttributes"))
    if signature.time_source == "claimed":
        held = _add(attributes, _vr("SigningTime"))
        held.set("Signed", "true")
        _add(held, _vr("Time"), _moment(signature.signing_time))
    else:
        held = _add(attributes, _vr("SignatureTimeStamp"))
        held.set("Signed", "false")
        _add(held, _vr("TimeStampValue"), _moment(signature.signing_time))


def _add_messages(status: etree._Element, messages: Iterable[Message]) -> None:
    listed = tuple(messages)
    if not listed:
        return
    data = _add(_add(status, _vr("AssociatedValidationReportData")), _vr("AdditionalValidationReportData"))
    for message in listed:
        held = _add(data, _vr("ReportData"))
        _add(held, _vr("Type"), f"{_OWN}message:{message.severity}:{message.code}")
        where = f" [{message.where}]" if message.where else ""
        _add(held, _vr("Value"), f"{message.vi} / {message.en}{where}")


def _add_objects(root: etree._Element, marks: dict[str, str]) -> None:
    if not marks:
        return
    objects = _add(root, _vr("SignatureValidationObjects"))
    for sha256, mark in marks.items():
        held = _add(objects, _vr("ValidationObject"))
        held.set("id", mark)
        _add(held, _vr("ObjectType"), _CERTIFICATE)
        digest = _add(_add(held, _vr("ValidationObjectRepresentation")), _vr("DigestAlgAndValue"))
        _add(digest, f"{{{DS}}}DigestMethod").set("Algorithm", SHA256)
        _add(digest, f"{{{DS}}}DigestValue", base64.b64encode(bytes.fromhex(sha256)).decode())


def _sub(sub: SubIndication) -> str:
    # The standard's names have no hyphen, ours begin with EDX and one.
    return f"{_OWN}subindication:{sub.partition('-')[2]}" if "-" in sub else f"{_SUB}{sub}"


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    element = etree.SubElement(parent, name)
    if text is not None:
        # Names and subjects come from files: what XML cannot hold shows as a replacement character.
        element.text = "".join(char if _allowed(char) else "\ufffd" for char in text)
    return element


def _allowed(char: str) -> bool:
    point = ord(char)
    return char in "\t\n\r" or 0x20 <= point <= 0xD7FF or 0xE000 <= point <= 0xFFFD or point >= 0x10000  # noqa: PLR2004


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _vr(name: str) -> str:
    return f"{{{VR}}}{name}"
