"""JWS and JWE in the narrow forms of the device protocol: ES256 and ECDH-ES on P-256, one text for one value.

Source: RFC 7515, RFC 7516, RFC 7518 section 4.6, RFC 7638; docs/device-protocol.md section 1.
"""

import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from dss.kernel import b64, canonical
from dss.kernel.errors import BadRequest

P256_JWK = {"crv": "P-256", "kty": "EC"}
COORDINATE = 32
LONGEST = 64 * 1024

Jwk = dict[str, str]


@dataclass(frozen=True, slots=True)
class Jws:
    """A compact JWS whose form is right and whose signature is not checked yet.

    header:  the protected header.
    payload: the payload's bytes, canonical JSON.
    claims:  the payload read.
    """

    header: Mapping[str, Any]
    payload: bytes
    claims: Mapping[str, Any]
    signing_input: bytes
    signature: bytes

    @property
    def text(self) -> bytes:
        """The whole JWS, as it came."""
        return self.signing_input + b"." + b64.url_encode(self.signature).encode()

    def verify(self, key: ec.EllipticCurvePublicKey) -> None:
        """Raise BadRequest unless the signature is by this key."""
        half = COORDINATE
        r, s = int.from_bytes(self.signature[:half]), int.from_bytes(self.signature[half:])
        try:
            key.verify(encode_dss_signature(r, s), self.signing_input, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature as fault:
            raise BadRequest("the signature of a JWS does not verify") from fault


def read_jws(text: str, typ: str, *, names_key_by: str, canonical_payload: bool = True, longest: int = LONGEST) -> Jws:
    """Read a compact JWS.

    typ:               the header's type; its other members are `alg`, always ES256, and `names_key_by`.
    names_key_by:      `jwk` or `kid`.
    canonical_payload: False for forms that others define (RFC 9449), whose JSON may be written in any way.
    longest:           in characters.
    Raises BadRequest on any other form.
    """
    parts = _parts(text, 3, longest)
    header = read_object(parts[0])
    if set(header) != {"alg", "typ", names_key_by} or header["alg"] != "ES256" or header["typ"] != typ:
        raise BadRequest(f"the JWS header must be alg ES256, typ {typ} and {names_key_by}")
    payload, signature = b64.url_decode(parts[1]), b64.url_decode(parts[2])
    claims = canonical.decode(payload) if canonical_payload else _json(payload)
    if not isinstance(claims, dict) or len(signature) != 2 * COORDINATE:
        raise BadRequest("the JWS needs an object as payload and a signature of 64 bytes")
    return Jws(header, payload, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


async def write_jws(typ: str, jwk: Jwk, payload: bytes, sign: Callable[[bytes], Awaitable[bytes]]) -> str:
    """Write a compact JWS by the key of `jwk`; `sign` returns r || s over the SHA-256 of what it is given."""
    header = canonical.encode({"alg": "ES256", "jwk": jwk, "typ": typ})
    signing_input = f"{b64.url_encode(header)}.{b64.url_encode(payload)}"
    return f"{signing_input}.{b64.url_encode(await sign(signing_input.encode()))}"


def read_jwk(value: object) -> ec.EllipticCurvePublicKey:
    """Read a public P-256 JWK of exactly crv, kty, x and y. Raises BadRequest, also for a point off the curve."""
    if not isinstance(value, dict) or set(value) != {"crv", "kty", "x", "y"} or not _all_text(value):
        raise BadRequest("a key is a JWK of crv, kty, x and y")
    x, y = b64.url_decode(value["x"]), b64.url_decode(value["y"])
    if {name: value[name] for name in P256_JWK} != P256_JWK or len(x) != COORDINATE or len(y) != COORDINATE:
        raise BadRequest("a key is on P-256, with coordinates of 32 bytes")
    try:
        return ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), ec.SECP256R1()).public_key()
    except ValueError as fault:
        raise BadRequest("the key is not a point of P-256") from fault


def write_jwk(key: ec.EllipticCurvePublicKey) -> Jwk:
    """Write a public P-256 key as a JWK."""
    numbers = key.public_numbers()
    x, y = numbers.x.to_bytes(COORDINATE), numbers.y.to_bytes(COORDINATE)
    return {**P256_JWK, "x": b64.url_encode(x), "y": b64.url_encode(y)}


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a P-256 JWK, base64url."""
    return b64.url_encode(hashlib.sha256(canonical.encode({k: jwk[k] for k in ("crv", "kty", "x", "y")})).digest())


@dataclass(frozen=True, slots=True)
class Jwe:
    """A compact JWE whose form is right.

    kid: names the receiver's key. peer: the sender's ephemeral key. context: the agreement's apv, raw.
    """

    kid: str
    peer: ec.EllipticCurvePublicKey
    context: bytes
    header: bytes
    nonce: bytes
    sealed: bytes

    def open(self, shared_secret: bytes) -> Any:
        """Decrypt with the ECDH secret (x coordinate, 32 bytes) and read the canonical JSON. Raises BadRequest."""
        try:
            text = AESGCM(_content_key(shared_secret, self.context)).decrypt(self.nonce, self.sealed, self.header)
        except InvalidTag as fault:
            raise BadRequest("the box does not open") from fault
        return canonical.decode(text)


def read_jwe(text: str) -> Jwe:
    """Read a compact JWE (ECDH-ES, A256GCM). Raises BadRequest on any other form."""
    parts = _parts(text, 5)
    header = read_object(parts[0])
    right = {"alg": "ECDH-ES", "enc": "A256GCM"}
    if set(header) != {"alg", "enc", "kid", "epk", "apv"} or {name: header[name] for name in right} != right:
        raise BadRequest("the JWE header must be alg ECDH-ES, enc A256GCM, kid, epk and apv")
    if parts[1] or not isinstance(header["kid"], str) or not isinstance(header["apv"], str):
        raise BadRequest("the JWE has a direct key, and texts as kid and apv")
    nonce, sealed, tag = (b64.url_decode(part) for part in parts[2:])
    if len(nonce) != 12 or len(tag) != 16:
        raise BadRequest("the JWE has a nonce of 12 bytes and a tag of 16")
    context = b64.url_decode(header["apv"])
    return Jwe(header["kid"], read_jwk(header["epk"]), context, parts[0].encode(), nonce, sealed + tag)


def _content_key(shared_secret: bytes, context: bytes) -> bytes:
    fields = [b"A256GCM", b"", context]
    info = b"".join(len(field).to_bytes(4) + field for field in fields) + (256).to_bytes(4)
    return ConcatKDFHash(hashes.SHA256(), 32, info).derive(shared_secret)


def _parts(text: str, count: int, longest: int = LONGEST) -> list[str]:
    if len(text) > longest:
        raise BadRequest(f"a compact JWS or JWE has at most {longest} characters here")
    parts = text.split(".")
    if len(parts) != count:
        raise BadRequest(f"a compact form of {count} parts is needed")
    return parts


def read_object(part: str) -> dict[str, Any]:
    """Read a part of a compact form that is a JSON object in which no member stands twice. Raises BadRequest."""
    value = _json(b64.url_decode(part))
    if not isinstance(value, dict):
        raise BadRequest("the part of a compact form must be an object")
    return value


def _json(text: bytes) -> Any:
    try:
        return json.loads(text.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError) as fault:
        raise BadRequest("not JSON, or a member stands twice") from fault


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members


def _all_text(value: dict[Any, Any]) -> bool:
    return all(isinstance(item, str) for item in value.values())
