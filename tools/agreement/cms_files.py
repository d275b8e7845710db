"""CMS signatures beside and around a file, and their forgeries: also values that were made for something else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from asn1crypto import cms as asn1_cms
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, pkcs7
from lxml import etree

from agreement.case import CMS, Case
from agreement.workshop import Workshop
from edocx.testing.attacks import cms, container


def signatures(shop: Workshop) -> Iterator[Case]:
    """Yield them all."""
    note = shop.note.read_bytes()
    detached = shop.detached(shop.person, shop.note)
    attached = _attached(shop, note)
    certificate = shop.person_key.certificate.public_bytes(Encoding.DER)
    family = "CMS, genuine"
    yield Case(family, "detached, by edocx", detached, CMS, genuine=True, beside=(shop.note,))
    yield Case(family, "attached", attached, CMS, genuine=True)
    yield Case(family, "content put inside", cms.enclosing(detached, note), CMS, genuine=True)
    yield Case(
        family, "no attributes", cms.passed_off(shop.person_key.sign(note), note, certificate), CMS, genuine=True
    )
    for attack in container.trailers(detached):
        yield Case("CMS, forged, bytes behind it", attack.name, attack.data, CMS, genuine=False, beside=(shop.note,))
    family = "CMS, forged, attributes as content"
    for attack in cms.attributes_as_content(attached):
        yield Case(family, attack.name, attack.data, CMS, genuine=False)
        data, beside = _taken_out(shop, attack.data)
        yield Case(
            "CMS, forged, attributes as content", f"{attack.name}, beside", data, CMS, genuine=False, beside=(beside,)
        )
    for name, data in _enclosing(shop, detached, note):
        yield Case("CMS, forged, its own content inside", name, data, CMS, genuine=False, beside=(shop.letter,))
    family = "CMS, forged, made over something else"
    for name, body in _bodies(shop):
        data = cms.passed_off(shop.person_key.sign(body), body, certificate)
        yield Case(family, name, data, CMS, genuine=False)
        outside, beside = _taken_out(shop, data)
        yield Case(
            "CMS, forged, made over something else", f"{name}, beside", outside, CMS, genuine=False, beside=(beside,)
        )


def _enclosing(shop: Workshop, detached: bytes, note: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield signatures that hold by themselves, to be judged beside a file that nobody signed."""
    yield "of a file", cms.enclosing(detached, note)
    signed = shop.signed(shop.plain(), shop.person, "S1")
    for number, (data, content) in enumerate(cms.out_of_a_pdf(signed)):
        yield f"out of a PDF, {number}", cms.enclosing(data, content)


def _bodies(shop: Workshop) -> Iterator[tuple[str, bytes]]:
    """Yield what other protocols let a key sign: requests, certificates, lists, XML signatures."""
    person = shop.person_key
    request = x509.CertificateSigningRequestBuilder().subject_name(person.certificate.subject)
    yield "request", request.sign(person.private_key, hashes.SHA256()).tbs_certrequest_bytes
    yield "certificate", person.certificate.tbs_certificate_bytes
    yield "list", bytes(shop.trust.revocation_lists[0]["tbs_cert_list"].dump())
    for prefix in ("", "ds"):
        colon, declared = (f"{prefix}:", f"xmlns:{prefix}") if prefix else ("", "xmlns")
        text = (
            f'<{colon}SignedInfo {declared}="http://www.w3.org/2000/09/xmldsig#">'
            f'<{colon}CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></{colon}SignedInfo>'
        )
        yield f"SignedInfo {prefix}".strip(), bytes(etree.tostring(etree.fromstring(text), method="c14n"))


def _attached(shop: Workshop, content: bytes) -> bytes:
    person = shop.person_key
    builder = pkcs7.PKCS7SignatureBuilder().set_data(content)
    builder = builder.add_signer(person.certificate, person.private_key, hashes.SHA256())
    return builder.add_certificate(shop.pki.state.certificate).sign(Encoding.DER, [pkcs7.PKCS7Options.Binary])


def _taken_out(shop: Workshop, data: bytes) -> tuple[bytes, Path]:
    """Put the content beside its signature."""
    outer = asn1_cms.ContentInfo.load(data)
    place = shop.folder / "content.bin"
    place.write_bytes(outer["content"]["encap_content_info"]["content"].native)
    del outer["content"]["encap_content_info"][1]
    return bytes(outer.dump(force=True)), place
