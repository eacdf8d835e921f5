"""The server's own keys: for signing tokens and talking to phones, for secrets at rest, and the box keys."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import KDF, Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass

from dss.hsm.keypairs import SIGNING, STAYS, PublicKey, generate_pair, public_key_of
from dss.hsm.mechanisms import operation
from dss.hsm.sessions import Bench
from dss.hsm.token import Absent, Token
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound, Unavailable
from dss.kernel.ids import BoxKeyId
from dss.kernel.keyspec import KeySpec, Scheme

BOX_PREFIX = "box-"
PROBE = b"dss/probe/v1"
READABLE = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}


class KeyName(StrEnum):
    """The server's lasting keys, by their labels on the token."""

    TOKEN_SIGNING = "token-signing"  # noqa: S105  a label
    DEVICE_CHANNEL = "device-channel"
    PIN = "pin"
    ENROLMENT = "enrolment"
    SEAL = "seal"

    @property
    def signs(self) -> bool:
        """True for the P-256 key pairs, False for the HMAC secrets."""
        return self in {KeyName.TOKEN_SIGNING, KeyName.DEVICE_CHANNEL}


class ServiceKeys:
    """Uses the server's own keys, and makes and destroys box keys.

    token: None in a process that may not use them. Every verb raises HsmUnavailable, and then Unavailable.
    """

    def __init__(self, token: Token | None) -> None:
        self._held = token

    async def public_key(self, name: KeyName) -> ec.EllipticCurvePublicKey:
        """Return the public half of a signing key."""
        key = await self._token.run(lambda bench: public_key_of(bench.key(name, ObjectClass.PUBLIC_KEY)), _probe)
        return _curve_key(key)

    async def sign_es256(self, name: KeyName, data: bytes) -> bytes:
        """Sign SHA-256 of the data with ECDSA on P-256. Returns r || s, 64 bytes (RFC 7518 section 3.4)."""
        todo = operation(KeySpec.P256, Scheme.default_for(KeySpec.P256), Digest.of(data))
        return await self._token.run(lambda bench: todo.by(bench.key(name, ObjectClass.PRIVATE_KEY)), _probe)

    async def hmac(self, name: KeyName, data: bytes) -> bytes:
        """Return HMAC-SHA-256 of the data under a secret, 32 bytes (RFC 2104)."""
        return await self._token.run(lambda bench: _hmac(bench, name, data), _probe)

    async def hmac_all(self, name: KeyName, texts: Sequence[bytes]) -> list[bytes]:
        """Return the HMAC-SHA-256 of each text under a secret, 32 bytes each, in one go."""
        return await self._token.run(lambda bench: [_hmac(bench, name, data) for data in texts], _probe)

    async def create_box_key(self, id: BoxKeyId) -> ec.EllipticCurvePublicKey:
        """Make a P-256 key that derives and nothing else. Raises Conflict if there is one with this id."""
        return await self._token.run(lambda bench: _create_box_key(bench, id), _probe)

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
        return await self._token.run(_box_key_ids, _probe)

    async def check(self) -> None:
        """Compute a seal: without its key no row is believed. Raises HsmUnavailable, also where that key is missing."""
        await self._token.run(lambda bench: _hmac(bench, KeyName.SEAL, PROBE), _probe)

    @property
    def _token(self) -> Token:
        if self._held is None:
            raise Unavailable("this process does not hold the token of the service keys")
        return self._held


def create_key(session: pkcs11.Session, name: KeyName) -> None:
    """Make one of the lasting keys, never to leave the token. Raises PKCS11Error."""
    if name.signs:
        generate_pair(session, KeySpec.P256, store=True, label=name, capabilities=SIGNING, private_template=STAYS)
    else:
        session.generate_key(KeyType.GENERIC_SECRET, 256, store=True, label=name, capabilities=SIGNING, template=STAYS)


def _hmac(bench: Bench, name: KeyName, data: bytes) -> bytes:
    code: bytes = bench.key(name, ObjectClass.SECRET_KEY).sign(data, mechanism=Mechanism.SHA256_HMAC)
    return code


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
