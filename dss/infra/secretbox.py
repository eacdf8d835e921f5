"""Secrets at rest: sealed so that neither reading nor moving or altering a row helps."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dss.kernel.errors import DssError

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(DssError):
    """What was stored does not open: altered, moved to another row, or sealed by another key."""

    code, title = "seal_broken", "Stored data was altered"


class SecretBox:
    """Seals with AES-256-GCM under one key; a sealed text is nonce (12 bytes), ciphertext, tag (16 bytes).

    key: 32 bytes, meant for one record or few: random nonces are safe up to 2^32 seals (NIST SP 800-38D section 8.3).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key has {KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    def seal(self, plaintext: bytes, aad: bytes) -> bytes:
        """Encrypt; aad names the place (table and row), and is not stored."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, aad)

    def open(self, sealed: bytes, aad: bytes) -> bytes:
        """Decrypt what was sealed for the same place. Raises SealBroken."""
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], aad)
        except (InvalidTag, ValueError) as fault:
            raise SealBroken("a sealed record does not open") from fault
