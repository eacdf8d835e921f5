"""Certificates that clients prove themselves with, and that tokens are bound to. Source: RFC 8705."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from dss.kernel import b64
from dss.kernel.errors import BadRequest, Invalid

LONGEST = 16 * 1024
BEGINS = b"-----BEGIN CERTIFICATE-----"


def from_header(text: str) -> bytes:
    """Read what a proxy hands on of a TLS connection: the certificate, DER.

    text: `:base64:` (RFC 9440 section 2.1), or a PEM text, percent-encoded (nginx's $ssl_client_escaped_cert).
    Raises BadRequest.
    """
    if len(text) > LONGEST:
        raise BadRequest(f"the header of a client certificate has at most {LONGEST} characters")
    try:
        certificate = _from_field(text) if text.startswith(":") else _from_pem(unquote_to_bytes(text))
    except (BadRequest, ValueError, x509.InvalidVersion) as fault:
        raise BadRequest("the header of a client certificate holds no certificate, or more than one") from fault
    return certificate.public_bytes(Encoding.DER)


def fingerprint(certificate: bytes) -> str:
    """Return what registrations know a certificate by: SHA-256 of its DER, lower-case hex."""
    return hashlib.sha256(certificate).hexdigest()


def x5t(certificate: bytes) -> str:
    """Return what tokens are bound to a certificate by, x5t#S256 (RFC 8705 section 3.1)."""
    return b64.url_encode(hashlib.sha256(certificate).digest())


def is_registered(certificate: bytes, fingerprints: Collection[str]) -> bool:
    """Tell whether a certificate is one of those that were registered as they are (RFC 8705 section 2.2)."""
    mark = fingerprint(certificate).encode()
    return any(hmac.compare_digest(mark, known.encode()) for known in fingerprints)


@dataclass(frozen=True, slots=True)
class ClientCertificates:
    """Tells whether a certificate is by a CA that clients may have theirs by.

    cas: each is trusted by itself, so that a file may hold issuing CAs only.
    """

    cas: tuple[x509.Certificate, ...] = ()

    @classmethod
    def of_file(cls, cas: Path | None) -> Self:
        """Read the CAs of a PEM file, if one is named. Raises Invalid."""
        if cas is None:
            return cls()
        try:
            return cls(tuple(x509.load_pem_x509_certificates(cas.read_bytes())))
        except (OSError, ValueError) as fault:
            raise Invalid(f"{cas} is not a file of CA certificates in PEM") from fault

    def is_certified(self, certificate: bytes, subject: str, now: datetime) -> bool:
        """Tell whether one of the CAs certified a subject (RFC 4514), now, for TLS clients (RFC 8705 section 2.1)."""
        try:
            leaf = x509.load_der_x509_certificate(certificate)
            self._verify(leaf, now)
            return leaf.subject == x509.Name.from_rfc4514_string(subject)
        except (VerificationError, ValueError):
            return False

    def _verify(self, leaf: x509.Certificate, now: datetime) -> None:
        if not self.cas:
            raise VerificationError("no CA of clients is known")
        # Clients are known by their subject: their certificates need no other name, unlike those of servers.
        named = ExtensionPolicy.webpki_defaults_ee().may_be_present(
            x509.SubjectAlternativeName, Criticality.AGNOSTIC, None
        )
        policy = PolicyBuilder().store(Store(list(self.cas))).time(now)
        policy = policy.extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=named)
        policy.build_client_verifier().verify(leaf, [])


def _from_field(text: str) -> x509.Certificate:
    """Read a byte sequence (RFC 9651 section 3.3.5): base64 between two colons."""
    if not text.endswith(":"):
        raise BadRequest("a byte sequence ends in a colon")
    return x509.load_der_x509_certificate(b64.decode(text[1:-1]))


def _from_pem(pem: bytes) -> x509.Certificate:
    if pem.count(BEGINS) != 1:
        raise BadRequest("a PEM text of one certificate is needed")
    return x509.load_pem_x509_certificate(pem)
