"""Stories of parts that fail: nothing is lost, nothing is signed twice, and it goes on by itself."""

import asyncio
from pathlib import Path

import pytest

from dss.hsm.servicekeys import ServiceKeys
from dss.kernel.errors import HsmUnavailable
from dss.transactions.machine import Work
from dss.transactions.signing import Releasing
from mobile_mock.errors import Refused
from tests.stories.test_answers import HASH, open_one, start, state
from tests.world.databases import Cluster
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, World, new_world


@pytest.fixture
def world(world_on_each_database: World) -> World:
    """These stories are told on each database."""
    return world_on_each_database


def stop(softhsm: SoftHsm) -> Path:
    """Take the tokens away, as a pulled cable would."""
    return softhsm.token_folder.rename(softhsm.folder / "gone")


async def test_an_hsm_that_stops_gives_503_and_the_confirmed_transaction_is_signed_when_it_is_back(
    world: World, softhsm: SoftHsm
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    gone = stop(softhsm)
    try:
        assert (await world.http().get("/v1/health")).status_code == 503
        await application.ask_hashes(alice, HASH, status=503)
        await perform_what_can_be(world)
        assert await state(application, id) == "signing"
    finally:
        await start_again(world, gone, softhsm)

    world.clock.move(600)
    await application.log_in()
    await world.settle()
    assert await state(application, id) == "signed"


async def start_again(world: World, gone: Path, softhsm: SoftHsm) -> None:
    """Put the tokens back, and wait for the server to find them: it tries once a second at most."""
    gone.rename(softhsm.token_folder)
    async with asyncio.timeout(10):
        while not await answers(world.services.tokens.service):
            await asyncio.sleep(0.1)


async def answers(keys: ServiceKeys) -> bool:
    """Whether a token works."""
    try:
        await keys.check()
    except HsmUnavailable:
        return False
    return True


async def perform_what_can_be(world: World) -> None:
    """Let each kind of work have one try."""
    for performing in world.services.performing:
        await performing.next()


async def test_a_phone_that_answers_while_the_hsm_is_away_is_told_503_and_its_answer_is_good_later(
    world: World, softhsm: SoftHsm
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    answer = await alice.phone.prepare(shown, PIN)
    gone = stop(softhsm)
    try:
        with pytest.raises(Refused) as refusal:
            await alice.phone.send(answer)
        assert (refusal.value.status, refusal.value.reason) == (503, "hsm_unavailable")
        assert await state(application, id) == "awaiting"
    finally:
        await start_again(world, gone, softhsm)

    assert await alice.phone.send(answer) == "confirmed"
    await world.settle()
    assert await state(application, id) == "signed"


async def test_a_node_that_died_while_signing_is_followed_by_another_and_comes_too_late_itself(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    key_work = next(p for p in world.services.performing if p._work is Work.KEY)
    died = []

    async def die(*_: object) -> None:
        died.append(True)
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as crash:
        crash.setattr(Releasing, "_release_whole", die)
        with pytest.raises(KeyboardInterrupt):
            await key_work.next()
    assert died
    await world.settle()
    assert await state(application, id) == "signing"

    world.clock.move(61)
    await world.settle()
    assert await state(application, id) == "signed"
    assert (await world.tells(f"transaction:{id}")).count("transaction.signed") == 1


async def test_a_result_that_comes_after_another_node_took_over_is_discarded(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    key_work = next(p for p in world.services.performing if p._work is Work.KEY)
    release = Releasing._release_whole

    async def release_late(*arguments: object) -> None:
        crash.undo()
        world.clock.move(61)
        await world.settle()
        await release(*arguments)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as crash:
        crash.setattr(Releasing, "_release_whole", release_late)
        await key_work.next()

    told = await world.tells(f"transaction:{id}")
    assert told[-2:] == ["transaction.signed", "transaction.late_result_discarded"]
    assert await state(application, id) == "signed"


async def test_a_confirmation_that_nobody_used_in_time_expires(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    world.clock.move(301)
    await world.settle()
    await world.services.transactions.expire_overdue()
    assert await state(application, id) == "expired"


async def test_a_database_that_stops_gives_503_and_all_is_there_when_it_is_back(
    softhsm: SoftHsm, postgres: Cluster, postgres_url: str, tmp_path: Path
) -> None:
    async with new_world(softhsm, postgres_url, tmp_path) as world:
        application, alice = await start(world)
        id, shown = await open_one(world, application, alice)
        answer = await alice.phone.prepare(shown, PIN)
        postgres.stop()
        try:
            assert (await world.http().get("/v1/health")).status_code == 503
            assert (await application.http.get(f"/v1/signatures/{id}")).status_code == 503
            with pytest.raises(Refused) as refusal:
                await alice.phone.send(answer)
            assert refusal.value.status == 503
        finally:
            postgres.start()

        assert await alice.phone.send(answer) == "confirmed"
        await world.settle()
        assert await state(application, id) == "signed"


async def test_box_keys_are_destroyed_once_no_transaction_can_need_them(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    key = next(iter(await world.services.transactions.live_box_keys()))
    world.clock.move(2 * 3600)
    retire = world.services.boxes.retire

    assert key not in await retire(await world.services.transactions.live_box_keys())
    await world.services.transactions.expire_overdue()
    assert key in await retire(await world.services.transactions.live_box_keys())

    with pytest.raises(Refused):
        await alice.phone.send(await alice.phone.prepare(shown, PIN))
    assert key not in await world.services.tokens.service.box_key_ids()
    await application.log_in()
    assert await state(application, id) == "expired"


async def test_results_are_deleted_when_nobody_collected_them_in_a_day(world: World) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    await world.settle()
    world.clock.move(24 * 3600 + 1)
    assert await world.services.transactions.forget_uncollected() >= 1
    await application.log_in()
    ended = await application.get(f"/v1/signatures/{id}")
    assert (ended["state"], ended["documents"][0]["signature"]) == ("signed", None)
