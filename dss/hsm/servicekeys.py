"""The server's own keys: for signing tokens and talking to phones, for secrets at rest, and the box keys."""

from collections.abc import Callable, Sequence
from enum import Enum, StrEnum, auto
from typing import Any, TypeVar

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import KDF, Attribute, KeyType, Mechanism, MechanismFlag, NoSuchKey, ObjectClass

from dss.hsm.keypairs import (
    SIGNING,
    STAYS,
    PublicKey,
    ed25519_of,
    generate_ed25519,
    generate_pair,
    public_key_of,
)
from dss.hsm.mechanisms import operation
from dss.hsm.sessions import Bench
from dss.hsm.token import Absent, Token
from dss.hsm.token_keys import create_token_key, destroy_token_key, token_keys, token_label
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound, Unavailable
from dss.kernel.ids import BoxKeyId
from dss.kernel.keyspec import KeySpec, Scheme

Result = TypeVar("Result")

BOX_PREFIX = "box-"
PROBE = b"dss/probe/v1"
READABLE = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}


class KeyKind(Enum):
    """What a lasting key is: a secret for HMAC-SHA-256, or a key pair that signs."""

    SECRET = auto()
    P256 = auto()
    ED25519 = auto()


class KeyName(StrEnum):
    """The server's lasting keys, by their labels on the token."""

    DEVICE_CHANNEL = "device-channel"
    PIN = "pin"
    ENROLMENT = "enrolment"
    SEAL = "seal"
    EVIDENCE_SEAL = "evidence-seal"
    AUTHORIZATION = "authorization"
    LOGIN = "login"
    LOG = "log"

    @property
    def kind(self) -> KeyKind:
        """What the key is."""
        return KINDS.get(self, KeyKind.SECRET)


KINDS = {
    KeyName.DEVICE_CHANNEL: KeyKind.P256,
    KeyName.EVIDENCE_SEAL: KeyKind.P256,
    KeyName.LOG: KeyKind.ED25519,
}


class ServiceKeys:
    """Uses the server's own keys, and makes and destroys box keys.

    token: None in a process that may not use them. Every verb raises HsmUnavailable, and then Unavailable.
    """

    def __init__(self, token: Token | None) -> None:
        self._held = token

    async def public_key(self, name: KeyName) -> ec.EllipticCurvePublicKey:
        """Return the public half of a P-256 key."""
        key = await self._run(lambda bench: public_key_of(bench.key(name, ObjectClass.PUBLIC_KEY)))
        return _curve_key(key)

    async def sign_es256(self, name: KeyName, data: bytes) -> bytes:
        """Sign SHA-256 of the data with ECDSA on P-256. Returns r || s, 64 bytes (RFC 7518 section 3.4)."""
        return await self._run(lambda bench: _sign_es256(bench, name, data))

    async def sign_token(self, number: int, data: bytes) -> bytes:
        """Sign as `sign_es256` does, with a token key."""
        return await self._run(lambda bench: _sign_es256(bench, token_label(number), data))

    async def create_token_key(self, number: int) -> None:
        """Make a token key; one that is there stays."""
        spec = self._token.spec
        await self._run(lambda bench: create_token_key(bench, spec, number))

    async def destroy_token_key(self, number: int) -> None:
        """Destroy a token key; one that is gone already is as good as destroyed."""
        await self._run(lambda bench: destroy_token_key(bench, number))

    async def token_keys(self) -> dict[int, ec.EllipticCurvePublicKey]:
        """Return the public halves of the token keys by their numbers."""
        return await self._run(_token_keys)

    async def ed25519_public_key(self, name: KeyName) -> bytes:
        """Return the public half of an Ed25519 key, 32 bytes (RFC 8032 section 5.1.5)."""
        return await self._run(lambda bench: ed25519_of(bench.key(name, ObjectClass.PUBLIC_KEY)))

    async def sign_ed25519(self, name: KeyName, data: bytes) -> bytes:
        """Sign the data themselves with Ed25519. Returns 64 bytes (RFC 8032 section 5.1.6)."""
        return await self._run(lambda bench: _sign_ed25519(bench, name, data))

    async def hmac(self, name: KeyName, data: bytes) -> bytes:
        """Return HMAC-SHA-256 of the data under a secret, 32 bytes (RFC 2104)."""
        return await self._run(lambda bench: _hmac(bench, name, data))

    async def hmac_all(self, name: KeyName, texts: Sequence[bytes]) -> list[bytes]:
        """Return the HMAC-SHA-256 of each text under a secret, 32 bytes each, in one go."""
        return await self._run(lambda bench: [_hmac(bench, name, data) for data in texts])

    async def create_box_key(self, id: BoxKeyId) -> ec.EllipticCurvePublicKey:
        """Make a P-256 key that derives and nothing else. Raises Conflict if there is one with this id."""
        return await self._run(lambda bench: _create_box_key(bench, id))

    async def agree(self, id: BoxKeyId, peer: ec.EllipticCurvePublicKey) -> bytes:
        """Return the x coordinate of the ECDH of a box key and a P-256 key, 32 bytes (SP 800-56A section 5.7.1.2).

        Raises NotFound for a box key that is destroyed or never was, Invalid for a peer on another curve.
        """
        if not isinstance(peer.curve, ec.SECP256R1):
            raise Invalid("the key to agree with is not on P-256")
        point = peer.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        try:
            return await self._token.run(lambda bench: _agree(bench, id, point), _probe)
        except Absent as absence:
            raise NotFound("there is no such box key") from absence

    async def destroy_box_key(self, id: BoxKeyId) -> None:
        """Destroy a box key; one that is gone already is as good as destroyed."""
        try:
            await self._token.run(lambda bench: _box_key(bench, id).destroy(), _probe)
        except Absent:
            return

    async def box_key_ids(self) -> list[BoxKeyId]:
        """Return the ids of the box keys on the token, sorted."""
        return await self._run(_box_key_ids)

    async def check(self) -> None:
        """Compute a seal, find the other lasting keys and a token key. Raises HsmUnavailable where one is missing."""
        await self._run(_check)

    async def _run(self, work: Callable[[Bench], Result]) -> Result:
        try:
            return await self._token.run(work, _probe)
        except Absent as absence:
            told = f"{absence.detail}; run `dss hsm service-keys`, which makes those that are missing"
            raise HsmUnavailable(told) from absence

    @property
    def _token(self) -> Token:
        if self._held is None:
            raise Unavailable("this process does not hold the token of the service keys")
        return self._held


def create_key(session: pkcs11.Session, name: KeyName) -> None:
    """Make one of the lasting keys, never to leave the token.

    Raises PKCS11Error, HsmUnavailable where the module has no such keys.
    """
    options: dict[str, Any] = {"store": True, "label": name, "capabilities": SIGNING}
    match name.kind:
        case KeyKind.SECRET:
            session.generate_key(KeyType.GENERIC_SECRET, 256, template=STAYS, **options)
        case KeyKind.P256:
            generate_pair(session, KeySpec.P256, private_template=STAYS, **options)
        case KeyKind.ED25519:
            generate_ed25519(session, private_template=STAYS, **options)


def _sign_es256(bench: Bench, label: str, data: bytes) -> bytes:
    todo = operation(KeySpec.P256, Scheme.default_for(KeySpec.P256), Digest.of(data))
    return todo.by(bench.key(label, ObjectClass.PRIVATE_KEY))


def _token_keys(bench: Bench) -> dict[int, ec.EllipticCurvePublicKey]:
    """Return the keys. Raises NoSuchKey from a token that lost its login, where a search finds less."""
    _probe(bench)
    return token_keys(bench)


def _hmac(bench: Bench, name: KeyName, data: bytes) -> bytes:
    code: bytes = bench.key(name, ObjectClass.SECRET_KEY).sign(data, mechanism=Mechanism.SHA256_HMAC)
    return code


def _sign_ed25519(bench: Bench, name: KeyName, data: bytes) -> bytes:
    signature: bytes = bench.key(name, ObjectClass.PRIVATE_KEY).sign(data, mechanism=Mechanism.EDDSA)
    return signature


def _check(bench: Bench) -> None:
    for name in KeyName:
        bench.key(name, ObjectClass.SECRET_KEY if name.kind is KeyKind.SECRET else ObjectClass.PRIVATE_KEY)
    if not token_keys(bench):
        raise NoSuchKey("no token key")
    _hmac(bench, KeyName.SEAL, PROBE)


def _probe(bench: Bench) -> None:
    _hmac(bench, KeyName.PIN, PROBE)


def _create_box_key(bench: Bench, id: BoxKeyId) -> ec.EllipticCurvePublicKey:
    label = BOX_PREFIX + id
    if bench.search({Attribute.LABEL: label}):
        raise Conflict(f"there is a box key {id}")
    public, _ = generate_pair(
        bench.session,
        KeySpec.P256,
        store=True,
        label=label,
        capabilities=MechanismFlag.DERIVE,
        public_template={Attribute.TOKEN: False},
        private_template=STAYS,
    )
    key = _curve_key(public_key_of(public))
    public.destroy()
    return key


def _box_key(bench: Bench, id: BoxKeyId) -> Any:
    """Search each time: another process makes and destroys box keys too."""
    return bench.search_one(BOX_PREFIX + id, ObjectClass.PRIVATE_KEY)


def _agree(bench: Bench, id: BoxKeyId, point: bytes) -> bytes:
    shared = _box_key(bench, id).derive_key(
        KeyType.GENERIC_SECRET,
        256,
        mechanism=Mechanism.ECDH1_DERIVE,
        mechanism_param=(KDF.NULL, None, point),
        template=READABLE,
    )
    value: bytes = shared[Attribute.VALUE]
    shared.destroy()
    return value


def _box_key_ids(bench: Bench) -> list[BoxKeyId]:
    """Return the ids. Raises NoSuchKey from a token that lost its login, where a search finds nothing."""
    _probe(bench)
    labels = [key.label for key in bench.search({Attribute.CLASS: ObjectClass.PRIVATE_KEY})]
    return sorted(BoxKeyId(label.removeprefix(BOX_PREFIX)) for label in labels if label.startswith(BOX_PREFIX))


def _curve_key(key: PublicKey) -> ec.EllipticCurvePublicKey:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise HsmUnavailable("a key of the token is not of the kind that its label says")
    return key
