"""Confirming without a connection: the text of the QR with the request, and the codes that the person types. Pure.

Source: docs/device-protocol.md section 12; RFC 1951, RFC 4226, RFC 5869.
"""

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mobile_mock.answer import CONFIRM, DECLINE
from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import b64url, canonical, read_b64url

PREFIX = "dss-offline:"
LONGEST = 2900  # characters
TEXT = re.compile(r"dss-offline:v1\?p=(?P<p>[A-Za-z0-9_-]+)&s=(?P<s>[A-Za-z0-9_-]{86})")
LARGEST_REQUEST = 256 * 1024  # bytes: what a QR can hold may inflate a thousandfold
RAW = -zlib.MAX_WBITS  # RFC 1951 without a header
REQUEST_TYPE = "dss-confirmation-request+jws"
KEY_BYTES, DIGITS = 32, 8


@dataclass(frozen=True, slots=True)
class OfflineRequest:
    """What the QR says: the request's payload, and the 64 bytes of its signature."""

    payload: bytes
    signature: bytes

    def text(self) -> str:
        """Return the QR's text, one of those that say this."""
        packer = zlib.compressobj(zlib.Z_BEST_COMPRESSION, zlib.DEFLATED, RAW)
        packed = packer.compress(self.payload) + packer.flush()
        return f"dss-offline:v1?p={b64url(packed)}&s={b64url(self.signature)}"

    def jws(self, channel_key: Mapping[str, str]) -> str:
        """Return the request's JWS as the server made it, if it was made by this key."""
        header = canonical({"alg": "ES256", "jwk": dict(channel_key), "typ": REQUEST_TYPE})
        return ".".join(b64url(part) for part in (header, self.payload, self.signature))


def read_offline_request(text: str) -> OfflineRequest:
    """Read the text of a QR. Raises BadInput on a text of any other form."""
    match = TEXT.fullmatch(text)
    if match is None or len(text) > LONGEST:
        raise BadInput("this is not the QR of a request for a phone without a connection")
    try:
        return OfflineRequest(_inflated(read_b64url(match["p"])), read_b64url(match["s"]))
    except (Difference, zlib.error) as fault:
        raise BadInput("the QR is damaged") from fault


@dataclass(frozen=True, slots=True)
class Codes:
    """The two codes, 8 digits each: one to confirm, another to decline."""

    confirm: str
    decline: str


def seal_secret(secret: bytes, pin_proof: bytes, credential: str) -> bytes:
    """Return `k_offline`, 32 bytes: what the server keeps of an offline secret."""
    return _hkdf(secret + pin_proof, credential.encode("ascii"), "dss/offline/v1")


def codes(k_offline: bytes, binding: bytes, number: str) -> Codes:
    """Return both codes for one request.

    binding: of the request, 32 bytes. number: what the person chose or compared, empty where the mode asks for none.
    """
    confirm = _code(k_offline, binding, f"{CONFIRM}/{number}", 0)
    decline = _code(k_offline, binding, f"{DECLINE}/", 0)
    return Codes(confirm, decline if decline != confirm else _code(k_offline, binding, f"{DECLINE}/", 1))


def _code(k_offline: bytes, binding: bytes, said: str, counter: int) -> str:
    key = _hkdf(k_offline, binding, f"dss/offline-code/v1/{said}")
    return pyotp.HOTP(base64.b32encode(key).decode("ascii"), digits=DIGITS, digest=hashlib.sha256).at(counter)


def _hkdf(material: bytes, salt: bytes, info: str) -> bytes:
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=salt, info=info.encode("ascii")).derive(material)


def _inflated(packed: bytes) -> bytes:
    unpacker = zlib.decompressobj(RAW)
    content = unpacker.decompress(packed, LARGEST_REQUEST)
    if not unpacker.eof or unpacker.unused_data:
        raise Difference("the request in the QR does not end where it should")
    return content
