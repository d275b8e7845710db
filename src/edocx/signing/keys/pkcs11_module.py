"""Loading a PKCS#11 module so that threads may use it.

python-pkcs11 calls C_Initialize(NULL), which promises the module a single thread (PKCS#11 2.40, 5.4); signing from
two then corrupts memory inside the module (seen with SoftHSM 2.6: GeneralError, aborts). So the module is finalised
right after it was loaded, before anybody has a session, and initialised again with CKF_OS_LOCKING_OK.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from edocx.errors import Text, Unavailable

_OS_LOCKING_OK = 0x2
_OK = 0


class _Arguments(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS: no mutex functions of ours, the system's locks may be used."""

    _fields_ = (
        ("mutexes", ctypes.c_void_p * 4),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class _Functions(ctypes.Structure):
    """The head of CK_FUNCTION_LIST."""

    _fields_ = (("version", ctypes.c_ubyte * 2), ("initialize", ctypes.c_void_p), ("finalize", ctypes.c_void_p))


@dataclass(frozen=True, slots=True)
class Module:
    """A loaded module; ``threaded`` says whether it takes calls from several threads at once."""

    library: Any
    threaded: bool


_modules: dict[str, Module] = {}
_lock = threading.Lock()


def load_module(pkcs11: ModuleType, path: str) -> Module:
    """Load a module once a process; raise `Unavailable` (``EDX-TOKEN-MODULE``) for a file that is none."""
    with _lock:
        held = _modules.get(path)
        if held is not None:
            return held
        try:
            library = pkcs11.lib(path)
            threaded = _allow_threads(path)
        except (RuntimeError, OSError, AttributeError) as error:
            raise Unavailable(
                Text("Không nạp được mô-đun PKCS#11.", "The PKCS#11 module cannot be loaded."),
                hint=Text("Kiểm tra đường dẫn mô-đun và trình điều khiển.", "Check the module's path and the driver."),
                code="EDX-TOKEN-MODULE",
                where=path,
            ) from error
        module = _modules[path] = Module(library, threaded)
        return module


def _allow_threads(path: str) -> bool:
    """Initialise the module again with locking; fall back to a single thread when it cannot lock."""
    if sys.platform == "win32":
        return False  # structures are packed there, and nobody has tried it
    raw = ctypes.CDLL(path)
    table = ctypes.POINTER(_Functions)()
    if raw.C_GetFunctionList(ctypes.byref(table)) != _OK:
        raise OSError("C_GetFunctionList failed")
    call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)
    initialize, finalize = call(table.contents.initialize), call(table.contents.finalize)
    finalize(None)
    arguments = _Arguments(flags=_OS_LOCKING_OK)
    if initialize(ctypes.addressof(arguments)) == _OK:
        return True
    if initialize(None) != _OK:
        raise OSError("C_Initialize failed")
    return False
