"""From the kernel's words for signing to those of PKCS#11."""

from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Mechanism

from dss.kernel.digest import SHA256, SHA384, SHA512, Digest
from dss.kernel.keyspec import KeySpec, Padding, Scheme, require_fit

# DER of DigestInfo up to the hash itself. Source: RFC 8017 section 9.2, note 1.
DIGEST_INFO = {
    SHA256: bytes.fromhex("3031300d060960864801650304020105000420"),
    SHA384: bytes.fromhex("3041300d060960864801650304020205000430"),
    SHA512: bytes.fromhex("3051300d060960864801650304020305000440"),
}
PSS_HASH = {
    SHA256: (Mechanism.SHA256, MGF.SHA256),
    SHA384: (Mechanism.SHA384, MGF.SHA384),
    SHA512: (Mechanism.SHA512, MGF.SHA512),
}


@dataclass(frozen=True, slots=True)
class Operation:
    """What to hand to C_Sign: the mechanism, its parameter and the bytes to sign."""

    mechanism: Mechanism
    data: bytes
    parameter: tuple[Mechanism, MGF, int] | None = None

    def by(self, key: Any) -> bytes:
        """Sign with a private key of the HSM: RSA as it is, ECDSA as r || s of equal lengths."""
        signature: bytes = key.sign(self.data, mechanism=self.mechanism, mechanism_param=self.parameter)
        return signature


def operation(spec: KeySpec, scheme: Scheme, digest: Digest) -> Operation:
    """Choose how to sign a finished hash. Raises Invalid where key and scheme do not fit."""
    require_fit(spec, scheme)
    if scheme.padding is Padding.PKCS1:
        return Operation(Mechanism.RSA_PKCS, DIGEST_INFO[digest.algorithm] + digest.value)
    if scheme.padding is Padding.PSS:
        return Operation(Mechanism.RSA_PKCS_PSS, digest.value, (*PSS_HASH[digest.algorithm], scheme.salt_length))
    # FIPS 186-5 section 6.4.1: of a hash longer than the order the leftmost bits count; not all modules cut it.
    return Operation(Mechanism.ECDSA, digest.value[: (spec.bits + 7) // 8])


def ecdsa_der(signature: bytes) -> bytes:
    """Turn r || s of equal lengths into a DER SEQUENCE (RFC 3279 section 2.2.3)."""
    half = len(signature) // 2
    return encode_dss_signature(int.from_bytes(signature[:half]), int.from_bytes(signature[half:]))
