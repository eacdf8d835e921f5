"""Full CRLs: everything that a CA has revoked, signed by it. Source: RFC 5280 section 5."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from dss.ca.issuing import Issuer, PrivateKey
from dss.ca.model import Reason, Revoked
from dss.ca.publickeys import HASHES, spec_of
from dss.kernel.errors import DssError


@dataclass(frozen=True, slots=True)
class CrlDraft:
    """What a CRL says.

    revoked: all entries, expired certificates too: a signature is checked long after its certificate has ended.
    """

    number: int
    this_update: datetime
    next_update: datetime
    revoked: Sequence[Revoked]


def sign_crl(draft: CrlDraft, issuer: Issuer, key: PrivateKey) -> x509.CertificateRevocationList:
    """Sign a CRL. Blocking. Raises DssError when the signature is not the issuer's."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(draft.this_update)
        .next_update(draft.next_update)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key), critical=False)
        .add_extension(x509.CRLNumber(draft.number), critical=False)
    )
    for entry in draft.revoked:
        builder = builder.add_revoked_certificate(_entry(entry))
    signed = builder.sign(key, HASHES[spec_of(issuer.public_key).natural_hash])
    if not signed.is_signature_valid(issuer.public_key):
        raise DssError("the signature of the CRL does not verify with the issuer's key")
    return signed


def _entry(revoked: Revoked) -> x509.RevokedCertificate:
    entry = x509.RevokedCertificateBuilder().serial_number(int(revoked.serial, 16)).revocation_date(revoked.at)
    if revoked.reason is not Reason.UNSPECIFIED:  # section 5.3.1: then the extension should be absent
        entry = entry.add_extension(x509.CRLReason(x509.ReasonFlags(revoked.reason.value)), critical=False)
    return entry.build()
