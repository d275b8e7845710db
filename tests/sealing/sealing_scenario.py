"""A workshop that seals envelopes with a key of its own PKI."""

from __future__ import annotations

from datetime import UTC, datetime

from edocx.envelope.write import compose
from edocx.sealing import seal
from edocx.signing.judgement import Criteria
from edocx.signing.keys import open_signer
from edocx.signing.trust import TrustStore
from edocx.testing import Pki

AT = datetime(2023, 6, 15, 2, 0, tzinfo=UTC)


class Workshop:
    """Seals envelopes with a key of its own PKI."""

    def __init__(self, folder, key):
        self.folder = folder
        self.pki = Pki.create(key=key)
        self.agency = self.pki.issue_organisation("ỦY BAN NHÂN DÂN XÃ BÌNH ĐỨC")
        self.agency.save(folder / "agency.p12")
        self.pki.save_trust(folder / "trust")
        self.signer = open_signer(f"file:{folder / 'agency.p12'}")
        self.criteria = Criteria(TrustStore.from_path(folder / "trust"), AT)

    def write(self, envelope, name="sealed.edxml"):
        skeleton = compose(envelope)
        seal(skeleton, self.signer, at=AT)
        path = self.folder / name
        skeleton.save(path)
        return path
