"""What was revoked is published, under rising numbers, before the last CRL ends."""

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from cryptography import x509

from dss.ca.model import Reason
from dss.kernel.errors import Conflict, Expired, HsmUnavailable, NotFound, Unavailable
from tests.world.authorities import Authorities
from tests.world.clock import START

DAY = timedelta(days=1)


@pytest.fixture
async def world(database):
    return await Authorities.over(database).set_up()


def serial_of(issued):
    return f"{x509.load_der_x509_certificate(issued.certificate).serial_number:x}"


async def read(world, name="demo-issuing"):
    crl = x509.load_der_x509_crl((await world.ca.crl(name)).der)
    issuer = x509.load_der_x509_certificate((await world.ca.certificate(name)).der)
    assert crl.is_signature_valid(issuer.public_key())
    assert crl.issuer == issuer.subject
    return crl


def number_of(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


@pytest.mark.parametrize(("name", "days"), [("demo-root", 365), ("demo-issuing", 3)])
async def test_each_ca_has_an_empty_crl_from_its_set_up_on(world, name, days):
    crl = await read(world, name)

    assert (len(crl), number_of(crl)) == (0, 1)
    assert (crl.last_update_utc, crl.next_update_utc) == (START, START + days * DAY)


async def test_a_revoked_certificate_is_on_the_next_crl(world):
    """RFC 5280 sections 5.1.2.6 and 5.3.1."""
    serial = serial_of(await world.certify())
    world.clock.move(60.5)
    await world.ca.revoke(serial, Reason.KEY_COMPROMISE, "operator:o1")

    crl = await read(world)
    (entry,) = crl
    assert (number_of(crl), f"{entry.serial_number:x}") == (2, serial)
    assert entry.revocation_date_utc == START + timedelta(seconds=60)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise


async def test_an_unspecified_reason_is_not_written(world):
    """RFC 5280 section 5.3.1: the extension should be absent."""
    await world.ca.revoke(serial_of(await world.certify()), Reason.UNSPECIFIED, "operator:o1")

    (entry,) = await read(world)
    assert list(entry.extensions) == []


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_one_of_the_standard(reason):
    assert x509.ReasonFlags(reason.value).value == reason.value


async def test_a_revocation_is_audited_with_its_reason(world):
    serial = serial_of(await world.certify())
    await world.ca.revoke(serial, Reason.SUPERSEDED, "operator:o1")

    issued, revoked = await world.audit.of_subject(f"certificate:{serial}")
    assert (issued.event.kind, revoked.event.kind) == ("certificate.issued", "certificate.revoked")
    assert (revoked.event.actor, revoked.event.details) == ("operator:o1", {"reason": "superseded"})


async def test_a_certificate_is_revoked_once(world):
    serial = serial_of(await world.certify())
    outcomes = await asyncio.gather(
        *(world.ca.revoke(serial, Reason.SUPERSEDED, f"operator:{n}") for n in range(5)), return_exceptions=True
    )

    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 4
    assert (await world.kinds(f"certificate:{serial}")).count("certificate.revoked") == 1


async def test_an_unknown_certificate_cannot_be_revoked(world):
    with pytest.raises(NotFound):
        await world.ca.revoke("1f00d", Reason.SUPERSEDED, "operator:o1")


async def test_a_revoked_certificate_stays_listed_after_it_has_expired(world):
    """Signatures are checked long after the certificate has ended."""
    await world.ca.revoke(serial_of(await world.certify()), Reason.KEY_COMPROMISE, "operator:o1")
    world.clock.move((400 * DAY).total_seconds())
    await world.ca.publish_due()

    assert len(await read(world)) == 1


async def test_each_ca_lists_what_it_issued_itself(world):
    issuing = await world.ca.certificate("demo-issuing")
    await world.ca.revoke(issuing.serial, Reason.CESSATION_OF_OPERATION, "operator:o1")

    (entry,) = await read(world, "demo-root")
    assert f"{entry.serial_number:x}" == issuing.serial
    assert len(await read(world)) == 0


async def test_nothing_is_due_on_the_first_day(world):
    world.clock.move(DAY.total_seconds() - 1)

    assert await world.ca.publish_due() == []


async def test_a_crl_is_followed_by_the_next_well_before_it_ends(world):
    world.clock.move(DAY.total_seconds())
    (published,) = await world.ca.publish_due()

    crl = await read(world)
    assert (published.issuer, published.number, number_of(crl)) == ("demo-issuing", 2, 2)
    assert (crl.last_update_utc, crl.next_update_utc) == (START + DAY, START + 4 * DAY)
    assert await world.ca.publish_due() == []


async def test_a_revocation_that_could_not_be_published_is_published_by_the_worker(world):
    """The fact stands although the HSM is away."""
    serial = serial_of(await world.certify())
    world.keys.away = True
    with pytest.raises(HsmUnavailable):
        await world.ca.revoke(serial, Reason.KEY_COMPROMISE, "operator:o1")
    with pytest.raises(HsmUnavailable):
        await world.ca.publish_due()
    assert len(await read(world)) == 0

    world.keys.away = False
    await world.ca.publish_due()

    (entry,) = await read(world)
    assert f"{entry.serial_number:x}" == serial


async def test_a_process_without_the_keys_revokes_and_leaves_the_crl_to_the_worker(world):
    serial = serial_of(await world.certify())
    with pytest.raises(Unavailable):
        await world.with_keys(None).revoke(serial, Reason.KEY_COMPROMISE, "operator:o1")

    (published,) = await world.ca.publish_due()
    assert published.entries == 1


async def test_a_revocation_goes_with_the_transaction_of_its_cause(world):
    serial = serial_of(await world.certify())
    with pytest.raises(Expired):
        async with world.database.write() as connection:
            await world.ca.mark_revoked(connection, serial, Reason.KEY_COMPROMISE, "device:d1")
            raise Expired

    assert await world.ca.publish_due() == []
    assert await world.kinds(f"certificate:{serial}") == ["certificate.issued"]


async def test_what_a_process_without_the_keys_marks_is_published_by_the_worker_s_next_look(world):
    serials = [serial_of(await world.certify()) for _ in range(2)]
    async with world.database.write() as connection:
        for serial in serials:
            await world.with_keys(None).mark_revoked(connection, serial, Reason.SUPERSEDED, "device:d1")

    (published,) = await world.ca.publish_due()

    assert (published.issuer, published.entries) == ("demo-issuing", 2)
    assert {f"{entry.serial_number:x}" for entry in await read(world)} == set(serials)
    assert await world.ca.publish_due() == []


async def test_a_mark_is_refused_as_a_revocation_is(world):
    serial = serial_of(await world.certify())
    await world.ca.revoke(serial, Reason.SUPERSEDED, "operator:o1")
    for wrong, refusal in ((serial, Conflict), ("1f00d", NotFound)):
        with pytest.raises(refusal):
            async with world.database.write() as connection:
                await world.ca.mark_revoked(connection, wrong, Reason.SUPERSEDED, "device:d1")


async def test_a_look_at_lists_that_are_not_due_is_one_query(world):
    """The worker looks every few seconds."""
    asked = []
    listening = (world.database._engine.sync_engine, "before_cursor_execute", lambda *told: asked.append(told[2]))
    sa.event.listen(*listening)
    assert await world.ca.publish_due() == []
    sa.event.remove(*listening)

    assert len(asked) == 1


async def test_numbers_rise_even_when_a_crl_was_lost_on_the_way(world):
    """RFC 5280 section 5.2.3."""
    world.keys.away = True
    with pytest.raises(HsmUnavailable):
        await world.ca.publish_crl("demo-issuing")
    world.keys.away = False
    numbers = [(await world.ca.publish_crl("demo-issuing")).number for _ in range(3)]

    assert numbers == sorted(set(numbers))
    assert min(numbers) > 1
    assert (await world.ca.crl("demo-issuing")).number == numbers[-1]


async def test_of_crls_published_at_a_time_the_highest_number_lists_the_most(world):
    serials = [serial_of(await world.certify()) for _ in range(6)]
    await asyncio.gather(*(world.ca.revoke(serial, Reason.SUPERSEDED, "operator:o1") for serial in serials))

    assert {f"{entry.serial_number:x}" for entry in await read(world)} == set(serials)
