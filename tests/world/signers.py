"""People with a key, and a certificate by a small authority of their own."""

from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dss.documents.model import PrepareFor
from dss.kernel.digest import ALGORITHMS
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from tests.world.cakeys import new_key
from tests.world.clock import START

YEAR = timedelta(days=365)
PSS = Scheme(Padding.PSS, 32)


@dataclass(frozen=True)
class SoftSigner:
    """Somebody who signs with a key in software.

    chain: certificates in DER: the signer's, the issuing authority's, the root's.
    """

    spec: KeySpec
    scheme: Scheme
    key: Any
    chain: tuple[bytes, ...]

    def how(self, reason: str = "") -> PrepareFor:
        """What preparing a document for this signer takes."""
        return PrepareFor(self.chain, self.spec, self.scheme, "Олена Коваль", START, reason)

    def sign(self, data: bytes) -> bytes:
        """Hash and sign."""
        hashed = getattr(hashes, ALGORITHMS[self.spec.natural_hash][0].upper())()
        if self.scheme.padding is Padding.ECDSA:
            return bytes(self.key.sign(data, ec.ECDSA(hashed)))
        pss = padding.PSS(padding.MGF1(hashed), self.scheme.salt_length)
        return bytes(self.key.sign(data, pss if self.scheme.padding is Padding.PSS else padding.PKCS1v15(), hashed))


@cache
def soft_signer(spec: KeySpec = KeySpec.P256, scheme: Scheme | None = None, name: str = "Олена Коваль") -> SoftSigner:
    """Make somebody, with a root and an issuing authority; the same for the same words."""
    root, issuing, own = new_key(KeySpec.P256), new_key(KeySpec.P256), new_key(spec)
    chain = (
        _certificate(name, own, "Issuing CA", issuing),
        _certificate("Issuing CA", issuing, "Root CA", root, is_ca=True),
        _certificate("Root CA", root, "Root CA", root, is_ca=True),
    )
    return SoftSigner(spec, scheme or Scheme.default_for(spec), own, chain)


def _certificate(name: str, key: Any, issuer: str, issuer_key: Any, *, is_ca: bool = False) -> bytes:
    builder = (
        x509.CertificateBuilder(_named(issuer), _named(name), key.public_key(), x509.random_serial_number())
        .not_valid_before(START - YEAR)
        .not_valid_after(START + YEAR)
        .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
        .add_extension(_usage(is_ca), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    return builder.sign(issuer_key, hashes.SHA256()).public_bytes(Encoding.DER)


def _usage(is_ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        content_commitment=not is_ca,
        key_cert_sign=is_ca,
        crl_sign=is_ca,
        digital_signature=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
