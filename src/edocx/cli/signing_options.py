"""The options that signing and copying share: key, level, services, trust."""

from __future__ import annotations

from typing import Any

import typer

from edocx.cli.signing_means import Scheme

KEY: Any = typer.Option(None, "--key", help="file:key.p12, pkcs11:token=…, csc:https://…")
CHAIN: Any = typer.Option(None, "--chain", help="Chứng thư của khóa / the key's certificates.")
LEVEL: Any = typer.Option(None, "--level", help="B-B, B-T, B-LT, B-LTA.")
TSA: Any = typer.Option([], "--tsa", metavar="URL", help="Dịch vụ dấu thời gian / time-stamping service.")
DEFER: Any = typer.Option(
    False, "--defer", help="Không có dấu thời gian thì ký B-B trước / B-B if no TSA answers."
)  # fmt: skip
TRUST: Any = typer.Option([], "--trust", help="Kho tin cậy / trusted roots.")
ONLINE: Any = typer.Option(False, "--online", help="Hỏi OCSP, tải CRL / ask OCSP, fetch CRLs.")
REGISTRY: Any = typer.Option(None, "--registry", help="Sổ đăng ký chứng thư / certificate registry.")
SCHEME: Any = typer.Option(Scheme.PKCS1V15, "--scheme", help="RSA.")
PREVIEW: Any = typer.Option(None, "--preview", metavar="PNG", help="Xem trước, không ký / show, do not sign.")
JSON: Any = typer.Option(False, "--json", help="JSON.")
