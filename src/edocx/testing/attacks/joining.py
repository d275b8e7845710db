"""Genuine signatures put together so that they seem to be over one content: nobody's key is needed for that.

A verifier that counts the signatures of a file, and does not ask what each is over, takes a letter that a person signed
and a notice that the agency sealed for a letter with both.
"""

from __future__ import annotations

import io
import zipfile

from asn1crypto import cms
from lxml import etree

_SIGNATURES = "META-INF/signatures"


def joined_cms(first: bytes, second: bytes) -> bytes:
    """Return one DER signature with the signers of two detached ones, the first's before the second's."""
    outer = cms.ContentInfo.load(first)
    one, other = outer["content"], cms.ContentInfo.load(second)["content"]
    infos = [bytes(info.dump()) for signed in (one, other) for info in signed["signer_infos"]]
    held = {bytes(entry.dump()): entry for signed in (one, other) for entry in signed["certificates"]}
    one["signer_infos"] = cms.SignerInfos([cms.SignerInfo.load(info) for info in infos])
    one["certificates"] = cms.CertificateSet(list(held.values()))
    data = bytes(outer.dump(force=True))
    # A SET OF is sorted as it is written; readers take its members as they come, and order means something to policies.
    return data.replace(b"".join(sorted(infos)), b"".join(infos)) if sorted(infos) != infos else data


def joined_containers(first: bytes, second: bytes) -> bytes:
    """Return one ASiC-E with the files and signatures of two; a file of the same name and content stays one."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as out:
        names: set[str] = set()
        for order, data in enumerate((first, second)):
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                for name in archive.namelist():
                    renamed = name.replace(_SIGNATURES, f"{_SIGNATURES}{order}")
                    if renamed not in names:
                        out.writestr(renamed, archive.read(name))
                        names.add(renamed)
    return stream.getvalue()


def joined_xml(first: bytes, second: bytes) -> bytes:
    """Return one document with everything that stands below the roots of two, signatures by identifier included."""
    root = etree.fromstring(first)
    root.extend(list(etree.fromstring(second)))
    return bytes(etree.tostring(root))
