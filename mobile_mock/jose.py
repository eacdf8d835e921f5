"""JWK, JWS and JWE in the protocol's narrow forms.

Source: docs/device-protocol.md section 1; RFC 7515, RFC 7516, RFC 7518 section 4.6, RFC 7638.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import serialization
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from mobile_mock.errors import Difference
from mobile_mock.forms import b64url, canonical, read_b64url, read_canonical, sha256

Jwk = dict[str, str]
JWK_MEMBERS = ("crv", "kty", "x", "y")
COORDINATE = 32
LONGEST = 512 * 1024  # characters; a request for 100 documents with long names stays below


def new_key() -> ECKey:
    """Make a P-256 key pair."""
    return ECKey.generate_key("P-256", auto_kid=False)


def read_private(value: Mapping[str, str]) -> ECKey:
    """Read a key pair that this phone wrote with `write_private`."""
    return ECKey.import_key(dict(value))


def write_private(key: ECKey) -> Jwk:
    """Write a key pair as a JWK with its secret."""
    members = key.as_dict(private=True)
    return {name: str(members[name]) for name in (*JWK_MEMBERS, "d")}


def public(key: ECKey) -> Jwk:
    """Write the public half of a key as a JWK."""
    members = key.as_dict(private=False)
    return {name: str(members[name]) for name in JWK_MEMBERS}


def read_public(value: object) -> ECKey:
    """Read a public JWK of exactly crv, kty, x and y. Raises Difference, also for a point off the curve."""
    if not isinstance(value, dict) or set(value) != set(JWK_MEMBERS):
        raise Difference("a key is a JWK of crv, kty, x and y")
    if (value["crv"], value["kty"]) != ("P-256", "EC"):
        raise Difference("a key is on P-256")
    if not isinstance(value["x"], str) or not isinstance(value["y"], str):
        raise Difference("a coordinate is text")
    if any(len(read_b64url(value[name])) != COORDINATE for name in ("x", "y")):
        raise Difference("a coordinate has 32 bytes")
    try:
        key = ECKey.import_key(value)
        key.get_op_key("verify")
    except (JoseError, ValueError) as fault:
        raise Difference("the key is not a point of P-256") from fault
    return key


def thumbprint(jwk: Mapping[str, str]) -> str:
    """Return the RFC 7638 thumbprint of a JWK, base64url."""
    return b64url(sha256(canonical({name: jwk[name] for name in JWK_MEMBERS})))


def spki_sha256(jwk: Jwk) -> bytes:
    """Return the SHA-256 of a key's SubjectPublicKeyInfo in DER, as the QR carries it."""
    der = read_public(jwk).public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return sha256(der)


def write_jws(typ: str, payload: Mapping[str, Any], key: ECKey, kid: str | None = None) -> str:
    """Sign a payload. The header names the key by `kid`, or without one by the key itself."""
    named = {"jwk": public(key)} if kid is None else {"kid": kid}
    return jws.serialize_compact({"alg": "ES256", "typ": typ, **named}, canonical(dict(payload)), key)


@dataclass(frozen=True, slots=True)
class Signed:
    """A server's JWS that verifies with the key it names: whether to trust it is for the caller to say."""

    by: Jwk
    payload: bytes


def read_jws(text: object, typ: str) -> Signed:
    """Read a server's JWS and verify it with the key in its header. Raises Difference."""
    header_part, payload_part, signature_part = _parts(text)
    header = _object(read_b64url(header_part))
    if set(header) != {"alg", "typ", "jwk"} or header["alg"] != "ES256" or header["typ"] != typ:
        raise Difference(f"the header of the JWS is not alg ES256, typ {typ} and jwk")
    key = read_public(header["jwk"])
    payload = read_b64url(payload_part)
    read_canonical(payload)
    read_b64url(signature_part)
    try:
        jws.deserialize_compact(str(text), key, algorithms=["ES256"])
    except (JoseError, ValueError) as fault:
        raise Difference("the signature of the JWS does not verify") from fault
    return Signed(header["jwk"], payload)


@dataclass(frozen=True, slots=True)
class Told:
    """A JWS of which only the form was checked: its key is not known here."""

    kid: str
    payload: bytes


def read_told(text: object, typ: str) -> Told:
    """Read a JWS by a key that this phone does not know, named by `kid`. Raises Difference."""
    header_part, payload_part, signature_part = _parts(text)
    header = _object(read_b64url(header_part))
    if set(header) != {"alg", "typ", "kid"} or header["alg"] != "ES256" or header["typ"] != typ:
        raise Difference(f"the header of the JWS is not alg ES256, typ {typ} and kid")
    payload = read_b64url(payload_part)
    read_canonical(payload)
    read_b64url(signature_part)
    return Told(header["kid"], payload)


@dataclass(frozen=True, slots=True)
class BoxKey:
    """A key of the server that a box is sealed to."""

    kid: str
    jwk: Jwk


def seal(plaintext: Mapping[str, Any], to: BoxKey, apv: bytes) -> str:
    """Seal a box: a compact JWE whose key agreement is tied to `apv`, the raw binding."""
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": to.kid, "apv": b64url(apv)}
    return jwe.encrypt_compact(header, canonical(dict(plaintext)), read_public(to.jwk))


def unseal(text: object, key: ECKey, kid: str, apv: bytes) -> bytes:
    """Open a JWE that is sealed to this key under this name, and tied to `apv`. Raises Difference."""
    if not isinstance(text, str) or len(text) > LONGEST or text.count(".") != 4:
        raise Difference("not a compact JWE")
    header = _object(read_b64url(text.partition(".")[0]))
    right = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": kid, "apv": b64url(apv)}
    if header != right | {"epk": header.get("epk")}:
        raise Difference("the JWE is not for this phone, or not for this request")
    read_public(header["epk"])
    try:
        opened = jwe.decrypt_compact(text, key, algorithms=["ECDH-ES", "A256GCM"])
    except (JoseError, ValueError) as fault:
        raise Difference("the JWE does not open with the key of this phone") from fault
    return opened.plaintext or b""


def _parts(text: object) -> list[str]:
    if not isinstance(text, str) or len(text) > LONGEST or text.count(".") != 2:
        raise Difference("not a compact JWS")
    return text.split(".")


def _object(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text.decode("utf-8"), object_pairs_hook=_once_each)
    except (ValueError, RecursionError) as fault:
        raise Difference("the header is not JSON, or a member stands twice") from fault
    if not isinstance(value, dict):
        raise Difference("the header is not an object")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member stands twice")
    return members
