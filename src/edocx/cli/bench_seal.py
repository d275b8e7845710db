"""Sealing and verifying seals beside python-xmlsec and signxml, for `edocx bench envelope`.

All verify the same file, sealed by us, with the same trust, loaded before; the peers look at no revocation list, and do
not read the envelope. All seal the same envelope; the peers' seals are plain XML-DSig over the same parts. A peer that
is not installed is named as missing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pybase64
from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from edocx._xml import EXCLUSIVE_C14N
from edocx.cli.bench_measure import figure, fill, in_turns
from edocx.clock import SystemClock
from edocx.content import Blob
from edocx.envelope import Attachment, Envelope, Organization, compose, names, open_envelope
from edocx.envelope.model import Code
from edocx.sealing import judge_seal, seal
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.trust import TrustStore
from edocx.signing.xml.names import BASE64_TRANSFORM, ds
from edocx.testing import Pki

_IDS = (names.MESSAGE_HEADER, names.BUSINESS, names.BODY, names.ENCODED, "SignedProperties")
_SMALL = 7_500
"""Bytes of a file that makes an envelope of about 10 KB before it is sealed."""


def save_keys(folder: Path) -> None:
    """Leave an agency's RSA-2048 key (``agency.p12``, ``agency.pem``) and ``trust/`` in a folder."""
    pki = Pki.create()
    agency = pki.issue_organisation("CƠ QUAN THỬ NGHIỆM")
    agency.save(folder / "agency.p12")
    pki.save_trust(folder / "trust")
    (folder / "agency.pem").write_bytes(agency.private_key_pem())
    (folder / "agency.crt").write_bytes(agency.certificate.public_bytes(Encoding.PEM))


def seals(folder: Path, size: int, turns: int) -> Iterator[dict[str, Any]]:
    """Yield the figures for an envelope of about 10 KB and one with a file of ``size`` bytes."""
    save_keys(folder)
    small, large = folder / "small", folder / "large"
    small.write_bytes(os.urandom(_SMALL))
    yield from _at(folder, small, "10 KB", 15 * turns, {"python-xmlsec": ">= 1"}, {"python-xmlsec": ">= 1"})
    fill(large, size)
    goals = {"signxml": ">= 5", "python-xmlsec": ">= 3"}, {"signxml": ">= 6", "python-xmlsec": ">= 3"}
    yield from _at(folder, large, f"{size // 1_000_000} MB", turns, *goals)
    large.unlink()


def _at(
    folder: Path, content: Path, shown: str, turns: int, sealing: dict[str, str], verifying: dict[str, str]
) -> Iterator[dict[str, Any]]:
    sealed, out = folder / "sealed.edxml", folder / "out.edxml"
    signer = open_signer(f"file:{folder / 'agency.p12'}")
    criteria = Criteria(TrustStore.from_path(folder / "trust"), SystemClock().now())

    def seal_ours(target: Path) -> None:
        skeleton = compose(_letter(content))
        seal(skeleton, signer, at=SystemClock().now())
        with target.open("wb", buffering=0) as stream:
            for piece in skeleton.pieces():
                stream.write(piece)

    def verify_ours() -> None:
        with open_envelope(sealed) as reading:
            (verdict,) = judge_seal(reading, criteria).signatures
        assert verdict.indication == "TOTAL-PASSED"

    seal_ours(sealed)
    makers: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
        "python-xmlsec": (_xmlsec_sealing, _xmlsec_verifying),
        "signxml": (_signxml_sealing, _signxml_verifying),
    }
    module = {"python-xmlsec": "xmlsec", "signxml": "signxml"}
    there = {peer: made for peer, made in makers.items() if find_spec(module[peer])}
    missing = {peer: "missing: not installed" for peer in makers if peer not in there}
    acts = {peer: made[0](folder, content, out) for peer, made in there.items()}
    found = figure(f"seal, {shown}", in_turns(turns, {"edocx": lambda: seal_ours(out), **acts}), sealing)
    yield found | {"peers": found["peers"] | missing}
    acts = {peer: made[1](folder, sealed) for peer, made in there.items()}
    found = figure(f"read and verify the seal, {shown}", in_turns(turns, {"edocx": verify_ours, **acts}), verifying)
    yield found | {"peers": found["peers"] | missing}
    for path in (sealed, out):
        path.unlink(missing_ok=True)


def _letter(content: Path) -> Envelope:
    return Envelope(
        sender=Organization(unit="H58.12.01", name="Ủy ban nhân dân xã Thử"),
        to=(Organization(unit="G22", name="Văn phòng Thử"),),
        document_id="H58.12.01,2024/03/05,1/A",
        code=Code(number="1", notation="A"),
        subject="V/v thử tốc độ",
        business="new",
        attachments=(Attachment(name="a.bin", content=Blob.from_path(content)),),
    )


def _tree(letter: Envelope, content: Path) -> etree._Element:
    """Return an envelope as a peer has to have it: a tree with the file in it."""
    root = compose(letter).root
    next(root.iter(names.tag(names.ENCODED))).text = pybase64.b64encode(content.read_bytes()).decode()
    return root


def _parsed(path: Path) -> etree._Element:
    # The peer as its users run it; the guard is off only here, on a file made above.
    return etree.parse(path, etree.XMLParser(huge_tree=True, resolve_entities=False)).getroot()


def _xmlsec_sealing(folder: Path, content: Path, out: Path) -> Callable[[], None]:
    xmlsec: Any = import_module("xmlsec")

    key = xmlsec.Key.from_file(str(folder / "agency.pem"), xmlsec.KeyFormat.PEM)
    key.load_cert_from_file(str(folder / "agency.crt"), xmlsec.KeyFormat.PEM)
    letter = _letter(content)

    def act() -> None:
        root = _tree(letter, content)
        node = xmlsec.template.create(root, xmlsec.constants.TransformExclC14N, xmlsec.constants.TransformRsaSha256)
        next(root.iter(names.tag(names.HEADER))).append(node)
        for element in root.iter(*(names.tag(name) for name in _IDS[:4])):
            xmlsec.tree.add_ids(element, [names.ID])
            uri = f"#{element.get(names.ID)}"
            reference = xmlsec.template.add_reference(node, xmlsec.constants.TransformSha256, uri=uri)
            is_file = names.local(str(element.tag)) == names.ENCODED
            # python-xmlsec has no constant for base64, so the transform is written by hand.
            holder = etree.Element(ds("Transforms"))
            uri = BASE64_TRANSFORM if is_file else EXCLUSIVE_C14N
            etree.SubElement(holder, ds("Transform"), Algorithm=uri)
            reference.insert(0, holder)
        xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(node))
        context = xmlsec.SignatureContext()
        context.key = key
        context.sign(node)
        out.write_bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))

    return act


def _xmlsec_verifying(folder: Path, sealed: Path) -> Callable[[], None]:
    xmlsec: Any = import_module("xmlsec")

    manager = xmlsec.KeysManager()
    for name in ("root.crt", "state.crt"):
        manager.load_cert(str(folder / "trust" / name), xmlsec.KeyFormat.PEM, xmlsec.KeyDataType.TRUSTED)

    def act() -> None:
        root = _parsed(sealed)
        for element in root.iter(*(f"{{*}}{name}" for name in _IDS)):
            xmlsec.tree.add_ids(element, [names.ID])
        xmlsec.SignatureContext(manager).verify(next(root.iter(names.tag(names.SIGNATURE, names.XMLDSIG))))

    return act


def _signxml_sealing(folder: Path, content: Path, out: Path) -> Callable[[], None]:
    signxml: Any = import_module("signxml")
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key((folder / "agency.pem").read_bytes(), None)
    certificate = (folder / "agency.crt").read_text()
    letter = _letter(content)
    exclusive = signxml.CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0

    def act() -> None:
        root = _tree(letter, content)
        uris = [f"#{e.get(names.ID)}" for e in root.iter(*(names.tag(name) for name in _IDS[:4]))]
        signer = signxml.XMLSigner(method=signxml.SignatureConstructionMethod.detached, c14n_algorithm=exclusive)
        # As installed it takes no text over 10 MB.
        signer._parser = etree.XMLParser(huge_tree=True, resolve_entities=False)  # noqa: SLF001
        node = signer.sign(root, key=key, cert=certificate, reference_uri=uris, id_attribute=names.ID)
        next(root.iter(names.tag(names.HEADER))).append(node)
        out.write_bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True))

    return act


def _signxml_verifying(folder: Path, sealed: Path) -> Callable[[], None]:
    signxml: Any = import_module("signxml")

    config = signxml.SignatureConfiguration(expect_references=True)
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False)

    def act() -> None:
        signxml.XMLVerifier().verify(
            sealed.read_bytes(),
            ca_pem_file=str(folder / "trust" / "root.crt"),
            id_attribute=names.ID,
            expect_config=config,
            parser=parser,
        )

    return act
