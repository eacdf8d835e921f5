"""The last look before a signature leaves: does it verify with the certificate's own key?"""

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from dss.hsm.token import Refused
from dss.infra import signatures
from dss.kernel.digest import Digest
from dss.kernel.keyspec import Scheme


def require_signature(key: CertificatePublicKeyTypes, scheme: Scheme, digest: Digest, signature: bytes) -> None:
    """Raise Refused unless the signature verifies: the HSM signed with another key, or failed."""
    if not signatures.is_by(key, scheme, digest, signature):
        raise Refused("the HSM returned a signature that does not verify with the certificate's key")


def serial_of(certificate: bytes) -> str:
    """Return the serial number of a DER certificate as the CA's register has it, lower-case hexadecimal."""
    return f"{x509.load_der_x509_certificate(certificate).serial_number:x}"
