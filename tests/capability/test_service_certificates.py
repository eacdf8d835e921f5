"""The server's seal has a certificate of the installation's own CA, and has another before it ends."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from dss.ca.lint import faults_of
from dss.ca.model import Reason
from dss.ca.profiles import Rules
from dss.ca.service import Ca, IssueRequest
from dss.ca.service_certificates import ServiceCertificates
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.hsm.token import Token
from dss.infra.db import Database
from dss.kernel.errors import Conflict, HsmUnavailable, Invalid, NotFound, Unavailable
from tests.world.authorities import ALICE, YEAR, Authorities, csr
from tests.world.clock import START
from tests.world.servicekeys import SoftwareServiceKeys
from tests.world.softhsm import SoftHsm

SEAL = KeyName.EVIDENCE_SEAL
LIFE = timedelta(days=1095)
RENEWED = LIFE - timedelta(days=30)


@dataclass
class Site:
    """An installation: its CAs, the server's keys, and the certificates of these."""

    authorities: Authorities
    keys: SoftwareServiceKeys
    certificates: ServiceCertificates

    def with_keys(self, keys: ServiceKeys, ca: Ca | None = None, name: str = "Acme") -> ServiceCertificates:
        """The same on another node, or of another name."""
        return ServiceCertificates(ca or self.authorities.ca, keys, self.authorities.clock, name, "demo-issuing")

    async def ensured(self) -> x509.Certificate:
        """The certificate of the seal once it is ensured."""
        return x509.load_der_x509_certificate((await self.certificates.ensure(SEAL)).certificate)

    def move(self, time: timedelta) -> None:
        self.authorities.clock.move(time.total_seconds())


def site_of(authorities: Authorities) -> Site:
    keys = SoftwareServiceKeys()
    certificates = ServiceCertificates(authorities.ca, keys, authorities.clock, "Acme", "demo-issuing")
    return Site(authorities, keys, certificates)


@pytest.fixture
async def site(database: Database) -> Site:
    return site_of(await Authorities.over(database).set_up())


@pytest.fixture
def hsm_keys(softhsm: SoftHsm) -> Iterator[ServiceKeys]:
    token = Token(softhsm.service)
    yield ServiceKeys(token)
    token.close()


async def test_the_certificate_is_for_the_key_of_the_seal_and_names_installation_and_organisation(site: Site):
    certificate = await site.ensured()

    assert certificate.public_key() == await site.keys.public_key(SEAL)
    named = [(one.oid, one.value) for one in certificate.subject]
    assert named == [
        (NameOID.COUNTRY_NAME, "UA"),
        (NameOID.ORGANIZATION_NAME, "Demo Trust Services"),
        (NameOID.COMMON_NAME, "Acme evidence seal"),
    ]


async def test_it_seals_and_does_nothing_else(site: Site):
    """RFC 5280 section 4.2.1.3: it is no CA's, no login's and no person's."""
    certificate = await site.ensured()

    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
    bits = (usage.value.content_commitment, usage.value.digital_signature, usage.value.key_agreement)
    assert (usage.critical, bits, usage.value.key_cert_sign) == (True, (True, False, False), False)
    present = {extension.oid.dotted_string for extension in certificate.extensions}
    assert not present & {"2.5.29.19", "2.5.29.37", "1.3.6.1.5.5.7.1.3"}


async def test_the_linter_finds_nothing(site: Site):
    issued = await site.certificates.ensure(SEAL)

    assert faults_of(issued.certificate, Rules.PKIX) == []


async def test_a_pdf_validator_finds_its_way_to_the_root(site: Site):
    issued = await site.certificates.ensure(SEAL)
    seal, issuing, root = (asn1.Certificate.load(der) for der in (issued.certificate, *issued.chain))

    context = ValidationContext(
        trust_roots=[root], moment=site.authorities.clock.now() + timedelta(seconds=1), allow_fetching=False
    )
    validator = CertificateValidator(seal, [issuing], validation_context=context)
    path = await validator.async_validate_usage({"non_repudiation"})

    assert len(path) == 3


async def test_a_certificate_that_is_there_is_kept(site: Site):
    first = await site.certificates.ensure(SEAL)
    made = site.keys.signatures_made

    site.move(RENEWED)

    assert await site.certificates.ensure(SEAL) == first == await site.certificates.get(SEAL)
    assert site.keys.signatures_made == made


async def test_less_than_30_days_before_its_end_there_is_another(site: Site):
    first = await site.certificates.ensure(SEAL)
    site.move(RENEWED + timedelta(seconds=1))

    assert await site.certificates.get(SEAL) == first
    second = await site.certificates.ensure(SEAL)

    assert second != first
    assert await site.certificates.get(SEAL) == second
    held = x509.load_der_x509_certificate(second.certificate)
    assert held.not_valid_after_utc == START + RENEWED + timedelta(seconds=1) + LIFE


async def test_towards_the_end_of_the_issuing_ca_there_is_one_more_and_not_one_each_round(site: Site):
    site.move(timedelta(days=3650 - 20))

    certificates = [await site.certificates.ensure(SEAL) for _ in range(3)]

    assert len(set(certificates)) == 1
    end = x509.load_der_x509_certificate(certificates[0].certificate).not_valid_after_utc
    assert end == START + timedelta(days=3650)


async def test_another_key_gets_a_certificate_of_its_own(site: Site):
    first = await site.certificates.ensure(SEAL)
    replaced = site.with_keys(SoftwareServiceKeys())

    with pytest.raises(Unavailable, match="evidence-seal has no certificate"):
        await replaced.get(SEAL)
    second = await replaced.ensure(SEAL)

    assert second != first
    assert await replaced.get(SEAL) == second
    assert await site.certificates.get(SEAL) == first


async def test_a_revoked_certificate_is_used_no_more_and_replaced(site: Site):
    first = await site.ensured()
    await site.authorities.ca.revoke(f"{first.serial_number:x}", Reason.SUPERSEDED, "operator:o1")

    with pytest.raises(Unavailable):
        await site.certificates.get(SEAL)

    assert (await site.ensured()).serial_number != first.serial_number


async def test_an_ended_certificate_is_as_good_as_none(site: Site):
    await site.certificates.ensure(SEAL)
    site.move(LIFE)

    with pytest.raises(Unavailable):
        await site.certificates.get(SEAL)

    assert (await site.ensured()).not_valid_before_utc == START + LIFE


async def test_before_there_is_one_it_is_said_who_issues_it(site: Site):
    with pytest.raises(Unavailable, match="evidence-seal has no certificate yet; the worker will issue it"):
        await site.certificates.get(SEAL)


async def test_its_issuance_is_audited(site: Site):
    certificate = await site.ensured()

    (recorded,) = await site.authorities.audit.of_subject(f"certificate:{certificate.serial_number:x}")
    assert (recorded.event.kind, recorded.event.actor) == ("certificate.issued", "server")
    assert recorded.event.details["issuer"] == "demo-issuing"


async def test_a_process_without_the_keys_of_the_ca_uses_and_does_not_issue(site: Site):
    other = site.with_keys(site.keys, ca=site.authorities.with_keys(None))
    with pytest.raises(Unavailable, match="token of the CA keys"):
        await other.ensure(SEAL)

    issued = await site.certificates.ensure(SEAL)

    assert await other.get(SEAL) == issued == await other.ensure(SEAL)


async def test_two_workers_at_a_time_leave_one_that_is_good(site: Site):
    issued = await asyncio.gather(*(site.certificates.ensure(SEAL) for _ in range(2)))

    assert await site.certificates.get(SEAL) in issued
    assert await site.certificates.ensure(SEAL) in issued


async def test_of_a_long_name_of_the_installation_the_beginning_is_certified(site: Site):
    """RFC 5280 appendix A.1: ub-common-name is 64."""
    issued = await site.with_keys(site.keys, name="Ж" * 49 + " Б" * 40).ensure(SEAL)

    subject = asn1.Certificate.load(issued.certificate).subject.native
    assert subject["common_name"] == "Ж" * 49 + " evidence seal"


async def test_while_the_hsm_is_away_nothing_is_issued(site: Site):
    site.keys.stopped = True
    for verb in (site.certificates.ensure, site.certificates.get):
        with pytest.raises(HsmUnavailable):
            await verb(SEAL)

    site.keys.stopped = False
    site.authorities.keys.away = True
    with pytest.raises(HsmUnavailable):
        await site.certificates.ensure(SEAL)


async def test_a_revoked_ca_certifies_no_seal(site: Site):
    issuing = await site.authorities.ca.certificate("demo-issuing")
    await site.authorities.ca.revoke(issuing.serial, Reason.CA_COMPROMISE, "operator:o1")

    with pytest.raises(Conflict, match="revoked"):
        await site.certificates.ensure(SEAL)


async def test_before_the_ca_is_set_up_there_is_nobody_to_issue(database: Database):
    with pytest.raises(NotFound):
        await site_of(Authorities.over(database)).certificates.ensure(SEAL)


async def test_a_person_gets_no_seal(site: Site):
    request = IssueRequest(csr(), ALICE, "seal", YEAR, "device:d1")

    with pytest.raises(Invalid, match="the profile seal is not for such a subject"):
        await site.authorities.ca.issue(request)


async def test_the_key_of_a_real_hsm_is_certified(site: Site, hsm_keys: ServiceKeys):
    issued = await site.with_keys(hsm_keys).ensure(SEAL)

    key = x509.load_der_x509_certificate(issued.certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key == await hsm_keys.public_key(SEAL)
