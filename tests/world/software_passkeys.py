"""An authenticator in software, with the browser around it: what `navigator.credentials` gives to a page."""

import hashlib
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from dss.kernel import b64

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40
ES256, RS256 = -7, -257
Private = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@dataclass
class SoftwarePasskey:
    """One key of an authenticator.

    origin: of the page that asks, as the browser tells it. count: of signatures, None for one that does not count.
    flags: what the authenticator says of its person.
    """

    origin: str
    key: Private = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    count: int | None = 0
    flags: int = PRESENT | VERIFIED
    host: str = ""

    def copy(self) -> "SoftwarePasskey":
        """The same key on another authenticator."""
        return replace(self)

    def make(self, options: str) -> str:
        """Answer `create`, without attestation."""
        asked = json.loads(options)
        data = self._data(asked["rp"]["id"], self.flags | ATTESTED)
        data += bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(self._cose())
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", asked["challenge"])
        return self._answer({"clientDataJSON": _b64(client), "attestationObject": _b64(attestation)})

    def sign(self, options: str, kind: str = "webauthn.get") -> str:
        """Answer `get`."""
        asked = json.loads(options)
        if self.count is not None:
            self.count += 1
        data, client = self._data(asked["rpId"], self.flags), self._client(kind, asked["challenge"])
        signature = self._signature(data + hashlib.sha256(client).digest())
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: _b64(part) for name, part in parts.items()})

    def _data(self, host: str, flags: int) -> bytes:
        return hashlib.sha256((self.host or host).encode()).digest() + bytes([flags]) + (self.count or 0).to_bytes(4)

    def _client(self, kind: str, challenge: str) -> bytes:
        told = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _answer(self, response: dict[str, str]) -> str:
        id = _b64(self.id)
        told: dict[str, Any] = {"id": id, "rawId": id, "type": "public-key", "response": response}
        return json.dumps(told | {"clientExtensionResults": {}})

    def _cose(self) -> dict[int, Any]:
        if isinstance(self.key, rsa.RSAPrivateKey):
            number = self.key.public_key().public_numbers()
            return {1: 3, 3: RS256, -1: number.n.to_bytes(256), -2: number.e.to_bytes(3)}
        point = self.key.public_key().public_numbers()
        return {1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}

    def _signature(self, message: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


def _b64(data: bytes) -> str:
    return b64.url_encode(data)
