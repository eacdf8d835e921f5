"""The certificates: that they lead from the signer to the root that the verifier trusts.

Source: docs/evidence.md section 2 step 16; RFC 5280 sections 4.2 and 6.1.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dss.ca.model import rfc4514
from dss.ca.publickeys import spec_of
from dss.evidence.concerned import NewKey
from dss.evidence.fields import EvidenceRefused, require
from dss.kernel.errors import Invalid

UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
DAY = timedelta(days=1)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
SHORTEST_RSA = 2048  # bits


@dataclass(frozen=True, slots=True)
class Named:
    """A certificate as people know it: subject and issuer as RFC 4514 text, the serial in lower-case hexadecimal."""

    subject: str
    issuer: str
    serial: str


def check(chain: tuple[bytes, ...], root: bytes, at: datetime) -> x509.Certificate:
    """Return the first certificate of a chain in DER that ends with the root and held at a time.

    Raises EvidenceRefused.
    """
    require(len(chain) > 1, "there is no chain of certificates")
    require(chain[-1] == root, "the last certificate is not the given root")
    certificates = [_loaded(der, place) for place, der in enumerate(chain)]
    for place, certificate in enumerate(certificates):
        _require_held(certificate, at, place)
        _require_strong(certificate, place)
        _require_extensions(certificate, place)
    for place, (certificate, issuer) in enumerate(pairwise(certificates)):
        _require_issued(certificate, issuer, place)
    return certificates[0]


def require_wanted(certificate: x509.Certificate, wanted: NewKey) -> None:
    """Accept the certificate of a new key if it is for whom, of which kind and for how long was confirmed."""
    require(named(certificate).subject == wanted.subject, "the new certificate is for another subject")
    lifetime = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    days = -(-lifetime // DAY)
    require(days <= wanted.validity_days + 1, f"the new certificate is valid longer than {wanted.validity_days} days")
    key = certificate.public_key()
    try:
        fits = isinstance(key, rsa.RSAPublicKey | ec.EllipticCurvePublicKey) and spec_of(key) is wanted.key_type
    except Invalid:
        fits = False
    require(fits, f"the new certificate's key is not of the kind {wanted.key_type}")


def require_may_sign(certificate: x509.Certificate) -> None:
    """Accept a signer's certificate unless it keeps its key for other uses (RFC 5280 section 4.2.1.3)."""
    usage = next((one.value for one in certificate.extensions if isinstance(one.value, x509.KeyUsage)), None)
    may = usage is None or usage.digital_signature or usage.content_commitment
    require(may, "the signer's certificate may not sign documents: its key is for other uses")


def named(certificate: x509.Certificate) -> Named:
    """Return how people know a certificate."""
    with _unwarned():
        return Named(rfc4514(certificate.subject), rfc4514(certificate.issuer), f"{certificate.serial_number:x}")


@contextmanager
def _unwarned() -> Iterator[None]:
    """Read without the library's warnings: it counts a name's bytes, not its characters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _loaded(der: bytes, place: int) -> x509.Certificate:
    """Read a certificate with all its parts, as the library reads some of them late."""
    try:
        with _unwarned():
            certificate = x509.load_der_x509_certificate(der)
            certificate.public_key()
            _ = certificate.extensions
        named(certificate)
    except UNREADABLE as fault:
        raise EvidenceRefused(f"certificate {place} cannot be read") from fault
    return certificate


def _require_held(certificate: x509.Certificate, at: datetime, place: int) -> None:
    held = certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
    require(held, f"certificate {place} was not valid when the transaction ended")


def _require_strong(certificate: x509.Certificate, place: int) -> None:
    key = certificate.public_key()
    is_rsa = isinstance(key, rsa.RSAPublicKey) and key.key_size >= SHORTEST_RSA
    is_ec = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES)
    require(is_rsa or is_ec, f"certificate {place} has a key that is weak, or of a kind that is not known here")


def _require_extensions(certificate: x509.Certificate, place: int) -> None:
    """Accept no critical extension that is not looked at, and as issuers only CAs that may stand so high."""
    constraints = usage = None
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.BasicConstraints):
            constraints = extension.value
        elif isinstance(extension.value, x509.KeyUsage):
            usage = extension.value
        else:
            constrains = isinstance(extension.value, x509.NameConstraints)
            require(not constrains, f"certificate {place} has nameConstraints, which are not looked at here")
            require(not extension.critical, f"certificate {place} has a critical extension that is not known here")
    if place == 0:
        return
    require(constraints is not None and constraints.ca, f"certificate {place} is not a CA's")
    require(usage is not None and usage.key_cert_sign, f"certificate {place} may not sign certificates")
    below = place - 1
    limit = None if constraints is None else constraints.path_length
    require(limit is None or below <= limit, f"certificate {place} has more CAs below it than it may")


def _require_issued(certificate: x509.Certificate, issuer: x509.Certificate, place: int) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as fault:
        raise EvidenceRefused(f"certificate {place} is not signed by the next") from fault
