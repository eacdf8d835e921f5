"""A demo hierarchy of two CAs, people to certify, and their certification requests."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from dss.audit.service import Audit
from dss.ca.model import CaSettings, NewAuthority, Subject
from dss.ca.service import Ca, Issued, IssueRequest
from dss.hsm.cakeys import CaKeys
from dss.infra.db import Database
from dss.kernel.ids import Ids
from dss.kernel.keyspec import KeySpec
from tests.world.cakeys import SoftCaKeys, new_key
from tests.world.clock import HandClock

POLICY = "1.3.6.1.4.1.32473.1.1"
SETTINGS = CaSettings("http://127.0.0.1:8080", POLICY, "demo-issuing")
ROOT = NewAuthority("demo-root", "Demo Root CA", "Demo Trust Services", "UA")
ISSUING = NewAuthority("demo-issuing", "Demo Issuing CA", "Demo Trust Services", "UA")
ALICE = Subject("UA", "Олена Коваль", "Олена", "Коваль", "PNOUA-3012345678")
YEAR = timedelta(days=365)


def csr(spec: KeySpec = KeySpec.P256, key: Any = None) -> bytes:
    """A certification request of somebody who would like to be more than they are."""
    builder = (
        x509.CertificateSigningRequestBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "The Director")]))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return builder.sign(key or new_key(spec), hashes.SHA256()).public_bytes(Encoding.DER)


def wanted(der: bytes, subject: Subject = ALICE, validity: timedelta = YEAR) -> IssueRequest:
    """A request for a signer's certificate."""
    return IssueRequest(der, subject, "signer", validity, "device:d1")


@dataclass
class Authorities:
    """The CA service with what it stands on."""

    database: Database
    clock: HandClock
    keys: SoftCaKeys
    audit: Audit
    ca: Ca

    @classmethod
    def over(cls, database: Database) -> "Authorities":
        """Build the service over an empty database, with keys in software."""
        clock, keys = HandClock(), SoftCaKeys()
        audit = Audit(database, clock, Ids(clock))
        ca = Ca(database, cast("CaKeys", keys), audit, clock, SETTINGS)
        return cls(database, clock, keys, audit, ca)

    def with_keys(self, keys: object) -> Ca:
        """The service of another process over the same database, with other keys or with None."""
        return Ca(self.database, cast("CaKeys | None", keys), self.audit, self.clock, SETTINGS)

    async def set_up(self) -> "Authorities":
        """Make root and issuing CA."""
        await self.ca.create_root(ROOT)
        await self.ca.create_issuing(ISSUING, "demo-root")
        return self

    async def certify(self, subject: Subject = ALICE, spec: KeySpec = KeySpec.P256) -> Issued:
        """Issue a signer's certificate for a year."""
        return await self.ca.issue(wanted(csr(spec), subject))

    async def kinds(self, subject: str) -> list[str]:
        """The kinds of events on a subject, oldest first."""
        return [one.event.kind for one in await self.audit.of_subject(subject)]
