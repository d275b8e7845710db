"""The options that signing and copying share: key, level, services, trust."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import typer

from edocx.cli.signing_means import Scheme


class Role(StrEnum):
    """In which role a key is used."""

    PERSON = "person"
    ORGANISATION = "organisation"


ROLE: Any = typer.Option(..., "--as", help="Cá nhân hay cơ quan / person or organisation.")
IMAGE: Any = typer.Option(None, "--image", help="Ảnh chữ ký hoặc con dấu / image (PNG).")
REASON: Any = typer.Option(None, "--reason", help="Lý do / reason.")
FIELD: Any = typer.Option(None, "--field", help="Ô chữ ký có sẵn / an existing signature field.")
CITY: Any = typer.Option(None, "--city", help="Địa danh đi cùng ngày / the place before the date.")
ATTACHMENT: Any = typer.Option(
    None, "--attachment", metavar="SỐ/KÝ HIỆU", help="Đóng lên phụ lục của văn bản này / an attachment's seal."
)
NUMBER: Any = typer.Option(
    None, "--number", metavar="SỐ/KÝ HIỆU", help="Điền số khi đóng dấu / fill in the number with the seal."
)
DATE: Any = typer.Option(None, "--date", formats=["%Y-%m-%d"], help="Ngày ban hành (mặc định hôm nay) / date (today).")
PLACE: Any = typer.Option(
    None, "--place", metavar="TRANG,X,Y,RỘNG,CAO", help="Vị trí (mm, từ góc dưới trái) / page,x,y,width,height."
)
NEAR: Any = typer.Option(None, "--near", metavar="TEXT", help="Đặt trên dòng chữ này / above this text.")
INITIALS: Any = typer.Option(False, "--initials", help="Ký nháy, trước mọi chữ ký / initials, before signatures.")

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
