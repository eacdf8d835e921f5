"""A vendor's PKCS#11 library, initialised for use from several threads.

python-pkcs11 calls C_Initialize without arguments. By the specification the library may then assume one thread, and
SoftHSM does switch its locks off, while python-pkcs11 lets go of the interpreter's lock in nearly every call: with two
threads the process dies. So C_Initialize is called here, with CKF_OS_LOCKING_OK; and so is C_InitToken, which
python-pkcs11 lacks. A library that gives every caller of C_GetFunctionList an instance of its own (p11-kit-client.so)
cannot be used. Source: PKCS#11 2.40 sections 5.4 and 5.5.
"""

import ctypes

from pkcs11 import PKCS11Error, _pkcs11

OS_LOCKING_OK = 0x2
OK, NOT_INITIALIZED, ALREADY_INITIALIZED = 0x0, 0x190, 0x191
LABEL_BYTES = 32

_ORDER = (
    "C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo "
    "C_GetMechanismList C_GetMechanismInfo C_InitToken"
)


class _FunctionList(ctypes.Structure):
    """The head of CK_FUNCTION_LIST, as far as it is called here."""

    _fields_ = (("version", ctypes.c_ubyte * 2), *((name, ctypes.c_void_p) for name in _ORDER.split()))


class _InitializeArgs(ctypes.Structure):
    """CK_C_INITIALIZE_ARGS."""

    _fields_ = (
        ("create_mutex", ctypes.c_void_p),
        ("destroy_mutex", ctypes.c_void_p),
        ("lock_mutex", ctypes.c_void_p),
        ("unlock_mutex", ctypes.c_void_p),
        ("flags", ctypes.c_ulong),
        ("reserved", ctypes.c_void_p),
    )


class Library(_pkcs11.lib):
    """The library at a path. Made, it is initialised. Raises PKCS11Error."""

    def __init__(self, path: str) -> None:
        functions = ctypes.POINTER(_FunctionList)()
        _accept(ctypes.CDLL(path).C_GetFunctionList(ctypes.byref(functions)), "C_GetFunctionList")
        self._functions = functions.contents
        # Held for ever: python-pkcs11 would unload it while the interpreter ends, when threads may still be inside.
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))
        super().__init__(path)

    def initialize(self) -> None:
        """Initialise the library for use by threads. Raises PKCS11Error."""
        arguments = _InitializeArgs(flags=OS_LOCKING_OK)
        call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(self._functions.C_Initialize)
        _accept(call(ctypes.addressof(arguments)), "C_Initialize", ALREADY_INITIALIZED)

    def finalize(self) -> None:
        """End all sessions and forget all logins of this process. Raises PKCS11Error."""
        call = ctypes.CFUNCTYPE(ctypes.c_ulong, ctypes.c_void_p)(self._functions.C_Finalize)
        _accept(call(None), "C_Finalize", NOT_INITIALIZED)

    def init_token(self, slot_id: int, so_pin: str, label: str) -> None:
        """Initialise the token in a slot: everything on it is erased. Raises PKCS11Error."""
        pin, padded = so_pin.encode(), label.encode().ljust(LABEL_BYTES)
        arguments = (ctypes.c_ulong, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_char_p)
        call = ctypes.CFUNCTYPE(ctypes.c_ulong, *arguments)(self._functions.C_InitToken)
        _accept(call(slot_id, pin, len(pin), padded), "C_InitToken")


def _accept(code: int, call: str, *also: int) -> None:
    if code not in (OK, *also):
        raise PKCS11Error(f"{call} failed with 0x{code:08x}")
