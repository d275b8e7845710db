"""The room kept for a signature: whatever stands there beside the CMS is covered by nobody."""

from __future__ import annotations

import re

import pytest

from edocx.signing.judgement import Criteria
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.report import Indication, Integrity
from edocx.testing.network import Network


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    with Network.four_levels(tmp_path_factory.mktemp("room") / "net") as net:
        yield net.sample().pdf.read_bytes(), net.trust, net.clock.now()


def test_foreign_bytes_in_a_signatures_room_leave_the_verdict_open(sealed, tmp_path):
    data, trust, now = sealed
    path = tmp_path / "room.pdf"
    places = [match.start(1) for match in re.finditer(rb"/Contents\s*<[0-9a-fA-F]+?((?:00){200,})>", data)]
    assert len(places) == 2
    for place in places:
        forged = bytearray(data)
        forged[place + 100 : place + 104] = b"cafe"
        path.write_bytes(forged)
        report = verify_pdf(path, Criteria(trust, now))
        assert report.indication is not Indication.TOTAL_PASSED
        codes = {m.code for m in report.messages} | {m.code for s in report.signatures for m in s.messages}
        assert codes & {"EDX-PDF-PADDING", "EDX-PDF-DIGEST"}
        assert report.integrity in {Integrity.PARTIAL, Integrity.INVALID}
