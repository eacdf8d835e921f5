"""Root and issuing CA are made once, whatever happens in between."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from dss.kernel.errors import Conflict, HsmUnavailable, NotFound, Unavailable
from tests.world.authorities import ISSUING, ROOT, Authorities
from tests.world.clock import START


@pytest.fixture
def world(database):
    return Authorities.over(database)


async def test_an_issuing_ca_stands_under_its_root(world):
    await world.set_up()

    issuing, root = (x509.load_der_x509_certificate(der) for der in await world.ca.chain("demo-issuing"))
    issuing.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    assert root.subject == ROOT.subject()
    assert issuing.subject == ISSUING.subject()


async def test_a_ca_holds_as_long_as_its_profile_says(world):
    await world.set_up()

    root = (await world.ca.certificate("demo-root")).validity
    issuing = (await world.ca.certificate("demo-issuing")).validity
    assert (root.not_before, root.not_after) == (START, START + timedelta(days=7300))
    assert (issuing.not_before, issuing.not_after) == (START, START + timedelta(days=3650))


async def test_an_issuing_ca_does_not_outlive_its_root(world):
    root = await world.ca.create_root(ROOT)
    world.clock.move(timedelta(days=7000).total_seconds())
    issuing = await world.ca.create_issuing(ISSUING, "demo-root")

    assert issuing.certificate.validity.not_after == root.certificate.validity.not_after


async def test_set_up_done_again_changes_nothing(world):
    await world.set_up()
    before = await world.ca.chain("demo-issuing"), dict(world.keys.keys), await world.ca.crl("demo-root")

    await world.set_up()

    assert (await world.ca.chain("demo-issuing"), world.keys.keys, await world.ca.crl("demo-root")) == before


async def test_set_up_is_audited_once(world):
    await world.set_up()
    await world.set_up()

    assert await world.kinds("ca:demo-issuing") == ["ca.created", "crl.published"]
    certificate = await world.ca.certificate("demo-issuing")
    assert await world.kinds(f"certificate:{certificate.serial}") == ["certificate.issued"]


async def test_a_name_belongs_to_one_ca(world):
    await world.set_up()

    with pytest.raises(Conflict, match="another CA"):
        await world.ca.create_root(replace(ROOT, common_name="Other Root CA"))
    with pytest.raises(Conflict, match="another CA"):
        await world.ca.create_root(ISSUING)


async def test_two_set_ups_at_a_time_make_one_ca(world):
    one, other = await asyncio.gather(world.ca.create_root(ROOT), world.ca.create_root(ROOT))

    assert one == other
    assert await world.ca.chain("demo-root") == (one.certificate.der,)


@pytest.mark.parametrize("call", range(1, 5))
async def test_a_set_up_that_the_hsm_broke_off_is_finished_by_the_next(world, call):
    """A key that certifies nothing may be left over; it is in nobody's way."""
    with pytest.raises(HsmUnavailable):
        await world.with_keys(BreaksAt(world.keys, call)).create_root(ROOT)

    root = await world.ca.create_root(ROOT)

    assert (await world.ca.crl("demo-root")).number == 1
    assert (
        x509.load_der_x509_certificate(root.certificate.der).public_key() == world.keys.keys[root.key_name].public_key()
    )


async def test_a_ca_needs_a_parent_that_there_is(world):
    with pytest.raises(NotFound):
        await world.ca.create_issuing(ISSUING, "demo-root")


async def test_an_expired_root_certifies_nobody(world):
    await world.ca.create_root(ROOT)
    world.clock.move(timedelta(days=7300).total_seconds())

    with pytest.raises(Conflict, match="expired"):
        await world.ca.create_issuing(ISSUING, "demo-root")


async def test_a_process_without_the_keys_makes_no_ca_and_shows_those_there_are(world):
    await world.ca.create_root(ROOT)
    without = world.with_keys(None)

    with pytest.raises(Unavailable):
        await without.create_issuing(ISSUING, "demo-root")
    assert await without.chain("demo-root") == await world.ca.chain("demo-root")
    assert await without.crl("demo-root") == await world.ca.crl("demo-root")


@pytest.mark.parametrize("name", ["unknown", "", "demo-root' OR 1=1"])
async def test_of_an_unknown_ca_there_is_nothing(world, name):
    for ask in (world.ca.certificate, world.ca.crl, world.ca.chain, world.ca.publish_crl):
        with pytest.raises(NotFound):
            await ask(name)


class BreaksAt:
    """Keys whose n-th call finds the HSM away."""

    def __init__(self, keys, call):
        self._keys = keys
        self._left = call

    def __getattr__(self, name):
        async def verb(*arguments):
            self._left -= 1
            if self._left == 0:
                raise HsmUnavailable
            return await getattr(self._keys, name)(*arguments)

        return verb
