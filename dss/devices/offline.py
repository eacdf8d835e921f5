"""Answering without a connection: the QR that a phone scans, and the codes that a person types. Pure.

Source: docs/device-protocol.md section 12; RFC 4226 (HOTP), RFC 1951 (compression).
"""

import hashlib
import hmac
import zlib
from base64 import b32encode
from dataclasses import dataclass, field
from typing import Self

import pyotp
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from dss.devices.answer import Decision
from dss.devices.request import Asked, Kind
from dss.devices.verification import Verification
from dss.kernel import b64

SCHEME, LONGEST = "dss-offline:v1", 2900  # characters that a QR of 177 by 177 modules holds, with some to spare
CODE_INFO = "dss/offline-code/v1"
DIGITS, KEY_BYTES = 8, 32
RAW = -15  # zlib's window for a stream without header and checksum


@dataclass(frozen=True, slots=True)
class Codes:
    """The two codes by which one request can be answered, eight digits each."""

    confirm: str = field(repr=False)
    decline: str = field(repr=False)

    @classmethod
    def of(cls, k_offline: bytes, binding: bytes, number: str) -> Self:
        """Return the codes of a request.

        k_offline: what the phone handed over, 32 bytes. binding: the request's. number: that the person chose or
        compared, or empty.
        """
        confirm = _code(k_offline, binding, f"{Decision.CONFIRM}/{number}")
        decline = _code(k_offline, binding, f"{Decision.DECLINE}/")
        if decline == confirm:
            decline = _code(k_offline, binding, f"{Decision.DECLINE}/", counter=1)
        return cls(confirm, decline)

    def decision(self, code: str) -> Decision | None:
        """Return what a code decides, None for a wrong one; both are compared, whichever it is."""
        confirms = hmac.compare_digest(self.confirm.encode(), code.encode())
        declines = hmac.compare_digest(self.decline.encode(), code.encode())
        if confirms:
            return Decision.CONFIRM
        return Decision.DECLINE if declines else None


def takes_code(asked: Asked) -> bool:
    """Return True for a request that a code can answer: one to sign that needs no more of the phone than its PIN.

    Of a batch the QR has a count and a root, and a phone that cannot fetch the documents would name none of them.
    """
    more = asked.relock or asked.session or asked.batch or "password" in asked.credential
    return asked.kind is Kind.SIGN and not more and "pin" in asked.answer_by


def confirms_another(k_offline: bytes, binding: bytes, verification: Verification, code: str) -> bool:
    """Return True for a code that confirms by one of the numbers that the phone offered; the right one is among them.

    k_offline, binding: as in `Codes.of`.
    """
    offered = [Codes.of(k_offline, binding, number).confirm for number in verification.numbers]
    return any(hmac.compare_digest(one.encode(), code.encode()) for one in offered)


def qr_text(request_jws: str) -> str | None:
    """Return the text of the QR of a signed request; None where it is too long for one."""
    _, payload, signature = request_jws.split(".")
    packer = zlib.compressobj(9, zlib.DEFLATED, RAW)
    packed = packer.compress(b64.url_decode(payload)) + packer.flush()
    text = f"{SCHEME}?p={b64.url_encode(packed)}&s={signature}"
    return text if len(text) <= LONGEST else None


def fingerprint(binding: bytes, code: str) -> bytes:
    """Return the hash by which an answer by code is remembered, 32 bytes."""
    return hashlib.sha256(b"dss/offline-answer/v1\x00" + binding + code.encode()).digest()


def _code(k_offline: bytes, binding: bytes, info: str, counter: int = 0) -> str:
    derive = HKDF(hashes.SHA256(), KEY_BYTES, salt=binding, info=f"{CODE_INFO}/{info}".encode())
    secret = b32encode(derive.derive(k_offline)).decode()
    return pyotp.HOTP(secret, digits=DIGITS, digest=hashlib.sha256).at(counter)
