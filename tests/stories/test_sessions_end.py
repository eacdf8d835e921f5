"""Stories of the end of sessions (T37): by their owner, by who asked, and with all that they stand on."""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.policy import NO_SESSION, Bounds, Policy
from dss.transactions.signing import Releasing
from dss.transactions.tables import transactions
from tests.protocol.html_reading import Reading
from tests.stories.desk import Desk, allowed, asked, begun, count
from tests.stories.shop import Shop, shop
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR, PIN, new_world

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


async def _end(desk: Desk) -> None:
    await desk.shop.application.post(f"/v1/sessions/{desk.session}/end", {}, status=200)


async def _end_on_the_phone(desk: Desk) -> None:
    await desk.signer.phone.end_session(desk.session)


async def _let_it_run_out(desk: Desk) -> None:
    desk.shop.world.clock.move(15 * 60)


@pytest.mark.parametrize("end", [_end, _end_on_the_phone, _let_it_run_out])
async def test_the_page_of_a_session_that_ran_says_that_it_is_over_and_what_was_signed_stays(
    shop: Shop, end: Any
) -> None:
    signer = await allowed(shop)
    opened = await asked(shop, signer)
    await shop.confirm(signer, opened["id"])
    desk = Desk(shop, signer, opened["id"])
    await desk.signed("a")
    said = [await _page(shop, opened["page"])]

    await end(desk)
    said.append(await _page(shop, opened["page"]))
    await shop.world.services.transactions.expire_overdue()
    said.append(await _page(shop, opened["page"]))

    over = ("The session is over", "It was confirmed, and has ended. What was signed in it stays signed.")
    assert said == [("Confirmed", "The session goes on. You can end it in the app at any time."), over, over]


async def test_the_page_of_a_session_that_was_ended_unanswered_says_that_nothing_was_signed(shop: Shop) -> None:
    signer = await allowed(shop)
    opened = await asked(shop, signer)

    await _end(Desk(shop, signer, opened["id"]))

    assert (await _page(shop, opened["page"]))[1].endswith("Nothing was signed.")


async def _page(shop: Shop, url: str) -> tuple[str, str]:
    """The title of the page, and what it says first."""
    async with shop.world.http() as browser:
        page = Reading((await browser.get(url)).raise_for_status().text)
    return page.text("h1"), page.text("p")


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


async def test_t37_with_a_new_phone_of_the_owner_it_is_over_and_told_so(shop: Shop) -> None:
    desk = await begun(shop)

    await _enrol_phone(desk)

    told = await desk.told()
    assert (told["state"], told["reason"]) == ("cancelled", "a phone was enrolled since it was confirmed")
    assert await desk.signer.phone.sessions() == []
    assert desk.session not in await _listed(shop)


async def test_t37_what_waits_for_the_key_when_it_ends_is_not_signed(shop: Shop) -> None:
    desk = await begun(shop)
    waiting = (await desk.sign("a")).json()["id"]

    await desk.signer.phone.end_session(desk.session)
    await shop.world.settle()

    assert (await shop.application.get(f"/v1/signatures/{waiting}"))["state"] == "cancelled"
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


async def test_t37_a_person_s_stop_ends_what_is_being_signed_in_parts(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was released before the stop was asked for and stays; nothing comes after it."""
    many = Bounds(500, 30)
    async with new_world(softhsm, sqlite_url, tmp_path, session_ceiling=many) as world:
        desk = await begun(Shop(world, await world.application()), signatures=500, bounds=many)
        asked = (await desk.sign(*(f"word {number}" for number in range(450)))).json()
        release = Releasing._release_part

        async def stop_after_the_first(self: Releasing, *what: Any) -> None:
            await release(self, *what)
            monkeypatch.undo()
            await desk.signer.phone.end_session(desk.session)

        monkeypatch.setattr(Releasing, "_release_part", stop_after_the_first)
        await world.settle()

        told = await desk.shop.application.get(f"/v1/signatures/{asked['id']}")
        assert (told["state"], told["signed"], await count(desk)) == ("failed", 200, 200)


async def test_what_took_its_place_in_time_is_signed_after_an_outage_that_outlasts_the_session(shop: Shop) -> None:
    desk = await begun(shop, minutes=1)
    shop.world.clock.move(50)
    waiting = (await desk.sign("a")).json()["id"]

    shop.world.clock.move(30)
    await shop.world.services.transactions.expire_overdue()
    assert (await desk.sign("b")).status_code == 410
    assert (await desk.told())["state"] == "expired"
    await shop.world.settle()

    assert (await shop.application.get(f"/v1/signatures/{waiting}"))["state"] == "signed"
    await shop.world.services.transactions.expire_overdue()
    assert (await _row(desk))["box"] is None
