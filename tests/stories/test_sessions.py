"""Stories of sessions: one confirmation for a counted number of signatures within a time, and not one more."""

import asyncio
from collections import Counter

import pytest
import sqlalchemy as sa

from dss.credentials.tables import sessions
from dss.kernel.errors import Invalid
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Bounds, Policy
from tests.stories.desk import Desk, allowed, asked, begun, count
from tests.stories.shop import Shop, shop
from tests.world.world import OPERATOR, PIN

__all__ = ["shop"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- what it gives ---


async def test_one_confirmation_gives_so_many_signatures_and_no_phone_is_asked_for_them(shop: Shop) -> None:
    """F14."""
    desk = await begun(shop, signatures=3)
    assert (await desk.told())["state"] == "confirmed"

    one, two = await desk.signed("a"), await desk.signed("b", "c")

    assert [one["state"], two["state"]] == ["signed", "signed"]
    assert await desk.signer.phone.waiting() == []
    told = await desk.told()
    assert (told["used"], told["signatures"]) == (3, 3)


async def test_what_is_signed_in_a_session_tells_by_what_the_session_was_confirmed(shop: Shop) -> None:
    signer = await allowed(shop)
    opened = await asked(shop, signer, verification="choose")
    shown = await signer.phone.show(opened["id"])
    assert opened["verification"]["mode"] == "choose"
    await signer.phone.confirm(shown, PIN, number=opened["verification"]["number"])

    desk = Desk(shop, signer, opened["id"])
    signature = await desk.signed("a")

    told = await desk.told()
    assert (told["verification"], told["answered"]) == (
        {"mode": "choose", "number": None},
        {"by": "pin", "mode": "choose"},
    )
    assert (signature["session_id"], signature["answered"]) == (opened["id"], {"by": "pin", "mode": "choose"})
    assert signature["verification"]["mode"] == "none"


async def test_a_phone_is_shown_for_whom_how_many_and_how_long(shop: Shop) -> None:
    signer = await allowed(shop)
    session = (await asked(shop, signer, 2, 10))["id"]

    request = (await signer.phone.show(session)).request

    assert (request.kind, request.application.name, request.text) == ("session", "Contracts Ltd", "Today's letters")


async def test_a_session_that_is_declined_or_not_answered_yet_gives_nothing(shop: Shop) -> None:
    signer = await allowed(shop)
    session = (await asked(shop, signer))["id"]
    desk = Desk(shop, signer, session)

    early = await desk.sign("a")
    assert (await desk.told())["answered"] is None
    await signer.phone.decline(await signer.phone.show(session), "Not today", "wrong_data")
    late = await desk.sign("a")

    assert (early.status_code, late.status_code) == (409, 409)
    told = await desk.told()
    assert [told[name] for name in ("state", "reason", "cause")] == ["declined", "Not today", "wrong_data"]
    assert told["answered"] is None


async def test_t29_a_session_gives_no_signature_for_which_more_is_asked_than_it_was_confirmed_by(shop: Shop) -> None:
    plain = await begun(shop)
    refused = [await plain.sign("a", verification=mode) for mode in ("compare", "choose")]
    assert [answer.status_code for answer in refused] == [409, 409]
    assert "the session asked for none, and this asks for compare" in refused[0].json()["detail"]
    assert (await plain.sign("a", verification="none")).status_code == 201

    opened = await asked(shop, plain.signer, verification="compare")
    shown = await plain.signer.phone.show(opened["id"])
    await plain.signer.phone.confirm(shown, PIN, number=opened["verification"]["number"])
    compared = Desk(shop, plain.signer, opened["id"])
    told = [(await compared.sign("a", verification=mode)).status_code for mode in ("none", "compare", "choose")]
    assert told == [201, 201, 409]


# --- its bounds (T36) ---


async def test_t36_not_one_signature_more_than_was_confirmed(shop: Shop) -> None:
    desk = await begun(shop, signatures=2)
    await desk.signed("a")

    too_many = await desk.sign("b", "c")
    await desk.signed("d")
    one_more = await desk.sign("e")

    assert (too_many.status_code, one_more.status_code) == (409, 409)
    assert "1 of its 2 signatures left" in too_many.json()["detail"]
    assert "0 of its 2 signatures left" in one_more.json()["detail"]


async def test_t36_t07_of_fifty_at_once_as_many_are_signed_as_were_confirmed(shop: Shop) -> None:
    desk = await begun(shop, signatures=5)

    answers = await asyncio.gather(*(desk.sign(f"word {number}") for number in range(50)))
    await shop.world.settle()

    assert Counter(answer.status_code for answer in answers)[201] == 5
    ids = [answer.json()["id"] for answer in answers if answer.status_code == 201]
    states = [(await shop.application.get(f"/v1/signatures/{id}"))["state"] for id in ids]
    assert states == ["signed"] * 5
    assert await count(desk) == 5


async def test_t36_when_its_time_is_over_nothing_is_signed(shop: Shop) -> None:
    desk = await begun(shop, minutes=10)
    shop.world.clock.move(598)
    await shop.application.log_in()
    assert (await desk.signed("a"))["state"] == "signed"

    shop.world.clock.move(5)
    assert (await desk.sign("b")).status_code == 410
    await shop.world.services.transactions.expire_overdue()
    assert (await desk.sign("b")).status_code == 409
    assert (await desk.told())["state"] == "expired"


async def test_t36_nobody_can_ask_for_more_than_the_policy_of_the_key_allows(shop: Shop) -> None:
    signer = await allowed(shop, Bounds(5, 30))

    await asked(shop, signer, 6, 10, status=422)
    await asked(shop, signer, 5, 31, status=422)
    await asked(shop, signer, 5, 30)


async def test_t36_no_policy_exceeds_the_ceilings_of_the_server(shop: Shop) -> None:
    signer = await shop.signer()
    key, policies = CredentialId(signer.credential_id), shop.world.services.policies
    most = shop.world.services.settings.session_ceiling
    for bounds in (Bounds(most.signatures + 1, 1), Bounds(1, most.minutes + 1)):
        with pytest.raises(Invalid):
            await policies.change_credential(key, Policy(session=bounds), OPERATOR)


async def test_t36_sessions_are_off_unless_the_policy_of_the_key_allows_them(shop: Shop) -> None:
    signer = await shop.signer()
    assert "allows no sessions" in (await asked(shop, signer, status=409))["detail"]


async def test_t36_more_places_written_into_the_database_give_no_signature(shop: Shop) -> None:
    desk = await begun(shop, signatures=1)
    await desk.signed("a")
    async with shop.world.services.database.write() as connection:
        mine = sessions.c.transaction_id == desk.session
        await connection.execute(sa.update(sessions).where(mine).values(signatures=100))

    assert (await desk.sign("b")).status_code == 423
    assert await count(desk) == 1
    async with shop.world.services.database.write() as connection:
        await connection.execute(sa.update(sessions).where(mine).values(signatures=1))


# --- who may use it, and for what ---


async def test_another_application_has_no_use_of_it(shop: Shop) -> None:
    """T16."""
    desk = await begun(shop)
    other = await shop.world.application("Another Ltd")
    stranger = Desk(Shop(shop.world, other), desk.signer, desk.session)

    assert (await stranger.sign("a")).status_code == 404
    assert (await other.http.get(f"/v1/sessions/{desk.session}")).status_code == 404
    assert (await other.http.post(f"/v1/sessions/{desk.session}/end")).status_code == 404
    assert (await other.get("/v1/sessions"))["items"] == []


async def test_another_key_of_the_same_person_has_no_use_of_it(shop: Shop) -> None:
    desk = await begun(shop)
    second = await shop.new_key(desk.signer)

    answer = await desk.sign("a", credential_id=second)

    assert (answer.status_code, answer.json()["detail"]) == (409, "the session is for another key")


async def test_the_log_tells_of_its_beginning_its_places_and_its_end(shop: Shop) -> None:
    desk = await begun(shop)
    await desk.signed("a", "b")
    await shop.application.post(f"/v1/sessions/{desk.session}/end", {}, status=200)

    assert await shop.world.tells(f"session:{desk.session}") == ["session.began", "session.places_taken"]
    assert await shop.world.tells(f"transaction:{desk.session}") == [
        "transaction.opened",
        "transaction.confirmed",
        "transaction.cancelled",
    ]
