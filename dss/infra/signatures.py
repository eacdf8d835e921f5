"""Whether a signature over a finished hash is by a public key.

Source: RFC 8017 sections 8.1.2 and 8.2.2, FIPS 186-5 section 6.4.
"""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from dss.kernel.digest import SHA256, SHA384, SHA512, Digest
from dss.kernel.keyspec import Padding, Scheme

HASHES: dict[str, hashes.HashAlgorithm] = {SHA256: hashes.SHA256(), SHA384: hashes.SHA384(), SHA512: hashes.SHA512()}


def is_by(key: CertificatePublicKeyTypes, scheme: Scheme, digest: Digest, signature: bytes) -> bool:
    """Return True when a signature verifies; False too for a key that cannot sign by this scheme.

    signature: ECDSA as DER, RSA as it is.
    """
    algorithm = HASHES[digest.algorithm]
    is_ecdsa = scheme.padding is Padding.ECDSA
    try:
        if isinstance(key, rsa.RSAPublicKey) and not is_ecdsa:
            key.verify(signature, digest.value, _rsa_padding(scheme, algorithm), Prehashed(algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey) and is_ecdsa:
            key.verify(signature, digest.value, ec.ECDSA(Prehashed(algorithm)))
        else:
            return False
    except (InvalidSignature, ValueError):  # ValueError: a salt longer than the key has room for
        return False
    return True


def _rsa_padding(scheme: Scheme, algorithm: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if scheme.padding is Padding.PSS:
        return padding.PSS(padding.MGF1(algorithm), scheme.salt_length)
    return padding.PKCS1v15()
