"""Writes JWS by software keys, right or wrong, as tests want them."""

import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from dss.infra import jose
from dss.kernel import b64, canonical


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh P-256 key."""
    return ec.generate_private_key(ec.SECP256R1())


def public_jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half as a JWK."""
    return jose.write_jwk(key.public_key())


def sign(header: dict[str, Any], payload: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """A compact JWS with any header over any bytes."""
    signing_input = f"{b64.url_encode(json.dumps(header).encode())}.{b64.url_encode(payload)}"
    r, s = decode_dss_signature(key.sign(signing_input.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signing_input}.{b64.url_encode(r.to_bytes(32) + s.to_bytes(32))}"


def sign_claims(typ: str, claims: dict[str, Any], key: ec.EllipticCurvePrivateKey, **header: Any) -> str:
    """A compact ES256 JWS over canonical JSON; without a kid it carries its key."""
    named = header or {"jwk": public_jwk(key)}
    return sign({"alg": "ES256", "typ": typ, **named}, canonical.encode(claims), key)
