"""Who may sign what: with a registry, a signatory's mandates decide before the key is used and before the seal."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from edocx.documents import DocumentKind
from edocx.errors import SigningRefused
from edocx.testing import scene
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        yield made


def give(net: Network, capacity: str) -> None:
    """Give the director another right to sign, from the beginning."""
    place: Path = net.folder / "offices" / "registry.csv"
    with place.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row in rows:
        if row["kind"] == "person":
            row["capacity"] = capacity
    with place.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


def drafted(net, kind="Công văn", capacity="TM."):
    path, layout = scene.write_letter(net.folder)
    draft = scene.draft(path, layout)
    signatory = draft.signatory.model_copy(update={"capacity": type(draft.signatory.capacity)(capacity)})
    return draft.model_copy(update={"kind": DocumentKind.parse(kind), "signatory": signatory})


@pytest.mark.parametrize(
    "held, kind, capacity",
    [
        ("KT.", "Công văn", "TM."),
        ("KT.(QĐ)", "Công văn", "KT."),
        ("TL.|TUQ.(TB)", "Quyết định", "TUQ."),
        ("TM.", "Công văn", "KT."),
        ("TL.", "Công văn", ""),
    ],
)
def test_a_person_without_a_mandate_for_it_does_not_sign(net, held, kind, capacity):
    give(net, held)
    commune = net.office(scene.COMMUNE)
    with pytest.raises(SigningRefused) as caught:
        commune.approve(drafted(net, kind, capacity), by="director")
    assert caught.value.code == "EDX-SIGNATORY-NOT-ENTITLED"
    with commune.store.read() as transaction:
        assert transaction.documents.in_state() == ()


@pytest.mark.parametrize(
    "held, kind, capacity",
    [
        ("KT.(QĐ CV)", "Công văn", "KT."),
        ("TL.|TUQ.(TB)", "Thông báo", "TUQ."),
        ("TM.", "Quyết định", ""),
        ("", "Quyết định", "TM."),
    ],
)
def test_a_mandate_for_kind_and_capacity_signs(net, held, kind, capacity):
    give(net, held)
    assert net.office(scene.COMMUNE).approve(drafted(net, kind, capacity), by="director").by == "director"


def test_a_seal_needs_a_signatory_who_was_entitled(net):
    """The check before the seal holds on its own: what was approved under another registry is not sealed."""
    approved = net.office(scene.COMMUNE).approve(drafted(net), by="director", draft_id="d1")
    net.close()
    give(net, "KT.(QĐ)")
    with Network.four_levels(net.folder) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(SigningRefused, match="EDX-SIGNATORY-NOT-ENTITLED"):
            commune.issue(commune.approved(approved.id), seal="agency")
        assert commune.documents() == ()


def swap_key(net, code, name, other):
    """Put another office's key where this one's was, as a mix-up would."""
    offices = net.folder / "offices"
    (offices / code / f"{name}.p12").write_bytes((offices / other / f"{name}.p12").read_bytes())


def test_another_units_key_seals_nothing_and_nothing_is_sent(net):
    document = net.sample()
    net.close()
    swap_key(net, scene.COMMUNE, "agency", "G22")
    with Network.four_levels(net.folder) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(SigningRefused, match="EDX-SIGNER-FOREIGN"):
            commune.send(document, to=["H58.12"])
        again.run_until_quiet()
        assert again.office("H58.12").inbox_count() == 0


def test_another_units_key_does_not_seal_a_document_either(net):
    path, layout = scene.write_letter(net.folder)
    net.office(scene.COMMUNE).approve(scene.draft(path, layout), by="director", draft_id="thu-1")
    net.close()
    swap_key(net, scene.COMMUNE, "agency", "H58.12")
    with Network.four_levels(net.folder) as again:
        commune = again.office(scene.COMMUNE)
        with pytest.raises(SigningRefused, match="EDX-SIGNER-FOREIGN"):
            commune.issue(commune.approved("thu-1"), seal="agency")
        assert commune.documents() == ()
