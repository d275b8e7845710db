"""Tokens and HSMs: one login for each, a pool of sessions under it, and what is odd about which make.

PKCS#11 has one login state for a token and a process (2.40, 6.7.4): whoever logs out logs everybody out. So one
`Token` owns the login, and the sessions that sign are opened under it without a PIN.
"""

from __future__ import annotations

import hashlib
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from edocx.errors import EdocxError, SigningRefused, Text, Unavailable, UsageError, WrongPassword
from edocx.signing.keys.pkcs11_module import Module, load_module
from edocx.signing.keys.pkcs11_uri import Pkcs11Uri

WAIT_FOR_SESSION = 60.0
"""Seconds that a thread waits for a session: longer means a token that hangs."""


@dataclass(frozen=True, slots=True)
class Quirks:
    """What to mind with a make of token: how many sessions sign at once."""

    sessions: int


QUIRKS: tuple[tuple[str, Quirks], ...] = (
    ("softhsm", Quirks(sessions=8)),
    ("luna", Quirks(sessions=8)),
    ("nshield", Quirks(sessions=8)),
    ("ncipher", Quirks(sessions=8)),
    ("utimaco", Quirks(sessions=8)),
)
"""By a word in manufacturer or model, first match wins. Only SoftHSM is measured; the network HSMs' are their makers'
word for it. USB tokens sign one thing at a time whatever they claim, so everything else gets one session."""

CAREFUL = Quirks(sessions=1)

_tokens: dict[tuple[str, bytes, int], Token] = {}
_tokens_lock = threading.Lock()


def load_pkcs11() -> ModuleType:
    """Return python-pkcs11; raise `UsageError` that names the extra when it is not installed."""
    try:
        import pkcs11  # noqa: PLC0415 - an optional extra
    except ImportError as error:
        raise UsageError(
            Text("Chưa cài thư viện dùng token.", "The library for tokens is not installed."),
            hint=Text("Cài bằng: pip install 'edocx[pkcs11]'.", "Install it: pip install 'edocx[pkcs11]'."),
            code="EDX-EXTRA-PKCS11",
        ) from error
    return pkcs11


def open_token(uri: Pkcs11Uri, ask_pin: Callable[[str], str | None]) -> Token:
    """Return the token that a URI names, one object for it in a process; nobody is logged in yet.

    ``ask_pin`` is asked at `Token.require_login`. Raises `Unavailable` (gone, no such token, no such module) and
    `UsageError` (several tokens fit).
    """
    library = load_pkcs11()
    with _tokens_lock:
        module = load_module(library, uri.module)
        found = _find(library, module, uri)
        key = (uri.module, bytes(found.serial or b""), int(found.slot.slot_id))
        held = _tokens.get(key)
        if held is not None and held.alive:
            return held
        if held is not None:
            held.close()
        token = _tokens[key] = Token(library, found, ask_pin, threaded=module.threaded)
        return token


def close_tokens() -> None:
    """Log out of every token of this process; signers opened before are of no use afterwards."""
    with _tokens_lock:
        held = list(_tokens.values())
        _tokens.clear()
    for token in held:
        token.close()


@dataclass(slots=True)
class Lease:
    """A session, and the keys found in it: looking one up costs as much as a small signature."""

    session: Any
    keys: dict[Any, Any] = field(default_factory=dict)


class Token:
    """One token with the login's owner and the pool of sessions."""

    def __init__(
        self, library: ModuleType, token: Any, ask_pin: Callable[[str], str | None], *, threaded: bool = True
    ) -> None:
        self._library = library
        self._token = token
        self.name = (token.label or "token").strip()
        make = f"{token.manufacturer_id} {token.model}".lower()
        known = next((quirks for word, quirks in QUIRKS if word in make), CAREFUL)
        self.quirks = known if threaded else CAREFUL
        self._ask_pin = ask_pin
        self._owner: Any = None
        self._logged_in = False
        self._login = threading.Lock()
        self._salt = secrets.token_bytes(16)
        self._refused: set[bytes] = set()
        self._refusals = 0
        self._idle: queue.LifoQueue[Lease] = queue.LifoQueue()
        self._opened = 0
        self._lock = threading.Lock()
        self.alive = True

    def __repr__(self) -> str:
        return f"Token(sessions={self._opened}/{self.quirks.sessions})"

    def require_login(self) -> None:
        """Log in when nobody is: the PIN is asked for now, lives for this call alone, and is never tried twice.

        Of a PIN that was refused a salted digest stays, so that it is not sent again: tokens lock after three to ten
        wrong ones, and a folder of documents would send it once for each. Raises `WrongPassword` (with the tries that
        are left), `Unavailable` (locked, gone).
        """
        seen = self._refusals
        with self._login:
            if self._logged_in:
                return
            if self._refusals != seen:  # who waited for this login has its answer
                raise self._wrong_pin(wrong_before=True)
            self._log_in()

    def _log_in(self) -> None:
        known = self._library.TokenFlag
        with self.translated():
            flags = self._flags()
        if flags & known.USER_PIN_LOCKED:
            raise _locked(self.name)
        mark = None
        if flags & known.PROTECTED_AUTHENTICATION_PATH:
            pin: Any = self._library.types.PROTECTED_AUTH
        else:
            pin = self._ask_pin(self.name)
            if not pin:
                raise _no_pin(self.name)
            mark = hashlib.blake2b(pin.encode(), key=self._salt).digest()
            if mark in self._refused:
                raise self._wrong_pin(wrong_before=True)
        exceptions = self._library.exceptions
        with self.translated():
            try:
                self._owner = self._token.open(user_pin=pin)
            except exceptions.UserAlreadyLoggedIn:
                # Another part of this process owns the login: sign under it, and leave logging out to its owner.
                self._owner = None
            except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange) as error:
                self._refusals += 1
                if mark is not None:
                    self._refused.add(mark)
                # The token counts this one too, so what it says now does not tell whether there was one before.
                raise self._wrong_pin(wrong_before=bool(flags & known.USER_PIN_COUNT_LOW)) from error
        self._refused.clear()
        self._logged_in = True

    def _flags(self) -> Any:
        # Asked anew: what the library read when it found the token is as old as that.
        return self._token.slot.get_token().flags

    @contextmanager
    def session(self) -> Iterator[Lease]:
        """Lend a session to one thread; one that failed is not lent again."""
        lease = self._take()
        try:
            yield lease
        except self._library.exceptions.PKCS11Error:
            self._drop(lease)
            raise
        except BaseException:
            self._idle.put(lease)
            raise
        else:
            self._idle.put(lease)

    def close(self) -> None:
        """Close every session that is idle, then log out."""
        self.alive = False
        while not self._idle.empty():
            self._drop(self._idle.get_nowait())
        owner, self._owner = self._owner, None
        if owner is not None:
            _close(owner, self._library)

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn what the token says into our errors; nothing of it names the PIN."""
        exceptions = self._library.exceptions
        try:
            yield
        except exceptions.PinLocked as error:
            raise _locked(self.name) from error
        except (exceptions.PinIncorrect, exceptions.PinInvalid, exceptions.PinLenRange) as error:
            raise self._wrong_pin(wrong_before=False) from error
        except _gone_exceptions(exceptions) as error:
            self.alive = False
            raise _gone(self.name) from error
        except (exceptions.MechanismInvalid, exceptions.MechanismParamInvalid, exceptions.KeyTypeInconsistent) as error:
            raise _no_mechanism(self.name) from error
        except exceptions.PKCS11Error as error:
            raise _failed(self.name, type(error).__name__) from error

    def _take(self) -> Lease:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            with self._lock:
                room = self._opened < self.quirks.sessions
                self._opened += room
        if not room:
            try:
                return self._idle.get(timeout=WAIT_FOR_SESSION)
            except queue.Empty as error:
                raise _gone(self.name) from error
        try:
            return Lease(self._token.open())
        except self._library.exceptions.PKCS11Error:
            with self._lock:
                self._opened -= 1
            raise

    def _drop(self, lease: Lease) -> None:
        with self._lock:
            self._opened -= 1
        _close(lease.session, self._library)

    def _wrong_pin(self, *, wrong_before: bool) -> WrongPassword:
        flags = self._flags()
        known = self._library.TokenFlag
        left = Text("", "")
        if flags & known.USER_PIN_FINAL_TRY:
            left = Text(" Chỉ còn một lần thử.", " One try is left.")
        elif wrong_before and flags & known.USER_PIN_COUNT_LOW:
            left = Text(" Đã sai ít nhất một lần; sắp bị khóa.", " It was wrong before; few tries are left.")
        return WrongPassword(
            Text(f"Mã PIN sai.{left.vi}", f"The PIN is wrong.{left.en}"),
            hint=Text(
                "Nhập lại cẩn thận; sai nhiều lần token sẽ bị khóa.", "Enter it with care; wrong PINs lock the token."
            ),
            code="EDX-TOKEN-PIN",
            where=self.name,
        )


def _find(library: ModuleType, module: Module, uri: Pkcs11Uri) -> Any:
    try:
        tokens = [token for token in module.library.get_tokens() if _fits(token, uri)]
    except library.exceptions.PKCS11Error as error:
        raise _gone(uri.token_label or uri.serial or uri.module) from error
    if not tokens:
        raise _gone(uri.token_label or uri.serial or uri.module)
    if len(tokens) > 1:
        raise UsageError(
            Text("Có nhiều token phù hợp với URI.", "Several tokens fit the URI."),
            hint=Text("Ghi thêm serial=… vào URI.", "Add serial=… to the URI."),
            code="EDX-KEY-URI-AMBIGUOUS",
        )
    return tokens[0]


def _fits(token: Any, uri: Pkcs11Uri) -> bool:
    serial = bytes(token.serial or b"").decode("ascii", "replace").strip()
    wanted = (
        (uri.token_label, (token.label or "").strip()),
        (uri.serial, serial),
        (uri.manufacturer, (token.manufacturer_id or "").strip()),
        (uri.model, (token.model or "").strip()),
    )
    right_slot = uri.slot_id is None or token.slot.slot_id == uri.slot_id
    return right_slot and all(not asked or asked == found for asked, found in wanted)


def _close(session: Any, library: ModuleType) -> None:
    try:
        session.close()
    except library.exceptions.PKCS11Error:
        # A session of a token that was pulled out cannot be closed; the library forgets it with the slot.
        return


def _gone_exceptions(exceptions: Any) -> tuple[type[Exception], ...]:
    return (
        exceptions.DeviceRemoved,
        exceptions.TokenNotPresent,
        exceptions.TokenNotRecognised,
        exceptions.SessionHandleInvalid,
        exceptions.SessionClosed,
        exceptions.SlotIDInvalid,
        exceptions.DeviceError,
        exceptions.UserNotLoggedIn,
    )


def _gone(name: str) -> Unavailable:
    return Unavailable(
        Text("Không thấy token, hoặc token đã bị rút ra.", "The token is not there, or was pulled out."),
        hint=Text("Cắm token rồi thử lại; tệp gốc còn nguyên.", "Plug it in and try again; the file is untouched."),
        code="EDX-TOKEN-GONE",
        where=name,
        retryable=True,
    )


def _locked(name: str) -> Unavailable:
    return Unavailable(
        Text("Token đã bị khóa vì nhập sai mã PIN nhiều lần.", "The token is locked after too many wrong PINs."),
        hint=Text("Nhờ đơn vị cấp token mở khóa.", "Ask the body that issued the token to unlock it."),
        code="EDX-TOKEN-LOCKED",
        where=name,
    )


def _no_pin(name: str) -> EdocxError:
    return WrongPassword(
        Text("Token cần mã PIN mà chưa được cung cấp.", "The token needs a PIN and none was given."),
        hint=Text("Nhập mã PIN khi được hỏi.", "Enter the PIN when asked."),
        code="EDX-TOKEN-PIN",
        where=name,
    )


def _no_mechanism(name: str) -> SigningRefused:
    return SigningRefused(
        Text("Token không hỗ trợ thuật toán ký này.", "The token does not support this signature algorithm."),
        hint=Text("Dùng --scheme pkcs1v15, hoặc khóa khác.", "Use --scheme pkcs1v15, or another key."),
        code="EDX-TOKEN-MECHANISM",
        where=name,
    )


def _failed(name: str, what: str) -> Unavailable:
    return Unavailable(
        Text(f"Token báo lỗi {what}.", f"The token reports {what}."),
        hint=Text("Thử lại; nếu còn lỗi, kiểm tra trình điều khiển.", "Try again; then check the driver."),
        code="EDX-TOKEN-FAILED",
        where=name,
        retryable=True,
    )
