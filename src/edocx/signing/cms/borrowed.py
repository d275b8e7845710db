"""Signature values that another protocol made: what they fit when somebody passes it off as a document.

Without signed attributes the value of a CMS signature is over the content itself (RFC 5652 5.4), as it is in many other
protocols. Whoever has a value made elsewhere with the same key needs no key: he puts what it was made over where the
content stands. What is signed under other protocols begins in ways that no document does, and is told by that alone:
its length, its order and what follows are the other signer's, so that no bound on them would hold.
"""

from __future__ import annotations

import re

from edocx.errors import Text
from edocx.signing.report import Message

HEAD = 64 * 1024
"""Bytes of the content that are looked at; every beginning that is known here is far shorter."""

_LENGTH = b"(?:[\\x00-\\x80]%s)" % b"".join(b"|%s%s" % (re.escape(bytes([0x80 | n])), b"." * n) for n in range(1, 9))
"""The length of a value in BER, in any of the forms up to eight octets."""

_BODIES = re.compile(
    b"|".join(
        (
            b"\x31%(length)s\x30%(length)s\x06",  # signed attributes, another CMS signature's (RFC 5652 5.4)
            b"\x30%(length)s\xa0\x03\x02\x01",  # a certificate's body (RFC 5280 4.1)
            b"\x30%(length)s\x02\x01[\x00\x01]\x30",  # a certificate request's (RFC 2986), a revocation list's
            b"\x30%(length)s(?:\xa0\x03\x02\x01\x00)?[\xa1\xa2]",  # an OCSP answer's (RFC 6960 4.2.1)
            rb"(?:\xef\xbb\xbf)?\s*<(?:[^\s<>/:!?]+:)?SignedInfo[\s>]",  # an XML signature's (XML-DSig 4.4)
        )
    )
    % {b"length": _LENGTH},
    re.DOTALL,
)

BORROWED = Message.of(
    "EDX-CMS-BORROWED",
    "error",
    Text(
        "Giá trị chữ ký lấy từ một chữ ký hoặc thủ tục khác: “nội dung” là dữ liệu kỹ thuật mà giá trị đó đã ký ở nơi "
        "khác, người ký không hề ký văn bản này. Không tin tệp; hỏi lại bên gửi.",
        "The signature value was taken from another signature or protocol: the “content” is the technical data that it "
        "was made over there, and nobody signed it as a document. Do not rely on the file; ask its sender.",
    ),
)


def is_borrowed(start: bytes) -> bool:
    """Say whether content begins as what another protocol signs does; ask where no signed attributes stand before it.

    ``start`` is the content or its first `HEAD` bytes.
    """
    return _BODIES.match(start) is not None
