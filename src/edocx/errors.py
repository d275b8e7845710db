"""Every exception edocx raises, in one tree.

::

    EdocxError
    ├── UsageError            the call itself cannot be right                       (exit 2)
    ├── InputError            the bytes given cannot be read                        (exit 4)
    │   ├── XmlError            not XML, a DTD, too deep, too large
    │   ├── PdfError            not a PDF, damaged, encrypted
    │   ├── EnvelopeError       XML, but no envelope known to us
    │   ├── KeyFileError        no usable key or certificate in the file
    │   ├── FaultyTable         rows of a table, each fault by line and column (in edocx.units.table)
    │   └── LimitExceeded       a named limit was passed
    ├── Refused               understood, and not done: the reason says why          (exit 1)
    │   ├── WrongPassword
    │   ├── UnitError           a unit code that is malformed, unknown or closed
    │   ├── SigningRefused      this key may not, or cannot, sign this
    │   └── StateError          the document or delivery is not in a state for this
    ├── Unavailable           a store, axis, token or service is away or full        (exit 4)
    │   ├── StoreUnavailable
    │   └── TransportUnavailable
    └── SignaturePending      a remote signer has not answered yet; ask again later

A bad signature is not an exception but a `Report` (EN 319 102-1): see `edocx.signing.report`.
"""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class Text(NamedTuple):
    """One sentence in both languages; messages for people always come as a pair."""

    vi: str
    en: str

    def in_language(self, lang: str) -> str:
        """Return the sentence for ``lang`` ("vi" or "en"; anything else reads as English)."""
        return self.vi if lang == "vi" else self.en


class EdocxError(Exception):
    """The root of all errors: what happened, where, what to do, and whether trying again can help.

    Attributes:
        code: stable and documented, ``EDX-…``.
        text: what was expected and what was found, Vietnamese and English.
        hint: what to do about it, Vietnamese and English.
        where: file, element path or byte offset, if one is to blame.
        retryable: the same call may succeed later without any change by the caller.

    Neither the texts nor ``repr`` ever hold secrets, names of persons or content of documents.
    """

    exit_code: ClassVar[int] = 4
    default_code: ClassVar[str] = "EDX-ERROR"

    def __init__(
        self,
        text: Text,
        *,
        hint: Text,
        code: str | None = None,
        where: str | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(text.en)
        self.code = code or self.default_code
        self.text = text
        self.hint = hint
        self.where = where
        self.retryable = retryable

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.code}: {self.text.en}{place} {self.hint.en}".rstrip()


class UsageError(EdocxError):
    """The call cannot be right, whatever the data: fix the caller."""

    exit_code = 2
    default_code = "EDX-USAGE"


class InputError(EdocxError):
    """The bytes given cannot be read as what they should be."""

    default_code = "EDX-INPUT"


class XmlError(InputError):
    """Not well-formed XML, or XML with a construct that edocx never accepts (a DTD)."""

    default_code = "EDX-XML-MALFORMED"


class PdfError(InputError):
    """Not a PDF, or one that is damaged or encrypted beyond use."""

    default_code = "EDX-PDF-UNREADABLE"


class EnvelopeError(InputError):
    """XML, but no edXML envelope that edocx knows."""

    default_code = "EDX-ENVELOPE-UNKNOWN"


class KeyFileError(InputError):
    """A key or certificate file without the key or certificate that was asked for."""

    default_code = "EDX-KEY-UNREADABLE"


class LimitExceeded(InputError):
    """A named limit on outside data was passed; each limit can be configured."""

    default_code = "EDX-LIMIT"


class Refused(EdocxError):
    """Understood, and not done."""

    exit_code = 1
    default_code = "EDX-REFUSED"


class WrongPassword(Refused):
    """The password or PIN does not open the key."""

    default_code = "EDX-KEY-PASSWORD"


class UnitError(Refused):
    """A unit code that is malformed, unknown, or not open on the date.

    Attributes:
        successors: codes (identities where no code is known) of the units that took over a closed one.
        nearest: code of the nearest ancestor that the directory does list, for an unknown unit.
    """

    default_code = "EDX-UNIT"

    def __init__(
        self,
        text: Text,
        *,
        hint: Text,
        code: str | None = None,
        where: str | None = None,
        retryable: bool = False,
        successors: tuple[str, ...] = (),
        nearest: str | None = None,
    ) -> None:
        super().__init__(text, hint=hint, code=code, where=where, retryable=retryable)
        self.successors = successors
        self.nearest = nearest


class SigningRefused(Refused):
    """This key may not, or cannot, sign this document."""

    default_code = "EDX-SIGN-REFUSED"


class StateError(Refused):
    """The document or delivery is not in a state in which this can be done."""

    default_code = "EDX-STATE"


class Unavailable(EdocxError):
    """A store, axis, token or service cannot be reached, is locked, or is full."""

    default_code = "EDX-UNAVAILABLE"


class StoreUnavailable(Unavailable):
    """The office's database or its payload folder cannot be read or written."""

    default_code = "EDX-STORE"


class TransportUnavailable(Unavailable):
    """The axis cannot be reached or does not answer."""

    default_code = "EDX-TRANSPORT"


class SignaturePending(EdocxError):
    """A remote signer has taken the digest and not answered yet."""

    default_code = "EDX-SIGN-PENDING"
