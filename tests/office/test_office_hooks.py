"""Hooks hear of what is on disk, by ids, and spoil nothing; the shipped ones log, count and trace."""

from __future__ import annotations

import sys
from contextlib import nullcontext

import pytest

from edocx.errors import UsageError
from edocx.office.hooks import MessageEvent, NumberEvent, ParcelEvent, StatusEvent, named
from edocx.testing import scene
from edocx.testing.faults import Crash, Faults
from edocx.testing.network import Network


@pytest.fixture
def net(tmp_path):
    with Network.four_levels(tmp_path / "net") as made:
        yield made


class Ear:
    def __init__(self):
        self.heard, self.verbs = [], []

    def happened(self, event):
        self.heard.append(event)

    def around(self, verb):
        self.verbs.append(verb)
        return nullcontext()


def test_every_event_is_told_once_in_order_and_typed(net):
    commune, ear = net.office(scene.COMMUNE), Ear()
    commune.add_hook(ear)
    document = net.sample()
    commune.send(document, to=["G22"])
    net.run_until_quiet()
    with commune.store.read() as transaction:
        lines = [line.split('"event":"')[1].split('"')[0] for line in transaction.journal_lines()]
    assert [event.name for event in ear.heard] == lines
    assert ear.verbs[:3] == ["approve", "issue", "send"]
    by_name = {event.name: event for event in ear.heard}
    assert isinstance(by_name["number.issued"], NumberEvent)
    assert isinstance(by_name["parcel.sent"], ParcelEvent)
    assert isinstance(by_name["message.applied"], MessageEvent)
    status = by_name["status.recorded"]
    assert isinstance(status, StatusEvent)
    assert (status.code, status.basis, status.document_id) == ("01", "seal", str(document.id))


def test_nothing_is_told_of_what_is_not_on_disk(tmp_path):
    faults, ear = Faults(), Ear()
    with Network.four_levels(tmp_path / "net", faults=faults) as net:
        commune, document = net.office(scene.COMMUNE), net.sample()
        commune.add_hook(ear)
        faults.fail("store.commit.before:send", Crash())
        with pytest.raises(Crash):
            commune.send(document, to=["G22"])
        assert ear.heard == []


def test_a_hook_that_fails_spoils_nothing_and_is_logged_without_content(net, caplog):
    class Broken(Ear):
        def happened(self, event):
            raise ValueError("bí mật")

        def around(self, verb):
            raise ValueError("bí mật")

    commune = net.office(scene.COMMUNE)
    commune.add_hook(Broken())
    commune.send(net.sample(), to=["G22"])
    net.run_until_quiet()
    assert net.office("G22").inbox_count() == 1
    assert "Broken failed: ValueError" in caplog.text
    assert "bí mật" not in caplog.text


def test_the_log_has_ids_and_no_content(net):
    structlog = pytest.importorskip("structlog")
    from structlog.testing import capture_logs

    commune = net.office(scene.COMMUNE)
    structlog.reset_defaults()
    with capture_logs() as logs:
        commune.add_hook(named("logging"))
        commune.send(net.sample(), to=["G22"])
        commune.work()
    assert {"document.issued", "parcel.queued", "parcel.sent"} <= {line["event"] for line in logs}
    text = repr(logs)
    for content in (scene.SUBJECT, scene.SIGNATORY.full_name, "Bình Đức"):
        assert content not in text


def test_metrics_count_events_and_time_verbs(net):
    prometheus = pytest.importorskip("prometheus_client")
    from edocx.office.hook_metrics import MetricsHook

    registry = prometheus.CollectorRegistry()
    for code in (scene.COMMUNE, "G22"):
        net.office(code).add_hook(MetricsHook(registry))
    net.office(scene.COMMUNE).send(net.sample(), to=["G22"])
    net.run_until_quiet()
    sent = {"office": scene.COMMUNE, "event": "parcel.sent"}
    assert registry.get_sample_value("edocx_office_events_total", sent) == 1
    came = {"office": "G22", "event": "message.presented"}
    assert registry.get_sample_value("edocx_office_events_total", came) == 1
    assert registry.get_sample_value("edocx_office_verb_seconds_count", {"verb": "send"}) == 1


def test_verbs_are_spans_with_their_events(net):
    pytest.importorskip("opentelemetry.sdk")
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    from edocx.office.hook_tracing import TracingHook

    kept, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    commune = net.office(scene.COMMUNE)
    commune.add_hook(TracingHook(provider))
    commune.send(net.sample(), to=["G22"])
    spans = {span.name: span for span in kept.get_finished_spans()}
    assert {"edocx.office.approve", "edocx.office.issue", "edocx.office.send"} <= set(spans)
    assert [event.name for event in spans["edocx.office.send"].events] == ["parcel.queued"]
    provider.shutdown()


def test_a_hook_whose_library_is_missing_says_what_to_install(monkeypatch):
    monkeypatch.delitem(sys.modules, "edocx.office.hook_logging", raising=False)
    monkeypatch.setitem(sys.modules, "structlog", None)
    with pytest.raises(UsageError, match="EDX-HOOK-EXTRA") as caught:
        named("logging")
    assert "edocx[logging]" in caught.value.hint.en
    with pytest.raises(UsageError, match="EDX-HOOK-UNKNOWN"):
        named("telepathy")


def test_an_office_loads_no_hooks_library_by_itself():
    import subprocess

    script = (
        "import sys, edocx.office.office\nprint({'structlog', 'prometheus_client', 'opentelemetry'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_an_office_that_serves_ends_when_told_and_survives_a_store_that_is_busy(tmp_path):
    from datetime import timedelta

    from edocx.errors import StoreUnavailable, Text

    busy = StoreUnavailable(Text("Bận.", "Busy."), hint=Text("Chờ.", "Wait."), code="EDX-STORE-LOCKED", retryable=True)
    faults, rounds = Faults(), []
    with Network.four_levels(tmp_path / "net", faults=faults) as net:
        commune = net.office(scene.COMMUNE)
        commune.send(net.sample(), to=["G22"])
        faults.fail("store.commit.before:claim", busy)

        def told(progress):
            rounds.append((progress.sent, progress.faults))
            net.clock.advance(minutes=2)  # past the lease of the round that failed
            if progress.sent:
                commune.stop()

        commune.serve(every=timedelta(milliseconds=1), told=told)
        assert rounds[0] == (0, ("EDX-STORE-LOCKED",))
        assert rounds[-1] == (1, ())
        assert len(net.axis.pending("G22")) == 1
