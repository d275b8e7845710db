"""Who holds a certificate, and for which unit: from the registry, never from the name in the certificate."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Literal

from asn1crypto import x509

from edocx.errors import Text, UnitError
from edocx.signing.certificate import describe, fingerprint
from edocx.signing.report import Message
from edocx.units.registry import CertificateRegistry, RegistryEntry

Holder = tuple[Literal["person", "organisation", "device", "unknown"], str | None, tuple[Message, ...]]
"""Kind, unit and what is to be said of both."""

UNIT_CLAIMED = "EDX-UNIT-CLAIMED"
"""Code of the message that a signature counts for no unit, as the claimed time alone says for which it would."""


def holder_of(
    certificate: x509.Certificate,
    registry: CertificateRegistry,
    *,
    at: datetime,
    claimed: datetime | None,
    proven: datetime | None,
) -> Holder:
    """Return who signed, by the registry at the proven time.

    Without one the registry must say the same for the claimed time and for ``at``: a claimed time is chosen by whoever
    signs, and somebody who has left a unit would claim a day before that.
    """
    mark = fingerprint(certificate)
    then = registry.lookup(mark, proven or claimed or at)
    now = then if proven is not None else registry.lookup(mark, at)
    if then is None:
        return "unknown", None, (_UNREGISTERED,) if now is None else (_UNREGISTERED, _claimed(None))
    doubts: list[Message] = []
    if then.local:
        doubts.append(_REGISTERED_LOCALLY)
    # Where the name in the certificate contradicts the registry, a person must look.
    if then.full_name and _folded(then.full_name) not in _folded(describe(certificate).subject):
        doubts.append(_OTHER_NAME)
    if not same_holder(then, now):
        return then.kind.value, None, (*doubts, _claimed(str(then.unit)))
    return then.kind.value, str(then.unit), tuple(doubts)


def same_holder(one: RegistryEntry | None, other: RegistryEntry | None) -> bool:
    """Say whether two entries of a certificate are of one kind and one unit, in whichever code."""
    if one is None or other is None or one.kind is not other.kind:
        return False
    try:
        return one.unit == other.unit or one.unit.to_qd20() == other.unit.to_qd20()
    except UnitError:
        return False


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _claimed(unit: str | None) -> Message:
    return Message.of(
        UNIT_CLAIMED,
        "warning",
        Text(
            "Cơ quan của người ký chỉ dựa trên thời gian ký tự khai: sổ đăng ký không ghi cùng một cơ quan vào thời "
            "gian đó và vào lúc xét. Chỉ dấu thời gian hoặc biên nhận mới chứng minh được; chữ ký không được tính cho "
            "cơ quan nào.",
            "The signer's unit rests on the claimed signing time alone: the registry does not name the same unit for "
            "that time and for the moment judged. Only a time-stamp or a receipt could prove it; the signature counts "
            "for no unit.",
        ),
        where=unit,
    )


_UNREGISTERED = Message.of(
    "EDX-CERT-UNREGISTERED",
    "warning",
    Text(
        "Sổ đăng ký không có chứng thư này: không biết người hay cơ quan nào ký.",
        "The registry does not know this certificate: nobody can say who signed.",
    ),
)
_REGISTERED_LOCALLY = Message.of(
    "EDX-REGISTRY-LOCAL",
    "warning",
    Text(
        "Đơn vị nêu ở đây chỉ dựa trên sổ đăng ký tự nhập, chưa được cơ quan cấp mã xác nhận.",
        "The unit named rests on a locally imported registry alone; nobody responsible for the code has confirmed it.",
    ),
)
_OTHER_NAME = Message.of(
    "EDX-REGISTRY-NAME",
    "warning",
    Text(
        "Họ tên trong sổ đăng ký khác với tên trong chứng thư; cần người kiểm tra lại.",
        "The name in the registry differs from the one in the certificate; a person should look.",
    ),
)
