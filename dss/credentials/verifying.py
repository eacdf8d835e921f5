"""The last look before a signature leaves: does it verify with the certificate's own key?

Source: RFC 8017 sections 8.1.2 and 8.2.2, FIPS 186-5 section 6.4.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from dss.hsm.token import Refused
from dss.kernel.digest import SHA256, SHA384, SHA512, Digest
from dss.kernel.keyspec import Padding, Scheme

HASHES: dict[str, hashes.HashAlgorithm] = {SHA256: hashes.SHA256(), SHA384: hashes.SHA384(), SHA512: hashes.SHA512()}


def require_signature(key: CertificatePublicKeyTypes, scheme: Scheme, digest: Digest, signature: bytes) -> None:
    """Raise Refused unless the signature verifies: the HSM signed with another key, or failed."""
    algorithm = HASHES[digest.algorithm]
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, digest.value, _rsa_padding(scheme, algorithm), Prehashed(algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, digest.value, ec.ECDSA(Prehashed(algorithm)))
        else:
            raise Refused("the certificate's key is of a kind that is not signed with here")
    except InvalidSignature as fault:
        raise Refused("the HSM returned a signature that does not verify") from fault


def _rsa_padding(scheme: Scheme, algorithm: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if scheme.padding is Padding.PSS:
        return padding.PSS(padding.MGF1(algorithm), scheme.salt_length)
    return padding.PKCS1v15()


def serial_of(certificate: bytes) -> str:
    """Return the serial number of a DER certificate as the CA's register has it, lower-case hexadecimal."""
    return f"{x509.load_der_x509_certificate(certificate).serial_number:x}"
