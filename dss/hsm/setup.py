"""First steps on an HSM: a token, its KEK and the server's keys. All may be run again; what is there stays."""

import ctypes
import struct
from collections.abc import Iterable
from typing import Any

from pkcs11 import (
    Attribute,
    KeyType,
    Mechanism,
    MechanismFlag,
    NoSuchToken,
    ObjectClass,
    PKCS11Error,
    TokenFlag,
)
from pkcs11.attributes import AttributeMapper

from dss.hsm.library import LABEL_BYTES, Library
from dss.hsm.module import locked, module_at
from dss.hsm.servicekeys import KeyName, create_key
from dss.hsm.sessions import Bench
from dss.hsm.token import Token, TokenSpec, find_token, tokens
from dss.hsm.token_keys import FIRST, create_token_key, token_keys
from dss.hsm.userkeys import KEK_PREFIX, UNWRAPPED, newest_number
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid

PIN_BYTES = range(4, 256)


def init_token(spec: TokenSpec, so_pin: str) -> bool:
    """Initialise a token in a free slot and set its user's PIN. Blocking.

    so_pin: the security officer's PIN, 4 to 255 bytes as the user's.
    Returns False where the library has a token with this label. Raises Conflict when no slot is free, Invalid for a
    label or a PIN of a wrong length, HsmUnavailable.
    """
    if not 0 < len(spec.label.encode()) <= LABEL_BYTES:
        raise Invalid(f"the label of a token has 1 to {LABEL_BYTES} bytes")
    if any(len(pin.encode()) not in PIN_BYTES for pin in (so_pin, spec.pin)):
        raise Invalid(f"a PIN has {PIN_BYTES.start} to {PIN_BYTES.stop - 1} bytes")
    try:
        with module_at(spec.module).using(spec.lock_file) as (library, _), locked(spec.lock_file):
            return _init_token(library, spec, so_pin)
    except PKCS11Error as failure:
        raise HsmUnavailable("the token cannot be initialised") from failure


def create_kek(token: Token, number: int = 1) -> str:
    """Make the KEK with this number, unless it is there. Blocking. Returns its label. Raises HsmUnavailable."""
    label = f"{KEK_PREFIX}{number}"
    token.do(lambda bench: _create_kek(bench, label, token.spec), _search_anything)
    return label


def create_next_kek(token: Token) -> str:
    """Make a KEK with the next number: new keys are wrapped by it, and the others keep what they wrap. Blocking.

    Returns its label. Raises HsmUnavailable.
    """
    return token.do(lambda bench: _create_next_kek(bench, token.spec), _search_anything)


def create_service_keys(token: Token) -> None:
    """Make the server's lasting keys, those that are not there. Blocking. Raises HsmUnavailable."""
    token.do(lambda bench: _create_service_keys(bench, token.spec), _search_anything)


def _init_token(library: Library, spec: TokenSpec, so_pin: str) -> bool:
    try:
        find_token(library, spec.label)
    except NoSuchToken:
        pass
    else:
        return False
    free = [token for token in tokens(library) if not token.flags & TokenFlag.TOKEN_INITIALIZED]
    if not free:
        raise Conflict("the HSM has no slot with an uninitialised token")
    library.init_token(free[0].slot.slot_id, so_pin, spec.label)
    session = find_token(library, spec.label).open(rw=True, so_pin=so_pin)
    session.init_pin(spec.pin)
    session.close()
    return True


def _create_kek(bench: Bench, label: str, spec: TokenSpec) -> None:
    with locked(spec.lock_file):
        if bench.search({Attribute.LABEL: label, Attribute.CLASS: ObjectClass.SECRET_KEY}):
            return
        _generate_kek(bench, label)


def _create_next_kek(bench: Bench, spec: TokenSpec) -> str:
    with locked(spec.lock_file):
        label = f"{KEK_PREFIX}{newest_number(bench) + 1}"
        _generate_kek(bench, label)
        return label


def _generate_kek(bench: Bench, label: str) -> None:
    session = bench.session.token.open(rw=True, attribute_mapper=_KekAttributes())
    session.generate_key(
        KeyType.AES,
        256,
        store=True,
        label=label,
        capabilities=MechanismFlag.WRAP | MechanismFlag.UNWRAP,
        template={
            Attribute.SENSITIVE: True,
            Attribute.EXTRACTABLE: False,
            Attribute.MODIFIABLE: False,
            Attribute.ALLOWED_MECHANISMS: [Mechanism.AES_KEY_WRAP_PAD],
            Attribute.UNWRAP_TEMPLATE: UNWRAPPED,
        },
    )
    session.close()


def _create_service_keys(bench: Bench, spec: TokenSpec) -> None:
    # The first token key is not made again once another followed it.
    if not token_keys(bench):
        create_token_key(bench, spec, FIRST)
    with locked(spec.lock_file):
        for name in KeyName:
            if not bench.search({Attribute.LABEL: name}):
                create_key(bench.session, name)


def _search_anything(bench: Bench) -> None:
    """Answer on any token that searches: before its set-up it has nothing that could be known."""
    bench.search({})


class _Attribute(ctypes.Structure):
    """CK_ATTRIBUTE."""

    _fields_ = (("type", ctypes.c_ulong), ("value", ctypes.c_void_p), ("length", ctypes.c_ulong))


class _KekAttributes(AttributeMapper):
    """Writes two attributes that python-pkcs11 does not know. Keep it until the key is made: it holds their memory."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Any] = []
        self.register_handler(Attribute.UNWRAP_TEMPLATE, self._pack_template, bytes)
        self.register_handler(Attribute.ALLOWED_MECHANISMS, _pack_mechanisms, bytes)

    def _pack_template(self, template: dict[Attribute, Any]) -> bytes:
        """Return an array of CK_ATTRIBUTE that points to values held here."""
        array = (_Attribute * len(template))()
        for place, (attribute, value) in zip(array, template.items(), strict=True):
            packed = self.pack_attribute(attribute, value)
            held = ctypes.create_string_buffer(packed, len(packed))
            self._held.append(held)
            place.type, place.value, place.length = int(attribute), ctypes.addressof(held), len(packed)
        return bytes(array)


def _pack_mechanisms(mechanisms: Iterable[Mechanism]) -> bytes:
    """Return an array of CK_MECHANISM_TYPE."""
    return b"".join(struct.pack("L", int(mechanism)) for mechanism in mechanisms)
