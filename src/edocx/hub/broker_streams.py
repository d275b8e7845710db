"""What a hub keeps at the NATS servers: one stream, four consumers, two object buckets; made when missing."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from edocx.hub.broker_settings import BrokerConfig
from edocx.routing.transport.nats_subjects import LANES, bucket_name, mail_subject, stream_name, talk_subject

if TYPE_CHECKING:
    from nats.js import JetStreamContext

ACK_WAIT = 60.0
"""Seconds until a message that nobody acknowledged is delivered again: its reader died."""

MOST_UNDER_WAY = 1_024
"""Messages of one consumer delivered and not acknowledged."""

CALLS_KEPT = 86_400.0
"""Seconds for which the contents of calls are kept at most: a caller that died leaves some behind."""


async def ensure(js: JetStreamContext, config: BrokerConfig, unit: str) -> bool:
    """Make stream, consumers and buckets of the hub of a unit where they are missing; tell whether the stream was."""
    api, errors = import_module("nats.js.api"), import_module("nats.js.errors")
    lost = False
    try:
        await js.stream_info(stream_name(unit))
    except errors.NotFoundError:
        await js.add_stream(_stream(api, config, unit))
        lost = True
    for consumer in _consumers(api, unit):
        await js.add_consumer(stream_name(unit), consumer)
    for use, ttl in (("mail", None), ("calls", CALLS_KEPT)):
        bucket = bucket_name(unit, use)
        try:
            await js.object_store(bucket)
        except errors.NotFoundError:
            await js.create_object_store(
                bucket,
                config=api.ObjectStoreConfig(
                    bucket=bucket, ttl=ttl, storage=api.StorageType.FILE, replicas=config.replicas
                ),
            )
    return lost


def _stream(api: Any, config: BrokerConfig, unit: str) -> Any:
    return api.StreamConfig(
        name=stream_name(unit),
        subjects=[mail_subject(unit, "*"), talk_subject(unit)],
        # What was acknowledged is gone: the databases remember.
        retention=api.RetentionPolicy.WORK_QUEUE,
        storage=api.StorageType.FILE,
        num_replicas=config.replicas,
        duplicate_window=config.window_seconds,
        # A full stream refuses: mail then waits in the database of whoever sends it.
        discard=api.DiscardPolicy.NEW,
    )


def _consumers(api: Any, unit: str) -> list[Any]:
    subjects = {lane: mail_subject(unit, lane) for lane in LANES} | {"talk": talk_subject(unit)}
    return [
        api.ConsumerConfig(
            durable_name=name,
            filter_subject=subject,
            ack_policy=api.AckPolicy.EXPLICIT,
            ack_wait=ACK_WAIT,
            max_ack_pending=MOST_UNDER_WAY,
        )
        for name, subject in subjects.items()
    ]
