"""Marks of state secrets in what describes a document: those may not travel on the axis (QĐ 28/2018/QĐ-TTg Điều 1).

A mark is looked for in texts about the document, not in its pages.
"""

from __future__ import annotations

import re
import unicodedata

from edocx.envelope.model import Envelope

_HIGH = re.compile(r"(?<!\w)(?:tuyệt|tối)[\s_-]+mật(?!\w)", re.IGNORECASE)
_LABEL = re.compile(r"(?<!\w)độ[\s_-]+mật\s*[:=]\s*(?!không|thường)\w", re.IGNORECASE)
_BRACKETED = re.compile(r"[\[({]\s*mật\s*[\])}]", re.IGNORECASE)
_ALONE = re.compile(r"mật", re.IGNORECASE)
"""“Mật” alone is the mark; in “bảo mật”, “mật mã”, “mật độ” it is a syllable like any other."""


def is_secret(text: str) -> bool:
    """Tell whether a text carries a mark of secrecy (MẬT, TỐI MẬT, TUYỆT MẬT)."""
    plain = unicodedata.normalize("NFC", text)
    if _HIGH.search(plain) or _LABEL.search(plain) or _BRACKETED.search(plain):
        return True
    return any(_ALONE.fullmatch(part.strip()) for part in re.split(r"[,;|/_.\n-]", plain))


def is_marked(envelope: Envelope) -> bool:
    """Tell whether a received envelope's description carries a mark of secrecy."""
    other = envelope.other
    texts = [envelope.subject, envelope.content, other.sphere if other else None]
    texts += [text for one in envelope.attachments for text in (one.name, one.description)]
    return any(is_secret(text) for text in texts if text)
