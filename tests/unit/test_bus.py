"""Wake-ups carry nothing and may be lost: a waiter looks before, after each, and at the end."""

import asyncio

from dss.infra.bus import Bus


class Row:
    """A row of the database that a waiter looks at."""

    def __init__(self) -> None:
        self.value: str | None = None
        self.looks = 0

    async def look(self) -> str | None:
        self.looks += 1
        return self.value


async def waits_for(bus: Bus, row: Row) -> "asyncio.Task[str | None]":
    waiter = asyncio.create_task(bus.until("topic", row.look, 30))
    while not row.looks:
        await asyncio.sleep(0)
    return waiter


async def test_what_is_there_already_is_found_at_once() -> None:
    row = Row()
    row.value = "there"
    assert await Bus().until("topic", row.look, 0) == "there"


async def test_without_a_wait_there_is_one_look() -> None:
    row = Row()
    assert await Bus().until("topic", row.look, 0) is None
    assert row.looks == 1


async def test_a_wake_up_makes_every_waiter_look_again() -> None:
    bus, row = Bus(reread_s=30), Row()
    waiters = [await waits_for(bus, row) for _ in range(3)]
    row.value = "changed"
    await bus.wake("another", "topic")
    assert await asyncio.gather(*waiters) == ["changed"] * 3


async def test_a_wake_up_without_a_change_lets_the_waiter_wait_on() -> None:
    bus, row = Bus(reread_s=30), Row()
    waiter = await waits_for(bus, row)
    await bus.wake("topic")
    while row.looks < 2:
        await asyncio.sleep(0)
    assert not waiter.done()
    row.value = "changed"
    await bus.wake("topic")
    assert await waiter == "changed"


async def test_a_lost_wake_up_costs_time_only() -> None:
    bus, row = Bus(reread_s=0.01), Row()
    waiter = await waits_for(bus, row)
    row.value = "changed"
    assert await waiter == "changed"


async def test_a_change_between_the_look_and_the_wait_is_not_missed() -> None:
    bus, row = Bus(reread_s=30), Row()

    async def look() -> str | None:
        seen = await row.look()
        if seen is None:
            row.value = "changed"
            await bus.wake("topic")
        return seen

    assert await bus.until("topic", look, 30) == "changed"


async def test_nobody_is_kept_after_the_wait() -> None:
    bus = Bus()
    await bus.until("topic", Row().look, 0)
    with bus.listen("topic") as event:
        await bus.wake("topic")
        assert event.is_set()
    await bus.wake("topic")
    assert bus._waiters == {}
