"""``edocx trust``: the shipped packs, and the certificates that the user decided to trust."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from edocx.cli.output import emit_json, language, say
from edocx.errors import InputError, Refused, Text

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def _trust() -> None:
    """Kho tin cậy: không có gì được tin mặc định. / Trust stores: nothing is trusted by default."""


@app.command("list")
def list_all(as_json: bool = typer.Option(False, "--json", help="JSON.")) -> None:
    """Các gói kèm theo và chứng thư đã thêm. / The shipped packs and what was added."""
    from edocx.cli.verify_run import user_folder
    from edocx.signing.certificate import describe
    from edocx.signing.trust import TrustStore
    from edocx.signing.trust_pack import read_pack

    pack = read_pack()
    rows: list[dict[str, Any]] = [
        {
            "pack": known.domain,
            "role": known.role,
            "name": known.name,
            "sha256": known.sha256,
            "shipped": bool(known.file),
        }
        for known in pack.certificates
    ]
    folder = user_folder()
    if folder.is_dir() and any(folder.iterdir()):
        store = TrustStore.from_path(folder)
        for role, certificates in (("anchor", store.anchors), ("intermediate", store.intermediates)):
            rows += [
                {"pack": "user", "role": role, "name": info.subject, "sha256": info.sha256, "shipped": False}
                for info in map(describe, certificates)
            ]
    if as_json:
        emit_json({"schema": 1, "version": pack.version, "certificates": rows})
        return
    say(
        Text(
            f"Gói tin cậy phiên bản {pack.version}. {pack.source}", f"Trust pack version {pack.version}. {pack.source}"
        )
    )
    for row in rows:
        mark = "●" if row["shipped"] or row["pack"] == "user" else "○"
        say(f"{mark} {row['pack']:12} {row['role']:12} {row['name']}\n    {row['sha256']}")
    say(
        Text(
            "○ chỉ biết qua dấu vân tay: tải về rồi thêm bằng `edocx trust add`.",
            "○ known by fingerprint only: fetch it, then `edocx trust add` it.",
        )
    )


@app.command()
def add(
    file: Path = typer.Argument(..., help="PEM, DER."),
    unknown: bool = typer.Option(False, "--unknown", help="Thêm cả chứng thư lạ / also one that nobody knows."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Thêm chứng thư vào kho của người dùng (--trust user). / Add certificates to your own store."""
    from asn1crypto import pem

    from edocx.cli.verify_run import user_folder
    from edocx.content import write_durably
    from edocx.signing.certificate import describe, fingerprint
    from edocx.signing.trust_pack import recognise

    added = []
    certificates = _certificates(file)
    strange = [c for c in certificates if recognise(fingerprint(c)) is None]
    if strange and not unknown:
        raise Refused(
            Text(
                f"Không nhận ra chứng thư có SHA-256 {fingerprint(strange[0])}.",
                f"The certificate with SHA-256 {fingerprint(strange[0])} is not known.",
            ),
            hint=Text(
                "So dấu vân tay với nguồn chính thức; nếu đúng, thêm lại với --unknown.",
                "Compare the fingerprint with an official source; if it is right, add it with --unknown.",
            ),
            code="EDX-TRUST-UNKNOWN",
            where=str(file),
        )
    folder = user_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for certificate in certificates:
        mark = fingerprint(certificate)
        known = recognise(mark)
        write_durably(folder / f"{mark}.pem", [pem.armor("CERTIFICATE", certificate.dump())])
        name = known.name if known is not None else describe(certificate).subject
        added.append({"sha256": mark, "name": name, "pack": known.domain if known else None})
    if as_json:
        emit_json({"schema": 1, "added": added})
        return
    for one in added:
        say(Text(f"Đã thêm: {one['name']}", f"Added: {one['name']}"))
    say(Text("Dùng với --trust user.", "Use it with --trust user."))


@app.command()
def show(
    what: str = typer.Argument(..., help="DIR, FILE, vn-official, vn-public, user."),
    as_json: bool = typer.Option(False, "--json", help="JSON."),
) -> None:
    """Nội dung một kho tin cậy. / What a trust store holds."""
    from edocx.cli.verify_run import trust_from
    from edocx.clock import in_vietnam
    from edocx.signing.certificate import describe, fingerprint
    from edocx.signing.trust_pack import recognise

    store = trust_from([what])
    rows = []
    for role, certificates in (("anchor", store.anchors), ("intermediate", store.intermediates)):
        for certificate in certificates:
            known = recognise(fingerprint(certificate))
            rows.append(
                {"role": role, "pack": known.domain if known else None} | describe(certificate).model_dump(mode="json")
            )
    lists = [
        {"issuer": one.issuer.human_friendly, "this_update": one["tbs_cert_list"]["this_update"].native.isoformat()}
        for one in store.revocation_lists
    ]
    if as_json:
        emit_json({"schema": 1, "certificates": rows, "revocation_lists": lists})
        return
    for certificate, row in zip((*store.anchors, *store.intermediates), rows, strict=True):
        info = describe(certificate)
        say(f"{row['role']:12} {info.subject}  [{row['pack'] or '?'}]")
        say(f"    {in_vietnam(info.not_before):%Y-%m-%d} – {in_vietnam(info.not_after):%Y-%m-%d}  {info.sha256}")
    count = len(lists)
    say(Text(f"Danh sách thu hồi: {count}", f"Revocation lists: {count}").in_language(language()))


def _certificates(file: Path) -> Any:
    from edocx.content import Blob
    from edocx.signing.certificate import certificates_in

    found = certificates_in(Blob.from_path(file).read())
    if not found:
        raise InputError(
            Text("Tệp không chứa chứng thư số.", "The file holds no certificate."),
            hint=Text("Cần tệp PEM hoặc DER.", "A PEM or DER file is needed."),
            code="EDX-TRUST-EMPTY",
            where=str(file),
        )
    return found
