"""T08, T09: who asks a person again and again, or beside another, is held back by the server."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
import sqlalchemy as sa

from dss.kernel.ids import ClientId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Link, Policy
from dss.transactions import admitting
from dss.transactions.asking import USUAL, Collision
from dss.transactions.model import OpenCreation
from dss.transactions.tables import transactions
from tests.protocol.scene import SOON
from tests.stories.pestering import Stage, shared_world, stage, stage_on_each_database, staged, usual_world
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR

__all__ = ["shared_world", "stage", "stage_on_each_database"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- limits ---


async def test_t08_of_fifty_requests_at_once_ten_reach_the_phone(stage_on_each_database: Stage) -> None:
    stage = stage_on_each_database
    answers = await asyncio.gather(*(stage.ask() for _ in range(50)))

    assert Counter(answer.status_code for answer in answers) == {201: 10, 429: 40}
    assert {int(answer.headers["Retry-After"]) for answer in answers if answer.status_code == 429} == {300}
    assert len(await stage.alice.phone.waiting()) == 10
    async with stage.world.services.database.read() as connection:
        rows = (await connection.execute(sa.select(sa.func.count()).select_from(transactions))).scalar_one()
    assert rows == 11, "a refused request leaves no transaction; the eleventh made the key"
    assert await stage.refusals() == [(f"client:{stage.shop.id}", "waiting")], "the log is not flooded"


async def test_t08_a_refused_request_wakes_no_phone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(10):
        await stage.asked()
    woken: list[str] = []

    async def wake(*topics: str) -> None:
        woken.extend(topics)

    monkeypatch.setattr(stage.world.services.transactions._parts.bus, "wake", wake)
    await stage.held_back()
    assert woken == []


async def test_t08_another_application_and_the_operator_may_ask_meanwhile(stage: Stage) -> None:
    for _ in range(10):
        await stage.asked()
    await stage.held_back()

    await stage.asked(stage.bank)
    wish = OpenCreation(None, stage.alice.user.login, KeySpec.P256, operator=OPERATOR)
    await stage.world.services.opening.open_creation(wish)
    assert len(await stage.alice.phone.waiting()) == 12


async def test_t08_the_sixty_first_request_in_ten_minutes_is_refused_even_if_all_were_confirmed(stage: Stage) -> None:
    await stage.later(1)
    for _ in range(59):  # the first made the key
        await stage.confirm(await stage.asked())
    assert await stage.held_back() == 599

    await stage.later(599)
    await stage.asked()


async def test_t08_wishes_for_keys_count_as_requests_to_sign_do(stage: Stage) -> None:
    wish = {"user": stage.alice.user.login, "key_type": "P-256"}
    for _ in range(9):
        await stage.shop.post("/v1/credentials", wish)
    await stage.asked()

    await stage.held_back()
    await stage.shop.post("/v1/credentials", wish, status=429)


async def test_t08_the_pause_grows_with_each_request_that_is_not_confirmed(stage: Stage) -> None:
    await stage.decline(await stage.asked())
    await stage.decline(await stage.asked())
    for pause in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
        assert await stage.held_back() == pause
        await stage.later(pause - 1)
        assert await stage.held_back() == 1
        await stage.later(1)
        await stage.decline(await stage.asked())

    await stage.later(3600)
    await stage.confirm(await stage.asked())
    await stage.decline(await stage.asked())
    await stage.asked()


async def test_t08_what_expires_and_what_its_application_takes_back_is_not_confirmed_either(stage: Stage) -> None:
    """Who takes each request back before it is answered would otherwise wake the phone for ever."""
    await stage.asked()
    stage.world.clock.move(300)  # nobody wrote down yet that it has expired
    await stage.shop.log_in()
    taken_back = await stage.asked()
    await stage.shop.post(f"/v1/signatures/{taken_back}/cancel", {}, status=200)

    assert await stage.held_back() == 30


async def test_t08_an_overdue_request_makes_room_at_the_second_of_its_end(stage: Stage) -> None:
    for _ in range(10):
        await stage.asked()
    assert await stage.held_back() == 300
    stage.world.clock.move(300)
    await stage.shop.log_in()
    assert await stage.held_back() == 3600, "ten that nobody answered"


# --- two at the same time ---


@pytest_asyncio.fixture(loop_scope="module")
async def strict(
    request: pytest.FixtureRequest, softhsm: SoftHsm, database_url: str, tmp_path: Path
) -> AsyncIterator[Stage]:
    """A stage with a policy of collisions, on each database."""
    asking = replace(USUAL, on_collision=request.param)
    async with usual_world(softhsm, database_url, tmp_path, asking=asking) as world:
        yield await staged(world)


async def test_t09_by_default_two_applications_may_ask_at_the_same_time(stage: Stage) -> None:
    ids = [await stage.asked(stage.bank), await stage.asked()]
    assert [notice.id for notice in await stage.alice.phone.waiting()] == ids


@pytest.mark.parametrize("strict", [Collision.REFUSE], indirect=True)
async def test_t09_by_policy_who_comes_second_is_refused_and_both_are_in_the_log(strict: Stage) -> None:
    first = await strict.asked(strict.bank)
    refused = await strict.ask()

    assert (refused.status_code, refused.json()["type"]) == (409, "urn:dss:error:conflict")
    assert [notice.id for notice in await strict.alice.phone.waiting()] == [first]
    assert await strict.refusals() == [(f"client:{strict.shop.id}", "collision")]
    assert await strict.world.tells(f"transaction:{first}") == ["transaction.opened"]
    await strict.asked(strict.bank)
    for notice in await strict.alice.phone.waiting():
        await strict.confirm(notice.id)
    await strict.asked()


@pytest.mark.parametrize("strict", [Collision.REFUSE], indirect=True)
async def test_t09_of_two_applications_that_ask_at_once_only_one_is_heard(strict: Stage) -> None:
    both = (strict.shop, strict.bank)
    answers = await asyncio.gather(*(strict.ask(both[number % 2]) for number in range(16)))

    assert Counter(answer.status_code for answer in answers) == {201: 8, 409: 8}
    phone = strict.alice.phone
    shown = [await phone.show(notice.id) for notice in await phone.waiting()]
    assert len({one.request.application.id for one in shown}) == 1


@pytest.mark.parametrize("strict", [Collision.CANCEL], indirect=True)
async def test_t09_by_policy_both_requests_end_and_all_who_wait_are_told_at_once(strict: Stage) -> None:
    first = await strict.asked(strict.bank)
    phone = strict.alice.phone
    polling = asyncio.create_task(phone.news([first], wait=60))
    waiting = asyncio.create_task(strict.bank.get(f"/v1/signatures/{first}?wait=60"))
    _, pending = await asyncio.wait({polling, waiting}, timeout=SOON)
    assert len(pending) == 2, "neither answer waited"
    refused = await strict.ask()

    assert refused.status_code == 409
    news, told = await asyncio.wait_for(asyncio.gather(polling, waiting), 5)
    assert (news.gone, news.transactions) == ([first], [])
    assert (told["state"], told["reason"]) == ("cancelled", "another request came at the same time")
    events = await strict.world.services.audit.of_subject(f"transaction:{first}")
    assert [(one.event.kind, one.event.actor) for one in events] == [
        ("transaction.opened", f"client:{strict.bank.id}"),
        ("transaction.cancelled", f"client:{strict.shop.id}"),
    ]
    assert await strict.refusals() == [(f"client:{strict.shop.id}", "collision")]
    await strict.asked()


@pytest.mark.parametrize("strict", [Collision.CANCEL], indirect=True)
async def test_t09_who_was_cancelled_by_a_collision_is_not_made_to_wait_for_it(strict: Stage) -> None:
    for _ in range(3):
        await strict.asked(strict.bank)
        assert (await strict.ask()).status_code == 409
        await strict.later(60)
    await strict.asked(strict.bank)


@pytest.mark.parametrize("strict", [Collision.CANCEL], indirect=True)
async def test_t09_who_ends_others_requests_by_collisions_has_to_wait_longer_each_time(strict: Stage) -> None:
    pauses = []
    for _ in range(4):
        first = await strict.asked(strict.bank)
        while (refused := await strict.ask()).status_code == 429:
            pauses.append(int(refused.headers["Retry-After"]))
            assert (await strict.state(first, strict.bank))["state"] == "awaiting"
            await strict.later(pauses[-1])
        assert refused.status_code == 409
    assert pauses == [30, 60]
    assert Counter(why for _, why in await strict.refusals()) == {"collision": 4, "unanswered": 1}


@pytest.mark.parametrize("strict", [Collision.REFUSE], indirect=True)
async def test_t09_each_collision_counts_as_a_request_and_none_makes_who_is_kept_out_wait(strict: Stage) -> None:
    await strict.asked(strict.bank)
    answers = Counter([(await strict.ask()).status_code for _ in range(61)])
    assert answers == {409: 59, 429: 2}, "with the key that was asked for, sixty in ten minutes"
    assert Counter(why for _, why in await strict.refusals()) == {"collision": 59, "often": 1}


@pytest.mark.parametrize("strict", [Collision.REFUSE], indirect=True)
async def test_t09_a_request_that_nobody_was_shown_keeps_no_other_out(strict: Stage) -> None:
    policies = strict.world.services.policies
    await policies.change_client(ClientId(strict.bank.id), Policy(device_link=Link.ALWAYS), OPERATOR)
    unseen = await strict.asked(strict.bank)
    first = await strict.asked()
    assert [notice.id for notice in await strict.alice.phone.waiting()] == [first]
    assert (await strict.state(unseen, strict.bank))["state"] == "awaiting"
    assert (await strict.ask(strict.bank)).status_code == 409, "it is not the other way round"


async def test_t08_requests_that_nobody_was_shown_take_no_room_from_those_on_the_phone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admitting, "WAITING", 2)
    policies = stage.world.services.policies
    await policies.change_client(ClientId(stage.bank.id), Policy(device_link=Link.ALWAYS), OPERATOR)
    for by in (stage.bank, stage.shop):
        for _ in range(2):
            await stage.asked(by)
        assert (await stage.ask(by)).status_code == 429
    assert len(await stage.alice.phone.waiting()) == 2


@pytest.mark.parametrize("strict", [Collision.REFUSE], indirect=True)
async def test_t09_what_the_owner_and_the_operator_ask_is_no_collision(strict: Stage) -> None:
    await strict.alice.phone.change("pin")
    wish = OpenCreation(None, strict.alice.user.login, KeySpec.P256, operator=OPERATOR)
    await strict.world.services.opening.open_creation(wish)
    await strict.asked()
    await strict.asked()
