"""T23, T44: the end of a request to the tick, and clocks that jump."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from dss.hsm.servicekeys import ServiceKeys
from dss.kernel.errors import Unavailable
from dss.worker import rounds
from tests.protocol.prover import Prover
from tests.stories.test_answers import HASH, OTHER, open_one, start
from tests.stories.test_threats_answers import refusal_of
from tests.stories.witness import (
    Witness,
    assert_ended,
    quick_pins,
    restarted,
    row,
    signatures_of,
    witness,
)
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, World, new_world

__all__ = ["quick_pins", "witness"]

pytestmark = pytest.mark.usefixtures("quick_pins")

TICK = timedelta(microseconds=1)
HOUR, DAY = 3600, 86400


async def move_to_end(world: World, id: str, ticks: int = 0) -> None:
    """Set the clock to the end of a request, or to some ticks beside it."""
    end = (await row(world, id)).expires_at
    world.clock.move((end - world.clock.now() + ticks * TICK).total_seconds())
    assert world.clock.now() == end + ticks * TICK


@pytest.mark.parametrize(("ticks", "taken"), [(-1, True), (0, False), (1, False)])
async def test_t23_a_confirmation_counts_until_the_last_tick_and_not_at_it(
    world_on_each_database: World, ticks: int, taken: bool
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await move_to_end(world, id, ticks)
    answer = await alice.phone.prepare(shown, PIN)

    if taken:
        assert await alice.phone.send(answer) == "confirmed"
    else:
        assert await refusal_of(alice.phone.send(answer)) == (410, "expired")
    await world.services.transactions.expire_overdue()
    await world.settle()
    assert await assert_ended(world, id) == ("signed" if taken else "expired")


@pytest.mark.parametrize(("ticks", "taken"), [(-1, True), (0, False), (1, False)])
async def test_t23_an_answer_that_came_in_time_and_was_looked_at_too_long_is_judged_when_it_is_written(
    world_on_each_database: World, monkeypatch: pytest.MonkeyPatch, ticks: int, taken: bool
) -> None:
    """The guarded UPDATE is the judge: an HSM that is slow to open the box gives nobody more time."""
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    answer = await alice.phone.prepare(shown, PIN)
    agree = ServiceKeys.agree

    async def agree_slowly(*arguments: Any) -> bytes:
        monkeypatch.undo()
        agreed = await agree(*arguments)
        await move_to_end(world, id, ticks)
        return agreed

    monkeypatch.setattr(ServiceKeys, "agree", agree_slowly)
    if taken:
        assert await alice.phone.send(answer) == "confirmed"
    else:
        assert await refusal_of(alice.phone.send(answer)) == (410, "expired")
    assert (await row(world, id)).state == ("confirmed" if taken else "awaiting")
    assert await signatures_of(world, id) == 0


@pytest.mark.parametrize(("ticks", "swept"), [(-1, False), (0, True), (1, True)])
async def test_t23_the_sweep_ends_what_is_over_and_nothing_else(
    world_on_each_database: World, ticks: int, swept: bool
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, _ = await open_one(world, application, alice)
    await move_to_end(world, id, ticks)
    assert await world.services.transactions.expire_overdue() == swept
    assert (await row(world, id)).state == ("expired" if swept else "awaiting")


@pytest.mark.parametrize("ticks", [-1, 0])
async def test_t23_confirmation_and_sweep_at_one_moment_come_to_one_end(
    world_on_each_database: World, ticks: int
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await move_to_end(world, id, ticks)
    answer = await alice.phone.prepare(shown, PIN)
    sweep = world.services.transactions.expire_overdue
    await asyncio.gather(sweep(), alice.phone.send(answer), sweep(), world.settle(), return_exceptions=True)
    await world.settle()
    await sweep()
    assert await assert_ended(world, id) == ("expired" if ticks == 0 else "signed")


async def test_t44_what_was_written_down_as_expired_stays_so_when_the_clock_steps_back(
    world: World, witness: Witness
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    world.clock.move(301)
    await world.services.transactions.expire_overdue()
    world.clock.move(-300)
    witness.digests.clear()

    assert await refusal_of(alice.phone.confirm(shown, PIN)) in {(410, "expired"), (409, "conflict")}
    await world.settle()
    assert (await row(world, id)).state == "expired"
    assert witness.digests == []


@pytest.mark.parametrize("step", [-HOUR, -5, 90])
async def test_t44_a_clock_that_steps_while_a_key_signs_makes_no_second_signature(
    world_on_each_database: World, monkeypatch: pytest.MonkeyPatch, witness: Witness, step: int
) -> None:
    """Back: the lease lasts longer. On, beyond the lease: another node takes over, and the first comes too late."""
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    agree = ServiceKeys.agree

    async def agree_while_the_clock_steps(*arguments: Any) -> bytes:
        monkeypatch.setattr(ServiceKeys, "agree", agree)
        world.clock.move(step)
        async with restarted(world) as other:
            await other.settle()
        return await agree(*arguments)

    monkeypatch.setattr(ServiceKeys, "agree", agree_while_the_clock_steps)
    await world.settle()
    world.clock.move(2 * HOUR)
    await world.settle()

    assert await assert_ended(world, id) == "signed"
    assert (await world.tells(f"transaction:{id}")).count("transaction.signed") == 1
    assert await signatures_of(world, id) == 1


async def test_t44_a_request_made_before_the_clock_stepped_and_one_made_after_are_both_signed(world: World) -> None:
    """The box key of the time before is kept for the one, and another is made for the other."""
    application, alice = await start(world)
    world.clock.move(DAY)  # certificates do not hold before they were issued
    await application.log_in()
    first, shown = await open_one(world, application, alice)
    world.clock.move(-2 * HOUR)
    await application.log_in()
    second, other = await open_one(world, application, alice, OTHER)
    assert other.request.box_key != shown.request.box_key
    await world.services.boxes.retire(await world.services.transactions.live_box_keys())

    assert await alice.phone.confirm(other, PIN) == "confirmed"
    await world.settle()
    world.clock.move(2 * HOUR)
    await world.services.boxes.retire(await world.services.transactions.live_box_keys())
    assert await alice.phone.confirm(shown, PIN) == "confirmed"
    await world.settle()
    assert [await assert_ended(world, id) for id in (first, second)] == ["signed", "signed"]


@pytest.mark.parametrize("step", [-HOUR, -0.001])
async def test_t44_what_is_made_after_the_clock_stepped_back_comes_later_all_the_same(
    world: World, step: float
) -> None:
    application, alice = await start(world)
    world.clock.move(DAY)
    await application.log_in()
    made = []
    for _ in range(3):
        made.append((await application.ask_hashes(alice, HASH))["id"])
        world.clock.move(step)
        await application.log_in()

    listed = [one["id"] for one in (await application.get("/v1/signatures"))["items"]]
    assert listed == made[::-1]
    assert [notice.id for notice in await alice.phone.waiting()] == made
    events = [one.id for one in await world.services.audit.newest(50)]
    assert events == sorted(events, reverse=True)


async def test_t44_a_proof_from_before_a_step_back_is_not_good_a_second_time(world: World) -> None:
    _, alice = await start(world)
    prover = Prover.of(world, alice.phone)
    proof = prover.proof()
    assert (await prover.with_proofs(proof)).status_code == 200
    for step in (-30, -30, 60, 59):
        world.clock.move(step)
        assert (await prover.with_proofs(proof)).status_code == 401


async def test_t44_a_node_whose_clock_is_not_the_database_s_forgets_no_proof(
    softhsm: SoftHsm, postgres_url: str, tmp_path: Path
) -> None:
    """What a sweep forgot meanwhile would be good again once the clock is right."""
    (forget,) = [job for job in rounds.JOBS if job.name == "forget what was not collected"]
    async with new_world(softhsm, postgres_url, tmp_path) as world:
        _, alice = await start(world)
        prover = Prover.of(world, alice.phone)
        proof = prover.proof()
        assert (await prover.with_proofs(proof)).status_code == 200
        world.clock.move(HOUR)
        with pytest.raises(Unavailable):
            await forget.do(world.services)
        world.clock.move(-HOUR)
        assert (await prover.with_proofs(proof)).status_code == 401
