"""Attacks on CMS signatures whose makers have no key: what a value fits besides what it was made over."""

from __future__ import annotations

from collections.abc import Iterator

from asn1crypto import cms

from edocx.testing.attacks import Attack


def attributes_as_content(data: bytes) -> Iterator[Attack]:
    """Yield copies of a DER signature whose content is the attributes that its value is over; none may pass.

    Without signed attributes the value is over the content itself (RFC 5652 5.4). An empty set of them is there, so
    that guards that ask for the field alone do not see the attack.
    """
    signed = cms.ContentInfo.load(data)["content"]
    info = signed["signer_infos"][0]
    attributes = bytes(info["signed_attrs"].untag().dump())
    kept = ("version", "sid", "digest_algorithm", "signature_algorithm", "signature")
    for label, more in (("absent", {}), ("empty", {"signed_attrs": cms.CMSAttributes([])})):
        forged = cms.SignedData(
            {
                "version": signed["version"],
                "digest_algorithms": signed["digest_algorithms"],
                "encap_content_info": {"content_type": "data", "content": attributes},
                "certificates": signed["certificates"],
                "signer_infos": [cms.SignerInfo({name: info[name] for name in kept} | more)],
            }
        )
        made = cms.ContentInfo({"content_type": "signed_data", "content": forged})
        yield Attack(f"attributes-{label}", made.dump())
