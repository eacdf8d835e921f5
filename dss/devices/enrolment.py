"""The rules of enrolment: the QR text, the activation code, and the proof that the phone knows it.

Source: docs/device-protocol.md section 2.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dss.infra import jose
from dss.kernel import b64, canonical, text
from dss.kernel.clock import read_timestamp
from dss.kernel.errors import BadRequest, Invalid
from dss.kernel.ids import CROCKFORD, BoxKeyId, EnrolmentId

CODE_LENGTH = 16
OFFER, ENROLMENT, RECEIPT = "dss-enrolment-offer+jws", "dss-enrolment+jws", "dss-receipt+jws"
OFFER_LABEL = b"dss/offer/v1"
PIN_DIGITS, PIN_ITERATIONS = 6, 600_000
LONGEST_NAME, LONGEST_PLATFORM = 64, 32
MEMBERS = {"aud", "enrolment", "nonce", "name", "platform", "keys", "proof", "sealed_sha256", "iat"}


def new_activation_code() -> str:
    """Return a random code of 80 bits: 16 Crockford characters in four groups."""
    characters = [secrets.choice(CROCKFORD) for _ in range(CODE_LENGTH)]
    return "-".join("".join(characters[at : at + 4]) for at in range(0, CODE_LENGTH, 4))


def secret_of(code: str, enrolment_id: EnrolmentId) -> bytes:
    """Return the 32 bytes that prove knowledge of a code, as this server wrote it."""
    plain = code.replace("-", "").encode("ascii")
    return HKDF(hashes.SHA256(), 32, salt=enrolment_id.encode(), info=b"dss/enrol/v1").derive(plain)


def qr_text(base_url: str, enrolment_id: EnrolmentId, key_hash: str) -> str:
    """Return the text of the QR; key_hash: base64url SHA-256 of the channel key's SubjectPublicKeyInfo."""
    return f"dss-enrol:v1?u={quote(base_url, safe='')}&e={enrolment_id}&k={key_hash}"


def binding(label: bytes, payload: bytes) -> bytes:
    """Return the domain-separated hash that ties an answer to what was shown."""
    return hashlib.sha256(label + b"\x00" + payload).digest()


@dataclass(frozen=True, slots=True)
class Offer:
    """What an enrolment needs of the offer that came before it; binding: 32 bytes."""

    box_key: BoxKeyId
    binding: bytes
    expires: datetime


def read_offer(jws_text: str) -> Offer:
    """Read an offer that this server signed."""
    jws = jose.read_jws(jws_text, OFFER, names_key_by="jwk")
    expires = read_timestamp(jws.claims["expires"])
    return Offer(BoxKeyId(jws.claims["box_key"]["kid"]), binding(OFFER_LABEL, jws.payload), expires)


@dataclass(frozen=True, slots=True)
class Request:
    """A phone's enrolment, its signature by its own new key checked."""

    nonce: str
    name: str
    platform: str
    signature_jwk: jose.Jwk
    encryption_jwk: jose.Jwk
    proof: bytes
    sealed_sha256: bytes

    def proves(self, secret: bytes, key_hash: str) -> bool:
        """Return True when the proof was made with this secret for these keys and this server."""
        keys = {"enc": self.encryption_jwk, "sig": self.signature_jwk}
        expected = hmac.digest(secret, canonical.encode({"k": key_hash, "keys": keys}), "sha256")
        return hmac.compare_digest(expected, self.proof)


def read_request(jws_text: str, server: str, enrolment_id: EnrolmentId) -> Request:
    """Read a phone's enrolment and check that the new key signed it. Raises BadRequest or Invalid."""
    jws = jose.read_jws(jws_text, ENROLMENT, names_key_by="jwk")
    jws.verify(jose.read_jwk(jws.header["jwk"]))
    claims = jws.claims
    if set(claims) != MEMBERS or claims["aud"] != server or claims["enrolment"] != enrolment_id:
        raise BadRequest(f"the enrolment has the members {', '.join(sorted(MEMBERS))}, for this server and this id")
    signature_jwk, encryption_jwk = _keys(claims["keys"])
    if signature_jwk != jws.header["jwk"]:
        raise BadRequest("the enrolment is signed by its own signature key")
    return Request(
        _text(claims, "nonce"),
        _named(claims, "name", LONGEST_NAME),
        _named(claims, "platform", LONGEST_PLATFORM),
        signature_jwk,
        encryption_jwk,
        b64.url_decode(_text(claims, "proof")),
        b64.url_decode(_text(claims, "sealed_sha256")),
    )


def require_plain_names(request: Request) -> None:
    """Raise DeceptiveText if letters of a new phone's names pass for others; what was once taken stays readable."""
    text.require_plain(request.name, LONGEST_NAME, "name")
    text.require_plain(request.platform, LONGEST_PLATFORM, "platform")


def key_hash(channel_key_der: bytes) -> str:
    """Return base64url SHA-256 of a SubjectPublicKeyInfo, as the QR carries it."""
    return b64.url_encode(hashlib.sha256(channel_key_der).digest())


def _keys(value: object) -> tuple[jose.Jwk, jose.Jwk]:
    if not isinstance(value, dict) or set(value) != {"enc", "sig"}:
        raise BadRequest("keys are enc and sig")
    pair: list[ec.EllipticCurvePublicKey] = [jose.read_jwk(value[name]) for name in ("sig", "enc")]
    if pair[0] == pair[1]:
        raise Invalid("the phone needs two different keys")
    return jose.write_jwk(pair[0]), jose.write_jwk(pair[1])


def _text(claims: Any, name: str) -> str:
    value = claims[name]
    if not isinstance(value, str):
        raise BadRequest(f"{name} is text")
    return value


def _named(claims: Any, name: str, limit: int) -> str:
    value = _text(claims, name)
    text.require_visible(value, limit, name)
    return value
