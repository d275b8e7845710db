"""The settings of an office: each fault named with its line and remedy; axes over HTTP, servers, timestamps."""

from __future__ import annotations

import pytest

from edocx.errors import KeyFileError, Text, Unavailable, UsageError
from edocx.office import Office, OfficeConfig
from edocx.routing.transport.axis import AxisTransport
from edocx.signing.pdf.verify import verify_pdf
from edocx.signing.timestamp import Rfc3161
from edocx.testing import scene
from edocx.testing.network import Network
from edocx.testing.pki import Pki
from edocx.testing.tsa import Tsa

WHOLE = """\
# office
unit = "H58.12.01"
name = "Ủy ban nhân dân xã Bình Đức"
store = "office.db"
axis = "local:../axis.db"
trust = ["trust"]

[signers.agency]
key = "file:agency.p12"
role = "organisation"
"""


def written(tmp_path, text):
    (tmp_path / "trust").mkdir(exist_ok=True)
    path = tmp_path / "office.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "old, new, line, hint",
    [
        ('unit = "H58.12.01"', 'unit = "Н58"', 2, "H58.12.01"),
        ('store = "office.db"', 'store = "postgresql://a:mat-khau@host/db"', 4, "without a password"),
        ('axis = "local:../axis.db"', 'axis = "ftp://x"', 5, "https://"),
        ('role = "organisation"', 'role = "boss"', 10, "organisation"),
        ('key = "file:agency.p12"\n', "", 8, "key, role"),
        ("# office", "colour = 1", 1, "documentation"),
        ("# office", "", 1, None),
        ('trust = ["trust"]', 'trust = ["trust"]\nregistry = "nowhere.csv"', 7, "nowhere.csv"),
        ('trust = ["trust"]', 'trust = ["trust"', 8, "line 8"),
        ("[signers.agency]", '[timestamp]\nservices = ["tsa"]\n[signers.agency]', 9, "services"),
        ("[signers.agency]", "[axis_line]\nplain = true\n[signers.agency]", 9, "plain_http"),
    ],
)
def test_a_fault_is_named_with_its_line_and_remedy(tmp_path, old, new, line, hint):
    path = written(tmp_path, WHOLE.replace(old, new))
    if hint is None:
        assert OfficeConfig.from_path(path).place == tmp_path / "office.db"
        return
    with pytest.raises(UsageError) as caught:
        OfficeConfig.from_path(path)
    assert caught.value.where == f"{path}:{line}"
    assert hint in caught.value.hint.en
    assert caught.value.hint.vi
    assert "mat-khau" not in f"{caught.value}"


def test_a_store_on_a_server_needs_a_folder_beside_it(tmp_path):
    text = WHOLE.replace('"office.db"', '"postgresql://office@host/office"')
    with pytest.raises(UsageError, match="EDX-CONFIG-SETTING") as caught:
        OfficeConfig.from_path(written(tmp_path, text))
    assert "store_folder" in caught.value.hint.en
    config = OfficeConfig.from_path(written(tmp_path, f'store_folder = "data"\n{text}'))
    assert (config.on_server, config.place) == (True, tmp_path / "data" / "office")


def test_the_settings_come_back_from_their_own_text(tmp_path):
    text = f'{WHOLE}[timestamp]\nservices = ["https://tsa.example.vn"]\nlevel = "B-T"\n[axis_line]\nsystem = "H58"\n'
    config = OfficeConfig.from_path(written(tmp_path, text))
    again = OfficeConfig.from_path(written(tmp_path, config.to_toml()))
    assert again == config
    assert again.timestamp.level == "B-T"


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        yield made


def settings_of(net, *lines, **changed):
    path = net.folder / "offices" / scene.COMMUNE / "office.toml"
    text = path.read_text(encoding="utf-8")
    for name, value in changed.items():
        text = "\n".join(f"{name} = {value}" if row.startswith(f"{name} =") else row for row in text.splitlines())
    path.write_text("\n".join([text, *lines]), encoding="utf-8")
    return OfficeConfig.from_path(path)


def test_an_axis_over_http_is_reached_with_the_secret_that_was_given(net):
    config = settings_of(net, axis='"https://truc.example.vn"')
    asked = []

    def secret(name):
        asked.append(name)
        return "bi-mat"

    with Office.open(config, clock=net.clock, directory=net.directory, secrets=secret) as office:
        assert isinstance(office._desk.transport, AxisTransport)
        assert asked == ["axis:https://truc.example.vn"]
        assert "bi-mat" not in repr(office._desk)
    with pytest.raises(UsageError, match="EDX-AXIS-SECRET"):
        Office.open(config, clock=net.clock, directory=net.directory)


def test_plain_http_to_another_machine_is_refused_unless_switched_on_by_name(net):
    config = settings_of(net, axis='"http://truc.example.vn"')
    with pytest.raises(UsageError, match="EDX-AXIS-ENDPOINT"):
        Office.open(config, clock=net.clock, directory=net.directory, secrets=lambda _: "x")
    allowed = settings_of(net, "[axis_line]", "plain_http = true")
    Office.open(allowed, clock=net.clock, directory=net.directory, secrets=lambda _: "x").close()
    assert allowed.axis_line.plain_http


class Stamps:
    """A time-stamping service of the test's own authority, away until it is back."""

    def __init__(self, net):
        pki = Pki.create(key="p256")
        pki.save_trust(net.folder / "offices" / "stamps")
        self.away = True
        service = Tsa(pki)
        self._inner = Rfc3161("test", lambda request: service.answer(request, net.clock.now()))

    name, room = "test", 10_240

    def timestamp(self, digest, hash_name):
        if self.away:
            raise Unavailable(Text("Vắng.", "Away."), hint=Text("Chờ.", "Wait."), code="EDX-TSA-AWAY", retryable=True)
        return self._inner.timestamp(digest, hash_name)


def office_with(net, stamps, *lines):
    table = ["[timestamp]", 'services = ["https://tsa.example.vn"]', "online = false", *lines]
    config = settings_of(net, *table, trust='["../trust", "../stamps"]')
    return Office.open(config, clock=net.clock, directory=net.directory, transport=net.axis, timestamps=stamps)


def issued(net, office):
    path, layout = scene.write_letter(net.folder)
    return office.issue(office.approve(scene.draft(path, layout), by="director", draft_id="d1"), seal="agency")


def owed(office):
    return [one.where for one in office.doctor() if one.code == "EDX-DOCTOR-LEVEL-OWED"]


def levels(office, document):
    return [one.level for one in verify_pdf(document.pdf, office._desk.criteria).signatures]


def test_a_document_is_sealed_at_the_level_of_the_settings(net):
    stamps = Stamps(net)
    stamps.away = False
    with office_with(net, stamps, 'level = "B-LT"') as office:
        document = issued(net, office)
        assert "B-LT" in levels(office, document)
        assert owed(office) == []


def test_a_level_that_could_not_be_had_is_owed_and_reached_when_a_service_returns(net):
    stamps = Stamps(net)
    with office_with(net, stamps, 'level = "B-LT"', 'on_failure = "later"') as office:
        document = issued(net, office)
        assert set(levels(office, document)) == {"B-B"}
        assert owed(office) == ["d1"]
        office.work()
        stamps.away = False
        office.work()
        assert office.document("d1").sha256 == document.sha256, "it is not tried again at once"
        net.clock.advance(minutes=2)
        office.work()
        lifted = office.document("d1")
        assert "B-LT" in levels(office, lifted)
        assert lifted.pdf.read_bytes()[:1000] == document.pdf.read_bytes()[:1000]
        assert owed(office) == []
        with office.store.read() as transaction:
            assert sum('"event":"document.lifted"' in line for line in transaction.journal_lines()) == 1


def test_an_office_that_must_not_wait_refuses_to_issue_and_keeps_the_number(net):
    stamps = Stamps(net)
    with office_with(net, stamps, 'on_failure = "fail"') as office:
        with pytest.raises(Unavailable, match="EDX-TSA-AWAY"):
            issued(net, office)
        assert office.documents() == ()
        stamps.away = False
        assert issued(net, office).number.number == "01"


NATS = WHOLE.replace('"local:../axis.db"', '"tls://nats1.example.vn:4222"')
LGSP = WHOLE.replace('"local:../axis.db"', '"lgsp+https://lgsp.example.vn"')


@pytest.mark.parametrize(
    "text, line, hint",
    [
        (NATS, 5, "hub"),
        (f'{NATS}[axis_line]\nuser = "office"\n', 11, "hub"),
        (f'{NATS}[axis_line]\nhub = "H58"\nservers = ["nats://nats2.example.vn:4222"]\n', 11, "servers"),
        (f'{NATS}[axis_line]\nhub = "H58.>"\n', 11, "hub"),
        (NATS.replace("tls://", "nats://") + '[axis_line]\nhub = "H58"\n', 11, "hub"),
        (NATS.replace("tls://", "tls://an:mat-khau@"), 5, "without a password"),
        (LGSP, 5, "user"),
        (LGSP.replace("lgsp+https://", "lgsp+https://an:mat-khau@"), 5, "without a password"),
        (f'{LGSP}[axis_line]\nuser = "xa"\nhub = "H58"\n', 11, "user"),
        (f'{WHOLE}[axis_line]\nhub = "H58"\n', 11, "hub"),
        (f'{LGSP}[axis_line]\nuser = "xa"\nca = "khong-co.pem"\n', 13, "khong-co.pem"),
    ],
)
def test_what_a_line_lacks_or_cannot_have_is_named_with_its_line(tmp_path, text, line, hint):
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        OfficeConfig.from_path(path)
    assert caught.value.where == f"{path}:{line}"
    assert hint in caught.value.hint.en
    assert caught.value.hint.vi
    assert "mat-khau" not in f"{caught.value}"


@pytest.mark.parametrize("kind", ["nats", "lgsp"])
def test_an_axis_over_nats_or_lgsp_is_reached_with_the_secrets_that_were_given(net, kind):
    from edocx.routing.transport.lgsp import LgspTransport
    from edocx.routing.transport.nats import NatsTransport

    axis, line, transport = {
        "nats": ("tls://nats1.example.vn:4222", ['hub = "H58"', 'user = "office"'], NatsTransport),
        "lgsp": ("lgsp+https://lgsp.example.vn", ['user = "xa"'], LgspTransport),
    }[kind]
    config = settings_of(net, "[axis_line]", *line, axis=f'"{axis}"')
    given = {f"axis:{axis}": "bi-mat", f"axis-password:{axis}": "mat-khau"}
    told = {"clock": net.clock, "directory": net.directory}
    with Office.open(config, secrets=given.get, **told) as office:
        assert type(office._desk.transport) is transport
        assert "mat-khau" not in repr(office._desk)
    for name, variable in ((f"axis:{axis}", "EDOCX_AXIS_SECRET"), (f"axis-password:{axis}", "EDOCX_AXIS_PASSWORD")):
        short = {key: value for key, value in given.items() if key != name}
        with pytest.raises(UsageError, match="EDX-AXIS-SECRET") as caught:
            Office.open(config, secrets=short.get, **told)
        assert variable in caught.value.hint.en


def test_the_settings_of_a_line_come_back_from_their_own_text(tmp_path):
    text = f'{NATS}[axis_line]\nhub = "H58"\nservers = ["tls://nats2.example.vn:4222"]\nuser = "office"\n'
    config = OfficeConfig.from_path(written(tmp_path, text))
    assert config.axis_kind == "nats"
    assert OfficeConfig.from_path(written(tmp_path, config.to_toml())) == config


def test_a_certificate_of_the_line_that_cannot_be_read_is_named(net):
    (net.folder / "offices" / scene.COMMUNE / "ca.pem").write_text("không phải PEM", encoding="utf-8")
    config = settings_of(net, "[axis_line]", 'ca = "ca.pem"', axis='"https://truc.example.vn"')
    with pytest.raises(KeyFileError, match="EDX-AXIS-CERTIFICATE"):
        Office.open(config, clock=net.clock, directory=net.directory, secrets=lambda _: "x")
