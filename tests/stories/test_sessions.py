"""Stories of sessions: one confirmation for a counted number of signatures within a time, and not one more."""

import asyncio
import base64
import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from dss.credentials.tables import occurrences, sessions
from dss.kernel.errors import Invalid
from dss.kernel.ids import CredentialId, DeviceId
from dss.kernel.policy import NO_SESSION, Bounds, Policy
from dss.transactions.tables import transactions
from tests.stories.shop import Shop, shop
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["shop"]

HALF_AN_HOUR = Bounds(5, 30)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True)
class Desk:
    """A signer whose key's policy allows sessions, and a session of theirs."""

    shop: Shop
    signer: Signer
    session: str

    async def sign(self, *words: str, **more: Any) -> httpx.Response:
        """Ask for hashes of some words to be signed in the session."""
        hashes = [_hash(word) for word in words]
        body = {"credential_id": self.signer.credential_id, "session_id": self.session, "hashes": hashes}
        return await self.shop.application.http.post("/v1/signatures", json=body | more)

    async def signed(self, *words: str) -> Any:
        """Have them signed; return the signature."""
        asked = await self.sign(*words)
        assert asked.status_code == 201, asked.text
        await self.shop.world.settle()
        return await self.shop.application.get(f"/v1/signatures/{asked.json()['id']}")

    async def told(self) -> Any:
        """Return how the session stands."""
        return await self.shop.application.get(f"/v1/sessions/{self.session}")


def _hash(word: str) -> str:
    return base64.b64encode(hashlib.sha256(word.encode()).digest()).decode()


async def allowed(shop: Shop, bounds: Bounds = HALF_AN_HOUR) -> Signer:
    """Return a signer whose key's policy allows sessions."""
    signer = await shop.signer()
    key = CredentialId(signer.credential_id)
    await shop.world.services.policies.change_credential(key, Policy(session=bounds), OPERATOR)
    return signer


async def asked(shop: Shop, signer: Signer, signatures: int = 3, minutes: int = 15, *, status: int = 201) -> Any:
    """Ask a signer for a session."""
    bounds = {"signatures": signatures, "minutes": minutes}
    body = {"credential_id": signer.credential_id, "text": "Today's letters", **bounds}
    return await shop.application.post("/v1/sessions", body, status=status)


async def begun(shop: Shop, signatures: int = 3, minutes: int = 15) -> Desk:
    """Return a session that its signer confirmed."""
    signer = await allowed(shop)
    session = (await asked(shop, signer, signatures, minutes))["id"]
    await signer.phone.confirm(await signer.phone.show(session), PIN)
    await shop.world.settle()
    return Desk(shop, signer, session)


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
    await signer.phone.decline(await signer.phone.show(session))
    late = await desk.sign("a")

    assert (early.status_code, late.status_code) == (409, 409)
    assert (await desk.told())["state"] == "declined"


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
    assert await _count(desk) == 5


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
    assert await _count(desk) == 1
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


# --- its end (T37) ---


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
    assert await _count(desk) == 1


async def test_t37_what_waits_for_the_key_when_it_ends_is_not_signed(shop: Shop) -> None:
    desk = await begun(shop)
    waiting = (await desk.sign("a")).json()["id"]

    await desk.signer.phone.end_session(desk.session)
    await shop.world.settle()

    assert (await shop.application.get(f"/v1/signatures/{waiting}"))["state"] == "failed"
    assert await _count(desk) == 0


async def test_t37_a_session_set_back_to_going_on_in_the_database_signs_nothing(shop: Shop) -> None:
    desk = await begun(shop)
    before = await _row(desk)
    await desk.signer.phone.end_session(desk.session)
    after = await _row(desk)

    await _write(desk, before)

    answer = await desk.sign("a")
    await shop.world.settle()
    assert answer.status_code in {403, 409}, answer.text
    assert await _count(desk) == 0
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


async def _count(desk: Desk) -> int:
    """Return how many signatures the desk's key has made."""
    mine = (occurrences.c.credential_id == desk.signer.credential_id) & occurrences.c.consumed_at.is_not(None)
    async with desk.shop.world.services.database.read() as connection:
        return (await connection.execute(sa.select(sa.func.count()).where(mine))).scalar_one()
