"""The path of certificates (docs/evidence.md section 2, step 16), by the rules of RFC 5280 section 6 that it needs."""

import warnings
from datetime import timedelta
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtensionOID

from tests.referee import names
from tests.referee.refusing import Refused, require
from tests.referee.shapes import EPOCH

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384", "secp521r1": "P-521"}
A_DAY = timedelta(days=1)
LEAST_RSA = 2048  # bits
KNOWN = {ExtensionOID.BASIC_CONSTRAINTS, ExtensionOID.KEY_USAGE}
UNREADABLE = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def read_path(ders: list[bytes], root: bytes, at: int) -> list[x509.Certificate]:
    """Read a path from the signer's certificate to the root and check it; at: microseconds since 1970."""
    require(len(ders) > 1, "a certificate alone is no path")
    require(ders[-1] == root, "the path does not end in the given root")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd as it may be, its issuer signed it or did not
            path = [x509.load_der_x509_certificate(der) for der in ders]
        for index, certificate in enumerate(path):
            _require_good(certificate, index, path, at)
    except UNREADABLE as failure:
        raise Refused("a certificate is not readable") from failure
    for certificate, issuer in pairwise(path):
        _require_issued(certificate, issuer)
    return path


def require_certified(wanted: dict[str, Any], certificate: x509.Certificate) -> None:
    """Check that a certificate is for the subject and the kind of key that a `create` asked for."""
    require(names.text_of(certificate.subject) == wanted["subject"], "the certificate is another subject's")
    require(key_type(certificate) == wanted["key_type"], "the certificate has another kind of key")
    validity = certificate.not_valid_after_utc - certificate.not_valid_before_utc - A_DAY
    longest = wanted["validity_days"]
    require(validity.days < longest or validity == longest * A_DAY, "the certificate is valid for too long")


def require_may_sign(certificate: x509.Certificate) -> None:
    """Check that the key of a certificate that says what its key is for is one to sign with."""
    for extension in certificate.extensions:
        if extension.oid == ExtensionOID.KEY_USAGE:
            usage = extension.value
            require(usage.digital_signature or usage.content_commitment, "the signer's key is not one to sign with")


def key_type(certificate: x509.Certificate) -> str | None:
    """Name the kind of a certificate's key; None for kinds that nobody here asks for."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as failure:
        raise Refused("the signer's certificate has no key that is known") from failure
    if isinstance(key, ec.EllipticCurvePublicKey):
        return CURVES.get(key.curve.name)
    return f"RSA-{key.key_size}" if isinstance(key, rsa.RSAPublicKey) else None


def _require_good(certificate: x509.Certificate, index: int, path: list[x509.Certificate], at: int) -> None:
    then = EPOCH + timedelta(microseconds=at)
    valid = certificate.not_valid_before_utc <= then <= certificate.not_valid_after_utc
    require(valid, "a certificate was not valid then")
    unknown = [one.oid for one in certificate.extensions if one.critical and one.oid not in KNOWN]
    require(not unknown, "a certificate has a critical extension that is not known")
    narrowed = [one for one in certificate.extensions if one.oid == ExtensionOID.NAME_CONSTRAINTS]
    require(not narrowed, "a certificate is for some names only")
    _require_strong(certificate)
    if index:
        _require_authority(certificate, between=index - 1)


def _require_strong(certificate: x509.Certificate) -> None:
    key = certificate.public_key()
    strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA
    require(strong or key_type(certificate) in CURVES.values(), "a certificate has a weak or an unknown key")


def _require_authority(certificate: x509.Certificate, between: int) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound as failure:
        raise Refused("an issuer does not say that it is a CA") from failure
    require(constraints.ca and usage.key_cert_sign, "an issuer is not a CA that may sign certificates")
    longest = constraints.path_length
    require(longest is None or between <= longest, "there are more CAs than an issuer allows")


def _require_issued(certificate: x509.Certificate, issuer: x509.Certificate) -> None:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (*UNREADABLE, InvalidSignature) as failure:
        raise Refused("a certificate was not issued by the next") from failure
