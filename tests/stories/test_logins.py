"""A person confirms on the phone that a sign-in is theirs. Source: docs/authorization.md section 7."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dss.credentials.tables import activations
from dss.kernel.errors import Conflict, Forbidden, NotFound, Tampered, TooMany
from dss.kernel.ids import ClientId, DeviceId, Ids, LoginId, TransactionId
from dss.kernel.policy import Mode, Policy
from dss.transactions.logins import OpenLogin
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.tables import transactions
from mobile_mock.errors import Refused
from tests.stories.pestering import Stage, shared_world, stage, staged, usual_world
from tests.world.intruder import Intruder
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR, PIN

__all__ = ["shared_world", "stage"]

ADDRESS, AGENT = "192.0.2.17", "Firefox on Linux"
TWO_MINUTES = timedelta(minutes=2).total_seconds()

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class SigningIn:
    """Alice, and whoever signs in as her."""

    stage: Stage

    def __post_init__(self) -> None:
        services = self.stage.world.services
        self.logins, self.user_id, self.phone = services.logins, self.stage.alice.user.id, self.stage.alice.phone
        self._ids = Ids(services.clock)

    def sign_in(self) -> LoginId:
        """Begin one."""
        return LoginId(self._ids.new())

    async def asked(self, sign_in: LoginId, client: str | None = None, agent: str = AGENT) -> Transaction:
        """Ask Alice whether it is hers."""
        client_id = ClientId(client) if client else None
        return await self.logins.open(OpenLogin(self.user_id, client_id, sign_in, ADDRESS, agent))

    async def confirmed(self, sign_in: LoginId) -> TransactionId:
        """Ask, and let Alice confirm."""
        id = (await self.asked(sign_in)).id
        await self.stage.confirm(id)
        return id

    async def proven(self, id: TransactionId, sign_in: LoginId) -> bool:
        return await self.logins.proven(id, self.user_id, sign_in)

    async def forget(self, *ids: str) -> None:
        """Delete rows that tell nothing true any more, before the auditor reads them."""
        async with self.stage.world.services.database.write() as connection:
            await connection.execute(transactions.delete().where(transactions.c.id.in_(ids)))

    async def state(self, id: TransactionId) -> State:
        return (await self.logins.standing(id, self.user_id)).state


@pytest_asyncio.fixture(loop_scope="module")
async def door(stage: Stage) -> SigningIn:
    """On SQLite."""
    return SigningIn(stage)


@pytest_asyncio.fixture(loop_scope="module")
async def door_on_each_database(softhsm: SoftHsm, database_url: str, tmp_path: Path) -> AsyncIterator[SigningIn]:
    """On SQLite, and another on PostgreSQL."""
    async with usual_world(softhsm, database_url, tmp_path) as world:
        yield SigningIn(await staged(world))


async def test_the_phone_shows_who_asks_from_where_and_by_what_browser(door: SigningIn) -> None:
    of_server, of_shop = await door.asked(door.sign_in()), await door.asked(door.sign_in(), door.stage.shop.id)
    shown = [(await door.phone.show(one.id)).request for one in (of_server, of_shop)]

    assert [one.kind for one in shown] == ["login", "login"]
    assert [one.application.id for one in shown] == ["operator", door.stage.shop.id]
    assert shown[0].application.name == "Demo signature server"
    assert {(one.login.address, one.login.agent) for one in shown if one.login} == {(ADDRESS, AGENT)}
    assert {one.expires - one.issued for one in shown} == {timedelta(minutes=2)}


async def test_a_browser_that_calls_itself_what_no_phone_would_show_is_not_named(door: SigningIn) -> None:
    id = (await door.asked(door.sign_in(), agent="Firefox\u202eexe.gnp")).id
    login = (await door.phone.show(id)).request.login
    assert login is not None
    assert (login.address, login.agent) == (ADDRESS, "")


async def test_what_the_phone_confirmed_proves_that_sign_in_and_no_other(door_on_each_database: SigningIn) -> None:
    door, mine = door_on_each_database, door_on_each_database.sign_in()
    id = (await door.asked(mine)).id
    assert not await door.proven(id, mine)

    await door.stage.confirm(id)
    assert await door.state(id) is State.SIGNED
    assert await door.proven(id, mine)
    assert not await door.proven(id, door.sign_in())
    other = (await door.stage.world.user("mallory")).id
    assert not await door.logins.proven(id, other, mine)
    with pytest.raises(NotFound):
        await door.logins.standing(id, other)


async def test_a_wrong_pin_proves_nothing_and_counts(door: SigningIn) -> None:
    mine = door.sign_in()
    id = (await door.asked(mine)).id
    with pytest.raises(Refused) as refusal:
        await door.phone.confirm(await door.phone.show(id), "493818")
    assert refusal.value.status == 403
    assert not await door.proven(id, mine)
    device = await door.stage.world.services.devices.get(DeviceId(door.phone.kept().device))
    assert device.pin_failures == 1


async def test_t18_a_row_that_says_signed_proves_nothing(door_on_each_database: SigningIn) -> None:
    door, mine = door_on_each_database, door_on_each_database.sign_in()
    id, intruder = (await door.asked(mine)).id, Intruder(door.stage.world.services.database)
    older = door.sign_in()
    confirmed = await door.confirmed(older)
    copied = await intruder.row(transactions, confirmed)
    proof = await intruder.row(activations, confirmed)

    await intruder.edit(transactions, id, **{name: copied[name] for name in ("state", "answer", "device_id")})
    assert not await door.proven(id, mine), "there is no record of an answer"
    await intruder.edit(transactions, confirmed, request=(await intruder.row(transactions, id))["request"])
    assert not await door.proven(confirmed, mine), "the record is of another request"
    await intruder.add(activations, proof | {"transaction_id": id})
    with pytest.raises(Tampered):
        await door.proven(id, mine)
    await door.forget(id, confirmed)


async def test_t18_a_signature_that_was_confirmed_is_no_sign_in(door: SigningIn) -> None:
    mine, signature = door.sign_in(), await door.stage.asked()
    id = (await door.asked(mine)).id
    await door.stage.confirm(signature)
    await door.phone.decline(await door.phone.show(id))
    intruder = Intruder(door.stage.world.services.database)
    request = (await intruder.row(transactions, id))["request"]
    await intruder.edit(transactions, signature, kind="login", request=request)
    assert not await door.proven(TransactionId(signature), mine)
    await door.forget(signature)


async def test_t18_a_login_that_is_set_to_confirmed_is_not_performed(door: SigningIn) -> None:
    mine = door.sign_in()
    id, intruder = (await door.asked(mine)).id, Intruder(door.stage.world.services.database)
    answer = await door.phone.prepare(await door.phone.show(id), PIN)
    planted = {"answer": answer.jws, "box": answer.box, "device_id": DeviceId(door.phone.kept().device)}
    later = door.stage.world.clock.now() + timedelta(minutes=5)
    await intruder.edit(transactions, id, state="confirmed", work="key", sad_expires_at=later, **planted)
    await door.stage.world.settle()

    assert not await door.proven(id, mine)
    await door.forget(id)


async def test_the_number_of_the_page_is_chosen_where_the_policy_asks_for_it(door: SigningIn) -> None:
    shop = door.stage.shop.id
    await door.stage.world.services.policies.change_client(
        ClientId(shop), Policy(verification={"login": Mode.CHOOSE}), OPERATOR
    )
    mine, again = door.sign_in(), door.sign_in()
    right = await door.asked(mine, shop)
    assert right.mode is Mode.CHOOSE
    shown = await door.phone.show(right.id)
    assert right.number in shown.request.verification.numbers
    assert await door.stage.alice.phone.confirm(shown, PIN, number=right.number) == "confirmed"
    await door.stage.world.settle()
    assert await door.proven(right.id, mine)

    wrong = await door.asked(again, shop)
    shown = await door.phone.show(wrong.id)
    other = next(number for number in shown.request.verification.numbers if number != wrong.number)
    assert await door.phone.confirm(shown, PIN, number=other) == "cancelled"
    assert not await door.proven(wrong.id, again)


async def test_after_two_minutes_it_is_over(door: SigningIn) -> None:
    mine = door.sign_in()
    id = (await door.asked(mine)).id
    shown = await door.phone.show(id)
    door.stage.world.clock.move(TWO_MINUTES)
    with pytest.raises(Refused) as refusal:
        await door.phone.send(await door.phone.prepare(shown, PIN))
    assert refusal.value.status == 410
    assert await door.state(id) is State.EXPIRED


async def test_what_begins_anew_or_ends_takes_its_request_off_the_phone(door_on_each_database: SigningIn) -> None:
    door, mine, other = door_on_each_database, door_on_each_database.sign_in(), door_on_each_database.sign_in()
    first, elsewhere = (await door.asked(mine)).id, (await door.asked(other)).id
    second = (await door.asked(mine)).id
    assert [notice.id for notice in await door.phone.waiting()] == [elsewhere, second]
    assert await door.state(first) is State.CANCELLED

    await door.logins.give_up(door.user_id, mine)
    await door.logins.give_up(door.user_id, mine)
    assert [notice.id for notice in await door.phone.waiting()] == [elsewhere]
    assert (await door.stage.world.tells(f"transaction:{second}"))[-1] == "transaction.cancelled"


async def test_three_sign_ins_wait_at_a_time_however_many_begin_at_once(door_on_each_database: SigningIn) -> None:
    door = door_on_each_database
    begun = [door.asked(door.sign_in()) for _ in range(20)]
    results = await asyncio.gather(*begun, return_exceptions=True)
    refused = [one for one in results if isinstance(one, BaseException)]
    assert {type(one) for one in refused} == {TooMany}
    assert len(results) - len(refused) == len(await door.phone.waiting()) == 3


async def test_who_knows_the_password_and_asks_again_and_again_has_to_wait(door: SigningIn) -> None:
    """T09: each that is given up counts, whoever asks for it."""
    mine = door.sign_in()
    for _ in range(2):
        await door.asked(mine)
    await door.logins.give_up(door.user_id, mine)
    with pytest.raises(TooMany) as refusal:
        await door.asked(door.sign_in(), door.stage.shop.id)
    assert refusal.value.retry_after == 30
    await door.stage.asked()  # the shop may ask for signatures all the same
    door.stage.world.clock.move(30)
    await door.confirmed(door.sign_in())
    await door.asked(door.sign_in())


async def test_t08_not_me_distrusts_the_password_and_stops_no_application(
    door: SigningIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    distrusted: list[Any] = []

    async def distrust(*told: str) -> None:
        distrusted.append(told)

    monkeypatch.setattr(door.stage.world.services.answering, "_distrust", distrust)
    mine, other, signature = door.sign_in(), door.sign_in(), await door.stage.asked()
    id, also = (await door.asked(mine, door.stage.shop.id)).id, (await door.asked(other)).id
    shown = await door.phone.show(id)
    await door.phone.decline(shown, cause="not_me")

    assert distrusted == [(door.user_id, f"device:{door.phone.kept().device}")]
    assert not await door.proven(id, mine)
    assert await door.state(also) is State.CANCELLED, "every other sign-in ends with it"
    assert [notice.id for notice in await door.phone.waiting()] == [signature]
    assert await door.phone.blocks() == []
    assert (await door.stage.world.tells(f"transaction:{id}"))[-2:] == ["transaction.declined", "alarm.not_me"]


async def test_t08_a_decline_for_another_reason_distrusts_nothing(
    door: SigningIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def distrust(*_: str) -> None:
        pytest.fail("nobody said that it was not them")

    monkeypatch.setattr(door.stage.world.services.answering, "_distrust", distrust)
    await door.phone.decline(await door.phone.show((await door.asked(door.sign_in())).id), "later")
    signature = await door.stage.asked()
    await door.phone.decline(await door.phone.show(signature), cause="not_me")
    with pytest.raises(Forbidden):
        await door.asked(door.sign_in(), door.stage.shop.id)


async def test_the_history_shows_sign_ins_and_they_leave_no_evidence(door: SigningIn) -> None:
    done, declined = await door.confirmed(door.sign_in()), (await door.asked(door.sign_in())).id
    await door.phone.decline(await door.phone.show(declined), "not now")
    told = {past.id: past for past in (await door.phone.history(10, None)).entries}

    assert (told[done].kind, told[done].state, told[done].evidence) == ("login", "signed", "none")
    assert (told[declined].state, told[declined].why, told[declined].evidence) == ("declined", "not now", "none")
    login = told[done].login
    assert login is not None
    assert (login.address, login.agent) == (ADDRESS, AGENT)
    with pytest.raises(Refused) as refusal:
        await door.phone.evidence(done)
    assert refusal.value.status == 409


async def test_who_has_no_phone_is_not_asked(door: SigningIn) -> None:
    nobody = (await door.stage.world.user("phoneless")).id
    assert not await door.logins.can_confirm(nobody)
    with pytest.raises(Conflict):
        await door.logins.open(OpenLogin(nobody, None, door.sign_in(), ADDRESS, AGENT))
