"""``edocx hub nats-config``: the configuration of a NATS server that mail between hubs may be trusted to."""

from __future__ import annotations

from pathlib import Path

import typer

from edocx.errors import Text, UsageError

_PORTS = {"listen": 4222, "cluster": 6222, "monitor": 8222, "leaf": 7422}


def nats_config(
    name: str = typer.Option("n1", "--name", help="Tên máy chủ, mỗi máy một tên / this server's own name."),
    host: str = typer.Option("127.0.0.1", "--host", help="Địa chỉ của máy này / this machine's address."),
    store: Path = typer.Option(Path("/var/lib/nats"), "--store", help="Thư mục dữ liệu / folder of the streams."),
    cluster: list[str] = typer.Option(
        None, "--cluster", metavar="HOST", help="Các máy của cụm, kể cả máy này / every machine of the cluster."
    ),
    domain: str = typer.Option("", "--domain", help="Miền JetStream: mỗi tỉnh một miền / one for each province."),
    above: list[str] = typer.Option(
        None, "--above", metavar="HOST", help="Máy chủ cấp trên để nối làm nút lá / join these as a leaf node."
    ),
    user: str = typer.Option("", "--user", help="Tên người dùng; mật khẩu ở biến EDOCX_NATS_PASSWORD / user name."),
    certificate: Path | None = typer.Option(None, "--certificate", help="TLS, PEM."),
    key: Path | None = typer.Option(None, "--key", help="Khóa TLS / its key, PEM."),
    ca: Path | None = typer.Option(None, "--ca", help="CA kiểm tra bên gọi / the callers' authority, PEM."),
) -> None:
    """In cấu hình nats-server: ghi xuống đĩa rồi mới xác nhận. / Print a server's configuration: disk first."""
    from edocx.hub.broker_server import ServerPlan, server_config

    _require_safe(host, certificate, key)
    plan = ServerPlan(
        name=name,
        listen=f"{host}:{_PORTS['listen']}",
        store=store,
        # What it tells of itself is for this machine: whoever may read it sees subjects and addresses.
        monitor=f"127.0.0.1:{_PORTS['monitor']}",
        cluster=f"edocx-{domain or 'hub'}" if cluster else "",
        cluster_listen=f"{host}:{_PORTS['cluster']}",
        routes=tuple(f"{each}:{_PORTS['cluster']}" for each in cluster or ()),
        domain=domain,
        leaf_listen="" if above else f"{host}:{_PORTS['leaf']}",
        leaf_remotes=tuple(f"{each}:{_PORTS['leaf']}" for each in above or ()),
        user=user,
        certificate=certificate,
        key=key,
        ca=ca,
    )
    typer.echo(server_config(plan), nl=False)


def _require_safe(host: str, certificate: Path | None, key: Path | None) -> None:
    near = host in {"localhost", "127.0.0.1", "::1"}
    if not near and (certificate is None or key is None):
        raise UsageError(
            Text("Máy chủ NATS trên mạng phải có TLS.", "A NATS server on a network needs TLS."),
            hint=Text("Thêm --certificate và --key.", "Add --certificate and --key."),
            code="EDX-NATS-TLS",
            where=host,
        )
    if (certificate is None) != (key is None):
        raise UsageError(
            Text("Chứng thư và khóa đi với nhau.", "A certificate and its key go together."),
            hint=Text("Nêu cả --certificate và --key.", "Give both --certificate and --key."),
            code="EDX-NATS-TLS",
        )
