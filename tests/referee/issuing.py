"""Paths of certificates for forged records: good ones, and each with one fault."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding

CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
BEFORE, AFTER = timedelta(days=400), timedelta(days=4000)
A_DAY = timedelta(days=1)
NOTHING = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)
CERT_SIGN = x509.KeyUsage(**{**NOTHING, "key_cert_sign": True, "crl_sign": True})
COMMITMENT = x509.KeyUsage(**{**NOTHING, "content_commitment": True})
STRANGE = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.32473.99"), b"\x05\x00")


@cache
def key_of(type: str, owner: str = "") -> Any:
    """A key of a type; one for each owner."""
    if type == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if type in CURVES:
        return ec.generate_private_key(CURVES[type])
    return rsa.generate_private_key(65537, int(type.removeprefix("RSA-")))


def named(text: str) -> x509.Name:
    """A name of one part."""
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


@dataclass(frozen=True, slots=True)
class Station:
    """A certificate that a path is to have.

    constraints, usage: None for a certificate without the extension.
    more, notes:        other extensions, critical and not.
    begins, ends:       the time of validity, counted from the moment it is needed.
    issuer, signer:     what it says and who signed it, where that is not the next station.
    """

    subject: x509.Name
    key: Any
    constraints: x509.BasicConstraints | None = field(default_factory=lambda: x509.BasicConstraints(True, None))
    usage: x509.KeyUsage | None = CERT_SIGN
    more: tuple[x509.ExtensionType, ...] = ()
    notes: tuple[x509.ExtensionType, ...] = ()
    begins: timedelta = -BEFORE
    ends: timedelta = AFTER
    issuer: x509.Name | None = None
    signer: Any = None

    def signed(self, above: "Station", at: datetime) -> bytes:
        """Have the certificate signed by the next."""
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(self.issuer or above.subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(at + self.begins)
            .not_valid_after(at + self.ends)
        )
        for extension in (self.constraints, self.usage, *self.more):
            builder = builder if extension is None else builder.add_extension(extension, critical=True)
        for extension in self.notes:
            builder = builder.add_extension(extension, critical=False)
        signer = self.signer or above.key
        hashed = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        return builder.sign(signer, hashed).public_bytes(Encoding.DER)


Fault = Callable[[list[Station]], list[Station]]


def stations(subject: x509.Name, key: Any) -> list[Station]:
    """A good path: a person, an issuing CA, a root."""
    return [
        Station(subject, key, constraints=None, usage=COMMITMENT, begins=-A_DAY, ends=30 * A_DAY),
        Station(named("Issuing CA"), key_of("P-256", "issuing"), x509.BasicConstraints(True, 0)),
        Station(named("Root CA"), key_of("P-256", "root"), x509.BasicConstraints(True, 1)),
    ]


def path(wanted: list[Station], at: datetime) -> list[bytes]:
    """Issue the certificates of a path, each by the next, the last by itself; DER."""
    return list(_issued(tuple(wanted), at.replace(microsecond=0)))


@cache
def _issued(wanted: tuple[Station, ...], at: datetime) -> tuple[bytes, ...]:
    above = (*wanted[1:], wanted[-1])
    return tuple(one.signed(next, at) for one, next in zip(wanted, above, strict=True))


def with_station(wanted: list[Station], index: int, **changes: Any) -> list[Station]:
    """The same path with one certificate changed."""
    return [*wanted[:index], replace(wanted[index], **changes), *wanted[index + 1 :]]
