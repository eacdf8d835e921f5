"""T20, T23, T24: whoever confirms, declines, cancels, blocks or lets time run out at once, there is one end."""

import asyncio
import faulthandler
import os
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from dss.kernel.ids import DeviceId
from mobile_mock.answer import Answer
from mobile_mock.errors import Refused
from tests.stories.test_answers import HASH, open_one, start
from tests.stories.witness import Witness, assert_ended, prepare_decline, quick_pins, row, witness
from tests.world.world import OPERATOR, PIN, Application, Signer, World

__all__ = ["quick_pins", "witness"]

pytestmark = pytest.mark.usefixtures("quick_pins")

SOAK = bool(os.environ.get("DSS_SOAK"))
RACES = 1_000 if SOAK else 40
ANSWER_WITHIN_S = 30
TOO_LATE = {409, 410, 423}
SPREAD_S = 0.05  # about what the server takes to look at a confirmation
TOLD_WITHIN_S = 4  # less than a waiter takes to look again by itself
# Signatures that the HSM made: one that is made while the phone is being stopped is released to nobody.
MADE_IN = {"signed": {1}, "declined": {0}, "cancelled": {0}, "expired": {0}, "failed": {0, 1}}
ENDS = {f"transaction.{end}" for end in ("signed", "declined", "cancelled", "expired", "failed")}


@dataclass
class Race:
    """One request, and all that could end it, ready to be sent."""

    world: World
    application: Application
    alice: Signer
    id: str
    confirmation: Answer
    refusal: Answer


Contender = Callable[[Race], Awaitable[str]]


async def confirm(race: Race) -> str:
    """The phone confirms."""
    return await answered(race, race.confirmation)


async def decline(race: Race) -> str:
    """The phone declines."""
    return await answered(race, race.refusal)


async def answered(race: Race, answer: Answer) -> str:
    """What the phone was told of its answer: the state, or nothing when it came too late."""
    try:
        return await race.alice.phone.send(answer)
    except Refused as refusal:
        if refusal.status not in TOO_LATE:
            raise
        return ""


async def cancel(race: Race) -> str:
    """The relying application cancels."""
    reply = await race.application.http.post(f"/v1/signatures/{race.id}/cancel")
    assert reply.status_code in {200, 409}, reply.text
    return str(reply.json()["state"]) if reply.status_code == 200 else ""


async def expire(race: Race) -> str:
    """Time runs out, and the sweep comes by."""
    race.world.clock.move(ANSWER_WITHIN_S)
    await race.world.services.transactions.expire_overdue()
    return ""


async def block(race: Race) -> str:
    """An operator stops the phone; what is being signed at that moment fails."""
    await race.world.services.phones.block(DeviceId(race.alice.phone.kept().device), OPERATOR)
    return ""


async def unblock(race: Race) -> None:
    """Give the phone back for the next race."""
    device = DeviceId(race.alice.phone.kept().device)
    if not (await race.world.services.devices.get(device)).may_answer(race.world.clock.now()):
        await race.world.services.phones.unlock(device, OPERATOR)


CONTENDERS: dict[str, Contender] = {
    "confirm": confirm,
    "decline": decline,
    "cancel": cancel,
    "expire": expire,
    "block": block,
}
WON = {
    "confirm": {"signed"},
    "decline": {"declined"},
    "cancel": {"cancelled"},
    "expire": {"expired"},
    "block": {"cancelled", "failed"},
}


async def open_race(world: World, application: Application, alice: Signer, draw: random.Random) -> Race:
    """Ask for a signature; either answer may have the greater counter."""
    wish = {"credential_id": alice.credential_id, "hashes": [HASH], "expires_in": ANSWER_WITHIN_S}
    id = (await application.post("/v1/signatures", wish))["id"]
    shown = await alice.phone.show(id)
    if draw.random() < 0.5:
        refusal = prepare_decline(world, alice.phone, shown)
        return Race(world, application, alice, id, await alice.phone.prepare(shown, PIN), refusal)
    confirmation = await alice.phone.prepare(shown, PIN)
    return Race(world, application, alice, id, confirmation, prepare_decline(world, alice.phone, shown))


async def contend(race: Race, names: list[str], draw: random.Random, favourite: str) -> list[str]:
    """Let contenders start one close upon the other, or all behind a favourite; what each was told."""
    begun = asyncio.Event()

    async def off(name: str, pause_s: float) -> str:
        if name != favourite:
            await (begun.wait() if favourite else asyncio.sleep(pause_s))
        try:
            told = await CONTENDERS[name](race)
        finally:
            begun.set()
        if name == "confirm":
            await race.world.settle()
        return told

    return list(await asyncio.gather(*(off(name, draw.random() * SPREAD_S) for name in names)))


def drawn(draw: random.Random, favourite: str) -> list[str]:
    """Two to four contenders, the favourite among them."""
    others = sorted(set(CONTENDERS) - {favourite})
    names = [favourite] * bool(favourite) + draw.sample(others, draw.randint(2 - bool(favourite), 3))
    return draw.sample(names, len(names))


async def run_race(race: Race, draw: random.Random, witness: Witness, favourite: str) -> None:
    """Let some contend while the server works and three wait; check the end, the log, and what was told."""
    names = drawn(draw, favourite)
    before = len(witness.digests)
    waiting = [asyncio.create_task(told_at_the_end(race)) for _ in range(3)]
    await asyncio.sleep(0.01)
    told = await contend(race, names, draw, favourite)
    await race.world.settle()

    end = await assert_ended(race.world, race.id)
    assert any(end in WON[name] for name in names), f"{names} came to {end}"
    assert len(witness.digests) - before in MADE_IN[end], f"{names} came to {end}"
    log = [kind for kind in await race.world.tells(f"transaction:{race.id}") if kind in ENDS]
    assert log == [f"transaction.{end}"], f"{names} came to {end}"
    for name, state in zip(names, told, strict=True):
        on_the_way = (
            name == "confirm" and end in {"signed", "cancelled", "failed"} and state in {"confirmed", "signing"}
        )
        assert state in {"", end} or on_the_way, f"{names} came to {end}, but {name} was told {state}"
    # What was ended by somebody just when its time ran out may look expired to who looked in between.
    among = {end, "expired"} if "expire" in names and end == "cancelled" else {end}
    assert set(await asyncio.gather(*waiting)) <= among, f"{names} came to {end}, but those who waited were told else"
    await unblock(race)
    assert race.id not in {notice.id for notice in await race.alice.phone.waiting()}


async def told_at_the_end(race: Race) -> str:
    """What a relying application is told that waits for the end."""
    async with asyncio.timeout(TOLD_WITHIN_S):
        return str((await race.application.get(f"/v1/signatures/{race.id}?wait=60"))["state"])


async def test_t24_every_race_comes_to_one_end_that_all_are_told_of(
    world_on_each_database: World, witness: Witness
) -> None:
    """Of confirm, decline, cancel, expire and block, on each database."""
    if SOAK:  # it takes longer than a test that does not hang may take
        faulthandler.cancel_dump_traceback_later()
    world, draw = world_on_each_database, random.Random(24)
    application, alice = await start(world)
    ends = set()
    for number in range(RACES):
        if number % 10 == 0:
            await application.log_in()
        race = await open_race(world, application, alice, draw)
        favourite = sorted(CONTENDERS)[number // 2 % len(CONTENDERS)] if number % 2 else ""
        await run_race(race, draw, witness, favourite)
        ends.add((await row(world, race.id)).state)

    assert ends >= {"signed", "declined", "cancelled", "expired"}, "some contender never won: these are no races"


async def test_t24_a_hundred_confirmations_declines_and_cancellations_come_to_one_end(
    world_on_each_database: World, witness: Witness
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    race = Race(
        world,
        application,
        alice,
        id,
        await alice.phone.prepare(shown, PIN),
        prepare_decline(world, alice.phone, shown),
    )
    before = len(witness.digests)
    names = ["confirm", "decline", "cancel"] * 33 + ["confirm"]
    await asyncio.gather(*(CONTENDERS[name](race) for name in names), *(world.settle() for _ in range(4)))
    await world.settle()

    end = await assert_ended(world, id)
    told = await world.tells(f"transaction:{id}")
    assert [kind for kind in told if kind in ENDS] == [f"transaction.{end}"]
    assert len(witness.digests) - before == (end == "signed")
