"""TLS certificates of clients, and the CA of some of them."""

from datetime import timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.world.clock import START

CLIENT_AUTH, SERVER_AUTH = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


class TlsCa:
    """Certifies clients; what it makes is good for thirty days around START."""

    def __init__(self, name: str = "CN=Clients CA") -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name.from_rfc4514_string(name)
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        made = _builder(self.name, self.name, self.key.public_key())
        made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        made = made.add_extension(usage, critical=True)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
        self.certificate = made.sign(self.key, hashes.SHA256())

    @property
    def pem(self) -> bytes:
        """The CA's certificate as files hold it."""
        return self.certificate.public_bytes(Encoding.PEM)

    def client(self, subject: str, usage: x509.ObjectIdentifier = CLIENT_AUTH) -> bytes:
        """Return a certificate, DER."""
        key = ec.generate_private_key(ec.SECP256R1()).public_key()
        made = _builder(x509.Name.from_rfc4514_string(subject), self.name, key)
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        return made.add_extension(issuer, critical=False).sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)


def self_signed(subject: str = "CN=Acme") -> bytes:
    """Return a certificate by its own key, DER."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    return _builder(name, name, key.public_key()).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    made = made.serial_number(x509.random_serial_number())
    return made.not_valid_before(START - timedelta(days=1)).not_valid_after(START + timedelta(days=30))
