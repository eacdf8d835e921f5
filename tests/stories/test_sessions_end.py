"""Stories of the end of sessions (T37): by their owner, by who asked, and with all that they stand on."""

from typing import Any

import pytest
import sqlalchemy as sa

from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.policy import NO_SESSION, Policy
from dss.transactions.tables import transactions
from tests.stories.desk import Desk, begun, count
from tests.stories.shop import Shop, shop
from tests.world.world import OPERATOR, PIN

__all__ = ["shop"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_phone_lists_sessions_and_ends_one_at_once(shop: Shop) -> None:
    desk = await begun(shop, signatures=3)
    await desk.signed("a")

    (listed,) = await desk.signer.phone.sessions()
    assert (listed.id, listed.used, listed.signatures) == (desk.session, 1, 3)
    assert await desk.signer.phone.end_session(desk.session) == "cancelled"

    assert (await desk.sign("b")).status_code == 409
    assert await desk.signer.phone.sessions() == []
    assert (await desk.told())["reason"] == "the signer ended the session"


async def test_the_application_ends_it_when_the_person_logs_out(shop: Shop) -> None:
    """T37."""
    desk = await begun(shop)
    assert desk.session in await _listed(shop)

    ended = await shop.application.post(f"/v1/sessions/{desk.session}/end", {}, status=200)
    again = await shop.application.post(f"/v1/sessions/{desk.session}/end", {}, status=200)

    assert (ended["state"], again["state"]) == ("cancelled", "cancelled")
    assert desk.session not in await _listed(shop)
    assert (await desk.sign("a")).status_code == 409


async def _suspend(desk: Desk) -> None:
    await desk.signer.phone.suspend(desk.signer.credential_id)


async def _revoke(desk: Desk) -> None:
    assert await desk.shop.change(desk.signer, "revoke", reason="keyCompromise") == "signed"


async def _block_phone(desk: Desk) -> None:
    (phone,) = await desk.shop.world.services.devices.of_user(desk.signer.user.id)
    await desk.shop.world.services.phones.block(DeviceId(phone.id), OPERATOR)


async def _new_pin(desk: Desk) -> None:
    id = await desk.signer.phone.change("pin")
    await desk.signer.phone.confirm(await desk.signer.phone.show(id), PIN, new_pin="739157")
    await desk.shop.world.settle()


async def _enrol_phone(desk: Desk) -> None:
    desk.shop.world.clock.move(2)
    await desk.shop.world.phone(desk.signer.user)


async def _forbid(desk: Desk) -> None:
    policies = desk.shop.world.services.policies
    await policies.change_credential(CredentialId(desk.signer.credential_id), Policy(session=NO_SESSION), OPERATOR)


@pytest.mark.parametrize("event", [_suspend, _revoke, _block_phone, _new_pin, _enrol_phone, _forbid])
async def test_t37_it_dies_with_what_it_stands_on(shop: Shop, event: Any) -> None:
    desk = await begun(shop)
    await desk.signed("a")

    await event(desk)

    answer = await desk.sign("b")
    assert answer.status_code in {404, 409, 423}, answer.text
    await shop.world.settle()
    assert await count(desk) == 1


async def test_t37_what_waits_for_the_key_when_it_ends_is_not_signed(shop: Shop) -> None:
    desk = await begun(shop)
    waiting = (await desk.sign("a")).json()["id"]

    await desk.signer.phone.end_session(desk.session)
    await shop.world.settle()

    assert (await shop.application.get(f"/v1/signatures/{waiting}"))["state"] == "failed"
    assert await count(desk) == 0


async def test_t37_a_session_set_back_to_going_on_in_the_database_signs_nothing(shop: Shop) -> None:
    desk = await begun(shop)
    before = await _row(desk)
    await desk.signer.phone.end_session(desk.session)
    after = await _row(desk)

    await _write(desk, before)

    answer = await desk.sign("a")
    await shop.world.settle()
    assert answer.status_code in {403, 409}, answer.text
    assert await count(desk) == 0
    await _write(desk, after)


async def _listed(shop: Shop) -> list[str]:
    return [one["id"] for one in (await shop.application.get("/v1/sessions"))["items"]]


async def _row(desk: Desk) -> dict[str, Any]:
    async with desk.shop.world.services.database.read() as connection:
        query = sa.select(transactions).where(transactions.c.id == desk.session)
        return dict((await connection.execute(query)).mappings().one())


async def _write(desk: Desk, row: dict[str, Any]) -> None:
    async with desk.shop.world.services.database.write() as connection:
        await connection.execute(sa.update(transactions).where(transactions.c.id == desk.session).values(**row))
