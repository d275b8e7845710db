"""The NATS servers themselves: the configuration that is shipped, what doctor says of them, TLS and passwords."""

from __future__ import annotations

import json

import pytest
from hub_broker_scene import require_nats
from typer.testing import CliRunner

from edocx.cli.hub import app as hub_command
from edocx.errors import Text, TransportUnavailable, UsageError
from edocx.hub import HubConfig
from edocx.hub.broker_doctor import examine_servers
from edocx.hub.broker_server import ServerPlan, server_config
from edocx.hub.broker_settings import BrokerConfig
from edocx.routing.transport.nats_line import NatsLine, NatsSettings
from edocx.testing.nats_servers import NatsServers
from edocx.testing.pki import Pki

require_nats()


def grades(config):
    return [grade for grade, text in examine_servers(config) if isinstance(text, Text)]


def test_doctor_trusts_a_server_that_acknowledges_what_is_on_disk_and_no_other(tmp_path):
    with NatsServers(tmp_path / "safe") as safe, NatsServers(tmp_path / "unsafe", unsynced=True) as unsafe:
        told = {"replicas": 1, "servers": safe.urls}
        assert grades(BrokerConfig(**told, monitors=safe.monitors)) == ["ok"]
        assert grades(BrokerConfig(**told, monitors=unsafe.monitors)) == ["error"]
        assert grades(BrokerConfig(**told, monitors=unsafe.monitors, unsynced=True)) == ["warning"]
        safe.kill(0)
        assert grades(BrokerConfig(**told, monitors=safe.monitors)) == ["error"]
    assert grades(BrokerConfig(servers=("nats://127.0.0.1:4222",))) == ["error"]


def test_hub_doctor_exits_with_1_over_a_server_that_may_lose_what_it_acknowledged(tmp_path):
    with NatsServers(tmp_path / "unsafe", unsynced=True) as unsafe:
        settings = tmp_path / "hub.toml"
        broker = f"servers = {json.dumps(unsafe.urls)}\nmonitors = {json.dumps(unsafe.monitors)}\nreplicas = 1\n"
        settings.write_text(f'unit = "H58"\n[broker]\n{broker}', "utf-8")
        found = CliRunner().invoke(hub_command, ["doctor", "--config", str(settings), "--json"])
        assert found.exit_code == 1
        assert [row["grade"] for row in json.loads(found.stdout)["checks"] if row["name"] == "broker"] == ["error"]
        settings.write_text(f'unit = "H58"\n[broker]\n{broker}unsynced = true\n', "utf-8")
        assert CliRunner().invoke(hub_command, ["doctor", "--config", str(settings)]).exit_code == 0


def test_the_printed_configuration_is_one_that_doctor_trusts():
    made = CliRunner().invoke(hub_command, ["nats-config", "--domain", "H58", "--user", "edocx"])
    assert made.exit_code == 0
    assert "sync_interval: always" in made.stdout
    assert "password: $EDOCX_NATS_PASSWORD" in made.stdout
    assert 'domain: "H58"' in made.stdout


def test_a_server_on_a_network_is_not_configured_without_tls():
    made = CliRunner().invoke(hub_command, ["nats-config", "--host", "10.0.0.1"])
    assert isinstance(made.exception, UsageError)
    assert made.exception.code == "EDX-NATS-TLS"


def test_a_name_in_the_configuration_cannot_add_settings_to_it(tmp_path):
    text = server_config(ServerPlan(name='n1"\nsync_interval: 2m #', listen="127.0.0.1:4222", store=tmp_path))
    assert [line.strip() for line in text.splitlines() if "sync_interval:" in line and "\\n" not in line] == [
        "sync_interval: always"
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"servers": []},
        {"servers": ["nats://nats.example:4222"]},
        {"servers": ["tls://u:p@nats.example:4222"]},
        {"servers": ["tls://nats.example:4222"], "replicas": 2},
    ],
)
def test_settings_that_would_send_mail_in_clear_or_keep_it_badly_are_refused(wrong):
    with pytest.raises(ValueError, match="broker"):
        HubConfig(unit="H58", broker=wrong)


def test_a_peer_by_nats_needs_a_broker():
    with pytest.raises(ValueError, match="no \\[broker\\]"):
        HubConfig(unit="H58", peers=({"code": "hub.G22", "endpoint": "nats"},))


def test_tls_and_password_are_checked_on_both_sides(tmp_path):
    pki, stranger = Pki.create(key="p256"), Pki.create(key="p256")
    device = pki.issue_device("nats", hosts=["localhost"])
    certificate, key = tmp_path / "server.pem", tmp_path / "server.key"
    certificate.write_bytes(device.certificate_pem)
    key.write_bytes(device.private_key_pem())
    for made, name in ((pki, "ca"), (stranger, "stranger")):
        made.save_trust(tmp_path / name)
    told = {"user": "edocx", "password": "mật-khẩu-thử", "certificate": certificate, "key": key}
    with NatsServers(tmp_path / "nats", **told) as server:

        def connect(ca, password):
            line = NatsLine(NatsSettings(server.urls, user="edocx", ca=tmp_path / ca / "root.crt"), lambda _: password)
            try:
                return line.run(line.inline_limit())
            finally:
                line.close()

        assert connect("ca", "mật-khẩu-thử") > 0
        for ca, password in (("ca", "sai"), ("stranger", "mật-khẩu-thử")):
            with pytest.raises(TransportUnavailable) as caught:
                connect(ca, password)
            assert "mật-khẩu-thử" not in str(caught.value)
