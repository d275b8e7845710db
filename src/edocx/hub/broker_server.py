"""The configuration of a NATS server that mail may be trusted to: what `edocx hub nats-config` prints. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_PAYLOAD = 8 * 1024 * 1024
"""Bytes of one message (NATS advises no more); larger contents go through the object store anyway."""

PASSWORD_VARIABLE = "EDOCX_NATS_PASSWORD"  # noqa: S105 - a variable's name
"""The server reads the password from its environment, so that it stands in no file of ours."""


@dataclass(frozen=True, slots=True)
class ServerPlan:
    """One NATS server.

    Attributes:
        name: its own, different at each server.
        listen: ``host:port`` for clients.
        store: folder of its streams, on a disk of its own.
        monitor: ``host:port`` for monitoring, or "".
        cluster: name of the cluster, or "" for a server alone.
        cluster_listen: ``host:port`` for the other servers of the cluster.
        routes: ``host:port`` of all servers of the cluster.
        domain: the JetStream domain: one for each province, one for the nation.
        leaf_listen: ``host:port`` for leaf nodes of other domains, or "".
        leaf_remotes: ``host:port`` of the servers above that this one joins as a leaf node.
        user: the user that hubs and offices are known by, or "".
        certificate: PEM file with the server's certificate, or None for plain connections on one machine.
        key: PEM file with its key.
        ca: PEM file with the authority by which callers' and other servers' certificates are checked.
    """

    name: str
    listen: str
    store: Path
    monitor: str = ""
    cluster: str = ""
    cluster_listen: str = ""
    routes: tuple[str, ...] = ()
    domain: str = ""
    leaf_listen: str = ""
    leaf_remotes: tuple[str, ...] = ()
    user: str = ""
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None


def server_config(plan: ServerPlan) -> str:
    """Return the text of a server's configuration file."""
    lines = [
        f"server_name: {_quoted(plan.name)}",
        f"listen: {_quoted(plan.listen)}",
        *([f"http: {_quoted(plan.monitor)}"] if plan.monitor else []),
        f"max_payload: {MAX_PAYLOAD}",
        "",
        "jetstream {",
        f"  store_dir: {_quoted(str(plan.store))}",
        *([f"  domain: {_quoted(plan.domain)}"] if plan.domain else []),
        "  # By default JetStream acknowledges first and writes to disk up to two minutes later.",
        "  sync_interval: always",
        "}",
    ]
    if plan.user:
        words = f"user: {_quoted(plan.user)}, password: ${PASSWORD_VARIABLE}"
        lines += ["", f"authorization {{ {words} }}"]
    if plan.certificate is not None:
        lines += ["", *_tls(plan, "")]
    if plan.cluster:
        lines += [
            "",
            "cluster {",
            f"  name: {_quoted(plan.cluster)}",
            f"  listen: {_quoted(plan.cluster_listen)}",
            f"  routes: {_urls('nats-route', plan.routes)}",
            *_tls(plan, "  "),
            "}",
        ]
    if plan.leaf_listen or plan.leaf_remotes:
        lines += ["", "leafnodes {"]
        # Leaf nodes use the addresses that were written down for them, and no others.
        lines += [f"  listen: {_quoted(plan.leaf_listen)}", "  no_advertise: true"] if plan.leaf_listen else []
        if plan.leaf_remotes:
            # A partition ends within seconds of its cause.
            lines += ["  reconnect: 1", f"  remotes: [ {{ urls: {_urls(_leaf_scheme(plan), plan.leaf_remotes)} }} ]"]
        lines += [*(_tls(plan, "  ") if plan.leaf_listen else []), "}"]
    return "\n".join(lines) + "\n"


def _tls(plan: ServerPlan, indent: str) -> list[str]:
    if plan.certificate is None or plan.key is None:
        return []
    files = [f"cert_file: {_quoted(str(plan.certificate))}", f"key_file: {_quoted(str(plan.key))}"]
    files += [f"ca_file: {_quoted(str(plan.ca))}", "verify: true"] if plan.ca else []
    return [f"{indent}tls {{ {', '.join(files)} }}"]


def _leaf_scheme(plan: ServerPlan) -> str:
    return "tls" if plan.certificate is not None else "nats-leaf"


def _urls(scheme: str, places: Sequence[str]) -> str:
    return json.dumps([f"{scheme}://{place}" for place in places])


def _quoted(text: str) -> str:
    # JSON's strings are those of NATS' own syntax too.
    return json.dumps(text, ensure_ascii=False)
