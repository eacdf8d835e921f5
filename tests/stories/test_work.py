"""Stories of the work after a confirmation: what fails again and again, what comes late, what was tampered with."""

from typing import Any

import pytest
import sqlalchemy as sa

from dss.credentials.making import Making
from dss.credentials.service import Credentials
from dss.credentials.tables import credentials
from dss.hsm.token import Refused as HsmRefused
from dss.kernel.errors import Unavailable
from dss.transactions import store
from dss.transactions.machine import Work
from mobile_mock.phone import Phone
from tests.stories.test_answers import open_one, start, state
from tests.world.world import PIN, Application, World


@pytest.fixture
def world(world_on_each_database: World) -> World:
    """These stories are told on each database."""
    return world_on_each_database


async def asked_for_a_key(world: World) -> tuple[Application, Phone, str, str]:
    """A signer who confirmed a new key that is not made yet: application, phone, credential, transaction."""
    application = await world.application()
    phone = await world.phone(await world.user())
    asked = await application.post("/v1/credentials", {"user": "alice"})
    await phone.confirm(await phone.show(asked["transaction_id"]), PIN)
    return application, phone, asked["id"], asked["transaction_id"]


async def work(world: World, kind: Work) -> bool:
    """Let the server do one piece of one kind of work."""
    (performing,) = [one for one in world.services.performing if one._work is kind]
    return await performing.next()


async def test_what_fails_again_and_again_keeps_no_other_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    application, alice = await start(world)
    poisoned = []
    for _ in range(3):
        id, shown = await open_one(world, application, alice)
        await alice.phone.confirm(shown, PIN)
        poisoned.append(id)
    begin = Credentials.begin

    async def fail_some(self: Credentials, activation: Any) -> Any:
        if activation.asked().transaction in poisoned:
            raise Unavailable("not now")
        return await begin(self, activation)

    monkeypatch.setattr(Credentials, "begin", fail_some)
    for _ in range(3):
        assert await work(world, Work.KEY)
    world.clock.move(10)
    healthy, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)

    assert await work(world, Work.KEY)
    assert await state(application, healthy) == "signed"
    assert {await state(application, id) for id in poisoned} == {"signing"}


async def test_what_the_hsm_itself_refuses_fails_after_five_tries(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)

    async def refuse(*_: Any) -> Any:
        raise HsmRefused("the HSM returned a signature that does not verify")

    monkeypatch.setattr(Credentials, "sign", refuse)
    for _ in range(5):
        assert await state(application, id) in {"confirmed", "signing"}
        assert await work(world, Work.KEY)
        world.clock.move(61)
    await application.log_in()
    ended = await application.get(f"/v1/signatures/{id}")
    assert (ended["state"], "does not verify" in ended["reason"]) == ("failed", True)


async def test_two_attempts_at_one_certificate_leave_one_that_holds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _, credential, _ = await asked_for_a_key(world)
    await work(world, Work.KEY)
    certify = Making.certify

    async def late(self: Making, activation: Any) -> Any:
        monkeypatch.setattr(Making, "certify", certify)
        certified = await certify(self, activation)
        world.clock.move(61)
        assert await work(world, Work.CERTIFICATE)
        return certified

    monkeypatch.setattr(Making, "certify", late)
    assert await work(world, Work.CERTIFICATE)

    told = await application.get(f"/v1/credentials/{credential}")
    assert told["state"] == "active"
    await world.services.ca.publish_due()
    crl = await world.services.ca.crl("issuing")
    assert crl.entries == 1


async def test_t19_a_request_for_a_certificate_with_another_key_is_not_certified(world: World) -> None:
    application, _, credential, transaction = await asked_for_a_key(world)
    await work(world, Work.KEY)
    async with world.services.database.write() as connection:
        row = (await connection.execute(sa.select(credentials.c.request_csr))).scalar_one()
        forged = row.replace(credential.encode(), b"0" * 26)
        await connection.execute(sa.update(credentials).values(request_csr=forged))

    await work(world, Work.CERTIFICATE)

    async with world.services.database.read() as connection:
        assert (await store.get(connection, transaction)).state == "failed"
    assert (await application.get(f"/v1/credentials/{credential}", status=423))["type"] == "urn:dss:error:tampered"
    assert "alarm.seal_broken" in await world.tells(f"credential:{credential}")


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key"])
async def test_a_header_that_stands_twice_is_refused(world: World, name: str) -> None:
    application = await world.application()
    headers = [*application.http.headers.items(), ("Content-Type", "application/json"), ("Idempotency-Key", "a")]
    twice = [*headers, *[(key, value) for key, value in headers if key.lower() == name.lower()]]
    answer = await world.http().post("/v1/signatures", headers=twice, content=b"{}")
    assert answer.status_code == 400
    assert name in answer.json()["detail"]
