"""The server's own keys in software, for tests of what is made with them; the HSM has tests of its own."""

import hashlib
import hmac
import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dss.hsm.servicekeys import KeyKind, KeyName, ServiceKeys
from dss.hsm.token_keys import FIRST
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound
from dss.kernel.ids import BoxKeyId


class SoftwareServiceKeys(ServiceKeys):
    """Does what ServiceKeys promises, without a token. `stopped`: every verb raises HsmUnavailable."""

    def __init__(self) -> None:
        self.stopped = False
        self.signatures_made = 0
        self._pairs = {name: _pair() for name in KeyName if name.kind is KeyKind.P256}
        self._secrets = {name: secrets.token_bytes(32) for name in KeyName if name.kind is KeyKind.SECRET}
        self._ed25519 = {name: ed25519.Ed25519PrivateKey.generate() for name in KeyName if name.kind is KeyKind.ED25519}
        self._of_tokens = {FIRST: _pair()}
        self._boxes: dict[BoxKeyId, ec.EllipticCurvePrivateKey] = {}

    async def public_key(self, name: KeyName) -> ec.EllipticCurvePublicKey:
        await self.check()
        return self._pairs[name].public_key()

    async def sign_es256(self, name: KeyName, data: bytes) -> bytes:
        await self.check()
        self.signatures_made += 1
        return _es256(self._pairs[name], data)

    async def sign_token(self, number: int, data: bytes) -> bytes:
        await self.check()
        self.signatures_made += 1
        return _es256(self._of_tokens[number], data)

    async def create_token_key(self, number: int) -> None:
        await self.check()
        self._of_tokens.setdefault(number, _pair())

    async def destroy_token_key(self, number: int) -> None:
        await self.check()
        self._of_tokens.pop(number, None)

    async def token_keys(self) -> dict[int, ec.EllipticCurvePublicKey]:
        await self.check()
        return {number: pair.public_key() for number, pair in self._of_tokens.items()}

    async def ed25519_public_key(self, name: KeyName) -> bytes:
        await self.check()
        return self._ed25519[name].public_key().public_bytes_raw()

    async def sign_ed25519(self, name: KeyName, data: bytes) -> bytes:
        await self.check()
        self.signatures_made += 1
        return self._ed25519[name].sign(data)

    async def hmac(self, name: KeyName, data: bytes) -> bytes:
        await self.check()
        return hmac.digest(self._secrets[name], data, hashlib.sha256)

    async def hmac_all(self, name: KeyName, texts: Sequence[bytes]) -> list[bytes]:
        return [await self.hmac(name, text) for text in texts]

    async def create_box_key(self, id: BoxKeyId) -> ec.EllipticCurvePublicKey:
        await self.check()
        if id in self._boxes:
            raise Conflict(f"there is a box key {id}")
        self._boxes[id] = _pair()
        return self._boxes[id].public_key()

    async def agree(self, id: BoxKeyId, peer: ec.EllipticCurvePublicKey) -> bytes:
        await self.check()
        if not isinstance(peer.curve, ec.SECP256R1):
            raise Invalid("the key to agree with is not on P-256")
        if id not in self._boxes:
            raise NotFound("there is no such box key")
        return self._boxes[id].exchange(ec.ECDH(), peer)

    async def destroy_box_key(self, id: BoxKeyId) -> None:
        await self.check()
        self._boxes.pop(id, None)

    async def box_key_ids(self) -> list[BoxKeyId]:
        await self.check()
        return sorted(self._boxes)

    async def check(self) -> None:
        if self.stopped:
            raise HsmUnavailable("the token was stopped by the test")


def _es256(pair: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
    r, s = decode_dss_signature(pair.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32) + s.to_bytes(32)


def _pair() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())
