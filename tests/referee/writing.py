"""Writes what the referee reads: keys, JWS, signatures, notes. Right or wrong is the caller's business."""

import base64
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.referee import canonical, shapes
from tests.referee.merkle import root_of
from tests.referee.notes import LogKey
from tests.referee.signatures import HASHES

ORIGIN = "log.forger.example/log"
LOG, OTHER_LOG = (Ed25519PrivateKey.from_private_bytes(sha256(name).digest()) for name in (b"log", b"other log"))


def jwk(key: ec.EllipticCurvePrivateKey) -> dict[str, str]:
    """The public half of a P-256 key."""
    point = key.public_key().public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": shapes.text_of(point.x.to_bytes(32)),
        "y": shapes.text_of(point.y.to_bytes(32)),
    }


def compact(header: dict[str, Any], payload: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """Write a JWS over any bytes."""
    return compact_of(canonical.encode(header), payload, key)


def compact_of(header: bytes, payload: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """Write a JWS with a header of any bytes."""
    signed = f"{shapes.text_of(header)}.{shapes.text_of(payload)}"
    r, s = utils.decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{shapes.text_of(r.to_bytes(32) + s.to_bytes(32))}"


def value_of(key: Any, document: dict[str, Any]) -> bytes:
    """Sign what is to be signed of a document, by its scheme."""
    scheme, algorithm = document["scheme"], HASHES[document["hash_algorithm"]]
    hashed = shapes.bytes_of(document["to_sign"], "to_sign")
    prehashed = utils.Prehashed(algorithm)
    if scheme == "ecdsa":
        return bytes(key.sign(hashed, ec.ECDSA(prehashed)))
    padded: padding.AsymmetricPadding = padding.PKCS1v15()
    if scheme != "pkcs1v15":
        padded = padding.PSS(padding.MGF1(algorithm), int(scheme.removeprefix("pss-")))
    return bytes(key.sign(hashed, padded, prehashed))


def checkpoint(leaves: list[bytes]) -> str:
    """A checkpoint of the forger's log."""
    root = base64.b64encode(root_of(leaves)).decode()
    return note(f"{ORIGIN}\n{len(leaves)}\n{root}\n")


def note(text: str, name: str = ORIGIN, secret: Ed25519PrivateKey = LOG) -> str:
    """A signed note with one line."""
    value = LogKey(name, public(secret)).id + secret.sign(text.encode())
    return f"{text}\n— {name} {base64.b64encode(value).decode()}\n"


def public(secret: Ed25519PrivateKey) -> bytes:
    """The public half of a log's key."""
    return secret.public_key().public_bytes_raw()


def hash_of(name: str, data: bytes) -> bytes:
    """Hash by an algorithm's name."""
    hashed = hashes.Hash(HASHES[name])
    hashed.update(data)
    return hashed.finalize()
