"""People are certified for keys that they hold, under the subject that was handed in."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from dss.ca.lint import LintRefused
from dss.ca.model import Reason
from dss.ca.tables import certificates
from dss.kernel.errors import BadRequest, Conflict, DssError, HsmUnavailable, Invalid, NotFound, Unavailable
from dss.kernel.keyspec import KeySpec
from tests.world.authorities import ALICE, SETTINGS, YEAR, Authorities, csr, wanted
from tests.world.cakeys import new_key
from tests.world.clock import START


@pytest.fixture
async def world(database):
    return await Authorities.over(database).set_up()


async def rows(world):
    async with world.database.read() as connection:
        return (
            await connection.execute(sa.select(certificates).where(certificates.c.requester != "operator:set-up"))
        ).all()


async def test_a_certificate_names_the_subject_handed_in_and_nothing_that_was_asked_for(world):
    """The request asks to be a CA called The Director."""
    key = new_key(KeySpec.P256)
    issued = await world.ca.issue(wanted(csr(key=key)))

    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert certificate.subject == ALICE.name()
    assert certificate.public_key() == key.public_key()
    assert "2.5.29.19" not in {extension.oid.dotted_string for extension in certificate.extensions}


async def test_the_chain_goes_from_the_issuing_ca_to_the_root(world):
    issued = await world.certify()

    certificate = x509.load_der_x509_certificate(issued.certificate)
    issuing, root = (x509.load_der_x509_certificate(der) for der in issued.chain)
    certificate.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(root)


async def test_a_certificate_holds_from_now_as_long_as_asked(world):
    world.clock.move(0.75)
    issued = x509.load_der_x509_certificate((await world.certify()).certificate)

    assert issued.not_valid_before_utc == START
    assert issued.not_valid_after_utc == START + YEAR


async def test_a_certificate_never_outlives_the_issuing_ca(world):
    """Seed row D6."""
    world.clock.move(timedelta(days=3600).total_seconds())
    issued = x509.load_der_x509_certificate((await world.certify()).certificate)

    assert issued.not_valid_after_utc == (await world.ca.certificate("demo-issuing")).validity.not_after


async def test_serial_numbers_are_positive_different_and_hard_to_guess(world):
    """RFC 5280 section 4.1.2.2: positive, at most 20 octets; EN 319 412-2 asks for no more. At least 64 random bits."""
    issued = [await world.certify() for _ in range(8)]
    serials = [x509.load_der_x509_certificate(one.certificate).serial_number for one in issued]

    assert len(set(serials)) == 8
    assert all(0 < serial < 2**159 for serial in serials)
    assert max(serials).bit_length() > 128
    assert len({serial >> 96 for serial in serials}) == len({serial & 2**32 - 1 for serial in serials}) == 8


async def test_the_register_holds_what_was_issued(world):
    issued = await world.certify()

    (row,) = await rows(world)
    certificate = x509.load_der_x509_certificate(issued.certificate)
    assert (row.der, row.sha256) == (issued.certificate, hashlib.sha256(issued.certificate).digest())
    assert (int(row.serial, 16), row.issuer, row.subject) == (
        certificate.serial_number,
        "demo-issuing",
        ALICE.rfc4514(),
    )
    assert (row.not_before, row.not_after) == (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    assert (row.status, row.revoked_at, row.reason, row.requester) == ("good", None, None, "device:d1")


async def test_issuing_is_audited_with_the_hash_of_the_certificate(world):
    issued = await world.certify()

    (row,) = await rows(world)
    (recorded,) = await world.audit.of_subject(f"certificate:{row.serial}")
    assert (recorded.event.kind, recorded.event.actor) == ("certificate.issued", "device:d1")
    assert recorded.event.details["sha256"] == hashlib.sha256(issued.certificate).hexdigest()


async def test_a_name_longer_than_64_bytes_is_certified_as_it_is(world):
    subject = replace(ALICE, common_name="Коваленко-Шевченко Олександра Володимирівна", organization="Зірка")
    issued = await world.certify(subject)

    assert subject.common_name.encode() in issued.certificate
    (row,) = await rows(world)
    assert row.subject == subject.rfc4514()


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (wanted(b""), BadRequest),
        (wanted(b"\x30\x03\x02\x01\x01"), BadRequest),
        (wanted(csr(key=rsa.generate_private_key(3, 2048))), Invalid),
        (wanted(csr(), validity=timedelta(days=1096)), Invalid),
        (wanted(csr(), validity=timedelta(0)), Invalid),
        (replace(wanted(csr()), profile="issuing"), Invalid),
        (replace(wanted(csr()), profile="no-such"), Invalid),
    ],
    ids=["empty", "no request", "weak key", "too long", "no time", "profile of a CA", "unknown profile"],
)
async def test_a_wrong_request_leaves_nothing(world, request_, error):
    with pytest.raises(error):
        await world.ca.issue(request_)

    assert await rows(world) == []


async def test_what_the_linter_refuses_is_not_signed(world, monkeypatch):
    signed = []
    monkeypatch.setattr(world.keys, "run", signed.append)
    unknown_country = replace(ALICE, country="QQ", serial_number="PNOQQ-1")

    with pytest.raises(LintRefused):
        await world.certify(unknown_country)

    assert signed == []
    assert await rows(world) == []


async def test_a_key_that_is_not_the_cas_issues_nothing(world):
    """T18: whoever exchanged the key in the token gets no certificate out of the server."""
    for name in world.keys.keys:
        world.keys.keys[name] = new_key(KeySpec.P384)

    with pytest.raises(DssError, match="does not verify"):
        await world.certify()

    assert await rows(world) == []


async def test_a_process_without_the_keys_issues_nothing(world):
    with pytest.raises(Unavailable):
        await world.with_keys(None).issue(wanted(csr()))


async def test_a_token_without_the_cas_key_is_no_fault_of_the_requester(world):
    world.keys.keys.clear()

    with pytest.raises(Unavailable, match="no key demo-issuing-"):
        await world.certify()


async def test_while_the_hsm_is_away_nothing_is_issued_and_afterwards_it_is(world):
    world.keys.away = True
    with pytest.raises(HsmUnavailable):
        await world.certify()
    world.keys.away = False
    await world.certify()

    assert len(await rows(world)) == 1


async def test_an_expired_ca_issues_nothing(world):
    world.clock.move(timedelta(days=3650).total_seconds())

    with pytest.raises(Conflict, match="expired"):
        await world.certify()


async def test_a_revoked_ca_issues_nothing(world):
    issuing = await world.ca.certificate("demo-issuing")
    await world.ca.revoke(issuing.serial, Reason.CA_COMPROMISE, "operator:o1")

    with pytest.raises(Conflict, match="revoked"):
        await world.certify()


async def test_before_set_up_there_is_nobody_to_issue(database):
    with pytest.raises(NotFound):
        await Authorities.over(database).certify()


async def test_many_are_certified_at_a_time(world):
    issued = await asyncio.gather(*(world.certify() for _ in range(10)))

    assert {row.der for row in await rows(world)} == {one.certificate for one in issued}


async def test_the_policy_is_the_operators(world):
    issued = x509.load_der_x509_certificate((await world.certify()).certificate)
    (policy,) = issued.extensions.get_extension_for_class(x509.CertificatePolicies).value

    assert policy.policy_identifier.dotted_string == SETTINGS.policy_oid
