"""Building a certificate, linting it under a throwaway key, and only then signing exactly that.

Source: RFC 5280 sections 4.1 and 4.2, EN 319 412-2 clauses 4.3 and 4.4.
"""

from dataclasses import dataclass
from functools import cache
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID

from dss.ca import lint
from dss.ca.model import Authority, CaSettings, Validity
from dss.ca.profiles import Profile
from dss.ca.publickeys import CURVES, HASHES, RSA_EXPONENT, PublicKey, require_offered, spec_of
from dss.ca.statements import identifier_semantics
from dss.kernel.errors import DssError
from dss.kernel.keyspec import KeySpec

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
Extension = tuple[x509.ExtensionType, bool]

KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True)
class Issuer:
    """Who signs.

    ca:          the issuer's name in URLs.
    key_name:    its key in the HSM.
    certificate: its own; None while a root signs itself.
    """

    ca: str
    key_name: str
    subject: x509.Name
    public_key: PublicKey
    certificate: x509.Certificate | None

    @classmethod
    def of(cls, authority: Authority) -> Self:
        """Return a CA that is set up as an issuer."""
        own = x509.load_der_x509_certificate(authority.certificate.der)
        return cls(authority.name, authority.key_name, own.subject, require_offered(own.public_key()), own)


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be certified."""

    profile: Profile
    subject: x509.Name
    public_key: PublicKey
    validity: Validity
    serial: int


@dataclass(frozen=True, slots=True)
class Linted:
    """A certificate that passed the lint and waits for its issuer's signature.

    tbs: the bytes that were linted.
    """

    builder: x509.CertificateBuilder
    issuer: Issuer
    tbs: bytes

    def sign(self, key: PrivateKey) -> x509.Certificate:
        """Sign what was linted. Blocking.

        The linted bytes hold the issuer's name, key identifier and algorithm already, so those to be signed must be
        the same to the last bit. Raises DssError when they are not, or when the signature is not the issuer's.
        """
        certificate = self.builder.sign(key, HASHES[spec_of(self.issuer.public_key).natural_hash])
        if certificate.tbs_certificate_bytes != self.tbs:
            raise DssError("the certificate is not the one that was linted; the key may be of another kind")
        try:
            certificate.verify_directly_issued_by(self.issuer.certificate or certificate)
        except InvalidSignature as fault:
            raise DssError("the signature of the certificate does not verify with the issuer's key") from fault
        return certificate


def prepare(draft: Draft, issuer: Issuer, settings: CaSettings) -> Linted:
    """Build a certificate and lint it under a throwaway key of the issuer's kind. Blocking. Raises LintRefused.

    Once the issuer's key has signed it is too late: a bad certificate exists, stored or not.
    """
    builder = _builder(draft, issuer, settings)
    spec = spec_of(issuer.public_key)
    rehearsed = builder.sign(_throwaway_key(spec), HASHES[spec.natural_hash])
    lint.require_clean(rehearsed.public_bytes(Encoding.DER), draft.profile)
    return Linted(builder, issuer, rehearsed.tbs_certificate_bytes)


@cache
def _throwaway_key(spec: KeySpec) -> PrivateKey:
    if spec.is_rsa:
        return rsa.generate_private_key(RSA_EXPONENT, spec.bits)
    return ec.generate_private_key(CURVES[spec])


def _builder(draft: Draft, issuer: Issuer, settings: CaSettings) -> x509.CertificateBuilder:
    builder = (
        x509.CertificateBuilder()
        .serial_number(draft.serial)
        .issuer_name(issuer.subject)
        .subject_name(draft.subject)
        .public_key(draft.public_key)
        .not_valid_before(draft.validity.not_before)
        .not_valid_after(draft.validity.not_after)
    )
    extensions = _always(draft, issuer) + _by_profile(draft.profile, issuer, settings)
    if draft.subject.get_attributes_for_oid(x509.NameOID.SERIAL_NUMBER) and draft.profile.person_semantics:
        extensions.append((identifier_semantics(draft.profile.person_semantics), False))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return builder


def _always(draft: Draft, issuer: Issuer) -> list[Extension]:
    usage = {bit: bit in draft.profile.key_usage for bit in KEY_USAGES}
    return [
        (x509.KeyUsage(**usage), True),
        (x509.SubjectKeyIdentifier.from_public_key(draft.public_key), False),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key), False),
    ]


def _by_profile(profile: Profile, issuer: Issuer, settings: CaSettings) -> list[Extension]:
    extensions: list[Extension] = []
    if profile.authority:
        extensions.append((x509.BasicConstraints(ca=True, path_length=profile.authority.path_length), True))
    if profile.policy:
        policy = x509.PolicyInformation(x509.ObjectIdentifier(settings.policy_oid), None)
        extensions.append((x509.CertificatePolicies([policy]), False))
    if profile.issuer_urls:
        extensions += _issuer_urls(f"{settings.base_url}/pki/{issuer.ca}")
    return extensions


def _issuer_urls(url: str) -> list[Extension]:
    certificate, crl = (x509.UniformResourceIdentifier(f"{url}.{kind}") for kind in ("cer", "crl"))
    access = x509.AccessDescription(AuthorityInformationAccessOID.CA_ISSUERS, certificate)
    point = x509.DistributionPoint(full_name=[crl], relative_name=None, reasons=None, crl_issuer=None)
    return [(x509.AuthorityInformationAccess([access]), False), (x509.CRLDistributionPoints([point]), False)]
