"""The measuring of the axis itself: its light client speaks as a hub wants to be spoken to."""

from __future__ import annotations

import json

import pytest
from hub_scene import enrol

from edocx.cli import bench_axis
from edocx.cli.bench_axis_load import RECEIVER, SENDER, Speaker, flood, letter, lines, paced
from edocx.content import Blob
from edocx.hub import NewAgency


def test_the_light_client_sends_and_fetches(hub, address, tmp_path):
    secrets = {code: f"s-{code}" for code in (SENDER, RECEIVER)}
    enrol(hub, *(NewAgency(code, code) for code in secrets), secrets=secrets)
    sender, receiver = (Speaker(code, secret) for code, secret in secrets.items())
    edxml = letter(Blob.from_bytes(b"noi dung"), tmp_path).read_bytes()
    with lines(address, 3) as opened:
        assert flood(opened, [sender.sending(edxml, number) for number in range(12)]) > 0
        late = paced(opened, [sender.sending(edxml, 100 + number) for number in range(6)], 200)
        assert len(late) == 6
        rows = json.loads(opened[0].call(receiver.request("getReceivedEdocList", messagetype="edoc")))["data"]
        assert len({row["edxDocumentId"] for row in rows}) == 18
        assert opened[0].drained(receiver.request("downloadEdoc", method="GET", docId=rows[0]["docId"])) == len(edxml)
        with pytest.raises(RuntimeError, match="401"):
            opened[0].call(Speaker(SENDER, "sai").request("getAgenciesList"))


@pytest.mark.slow
def test_every_figure_is_measured():
    figures = bench_axis.run(quick=True)
    assert len(figures) == 7
    assert all(one["value"] > 0 and one["goal"] for one in figures)
