"""Compact JWS by ES256 with the headers of docs/device-protocol.md section 1."""

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from tests.referee import canonical, shapes
from tests.referee.refusing import Refused, require

JWK_MEMBERS = shapes.members(
    {"crv": shapes.one_of("P-256"), "kty": shapes.one_of("EC"), "x": shapes.digest, "y": shapes.digest}
)


@dataclass(frozen=True, slots=True)
class Letter:
    """A JWS taken apart; nothing is verified yet."""

    text: str
    header: dict[str, Any]
    payload: bytes
    claims: dict[str, Any]

    def require_signed_by(self, jwk: dict[str, Any], what: str) -> None:
        """Check the signature, r and s in 64 bytes, by a key."""
        signed, _, encoded = self.text.rpartition(".")
        raw = shapes.bytes_of(encoded, f"the signature of {what}")
        require(len(raw) == 64, f"the signature of {what} is not of 64 bytes")
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            public_key(jwk, what).verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as failure:
            raise Refused(f"the signature of {what} does not verify") from failure


def read(text: Any, typ: str, key_member: str) -> Letter:
    """Take a JWS apart; key_member: `jwk` or `kid`, the one header member beside `alg` and `typ`."""
    require(isinstance(text, str) and text.count(".") == 2, f"a {typ} has not three parts")
    head, body, _ = text.split(".")
    header = _header(shapes.bytes_of(head, f"the header of a {typ}"))
    payload = shapes.bytes_of(body, f"the payload of a {typ}")
    key = jwk_shape if key_member == "jwk" else shapes.id
    shapes.members({"alg": shapes.one_of("ES256"), "typ": shapes.one_of(typ), key_member: key})(header, f"{typ} header")
    claims = canonical.decode(payload)
    require(isinstance(claims, dict), f"the payload of a {typ} is no object")
    return Letter(text, header, payload, claims)


def public_key(jwk: dict[str, Any], what: str) -> ec.EllipticCurvePublicKey:
    """Make the key of a JWK."""
    x, y = (int.from_bytes(shapes.bytes_of(jwk[axis], what), "big") for axis in "xy")
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError as failure:
        raise Refused(f"the key of {what} is not on its curve") from failure


def thumbprint(jwk: dict[str, Any]) -> str:
    """Give the thumbprint of a key whose shape is right (RFC 7638 section 3)."""
    return shapes.text_of(sha256(canonical.encode(jwk)).digest())


def jwk_shape(value: Any, where: str) -> None:
    """A public key, on its curve."""
    JWK_MEMBERS(value, where)
    public_key(value, where)


def _header(raw: bytes) -> Any:
    """Read a header: JSON in any form, but no member twice (RFC 7515 section 4)."""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError) as failure:
        raise Refused("a JWS has no header") from failure


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len(dict(pairs)) == len(pairs), "a header has a member twice")
    return dict(pairs)
