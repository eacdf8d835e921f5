"""Revoked tokens as each process knows them: at once, within a second, and not for long without the database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.errors import DatabaseUnavailable, Unavailable
from dss.oauth.revoked import LONGEST_BLIND_S, REREAD_S, Revoked
from tests.world.clock import START, HandClock

TOKEN, GRANT = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y", "01KAJ9T8VX3N5Q7R9S1T2V4W6Z"
SOON = START + timedelta(minutes=10)


class Hand:
    """A monotonic clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Watched:
    """A database that counts reads, and is away while the test says so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.reads = 0
        self.away = False
        self.slow = asyncio.Event()
        self.slow.set()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        self.reads += 1
        if self.away:
            raise DatabaseUnavailable
        async with self._database.read() as connection:
            yield connection
        await self.slow.wait()


@pytest.fixture
def watched(database: Database) -> Watched:
    return Watched(database)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def revoked(watched: Watched, clock: HandClock, hand: Hand) -> Revoked:
    return Revoked(watched, clock, hand)  # type: ignore[arg-type]


async def add(database: Database, revoked: Revoked, id: str) -> None:
    async with database.write() as connection:
        await revoked.add(connection, id, SOON)


async def test_nothing_is_revoked_until_it_is(revoked: Revoked) -> None:
    assert not await revoked.is_revoked(TOKEN, GRANT)


async def test_what_this_process_revoked_is_known_at_once(database: Database, revoked: Revoked) -> None:
    assert not await revoked.is_revoked(TOKEN)
    await add(database, revoked, TOKEN)
    revoked.note(TOKEN)

    assert await revoked.is_revoked(TOKEN)


async def test_what_another_process_revoked_is_known_within_a_second(
    database: Database, revoked: Revoked, hand: Hand, clock: HandClock
) -> None:
    assert not await revoked.is_revoked(TOKEN)
    await add(database, Revoked(database, clock), TOKEN)

    hand.seconds += REREAD_S

    assert await revoked.is_revoked(TOKEN)


async def test_a_token_goes_by_its_grant_too(database: Database, revoked: Revoked) -> None:
    await add(database, revoked, GRANT)

    assert await revoked.is_revoked(TOKEN, GRANT)
    assert not await revoked.is_revoked(TOKEN)


async def test_what_was_noted_is_known_after_the_next_reading_too(
    database: Database, revoked: Revoked, hand: Hand
) -> None:
    await add(database, revoked, TOKEN)
    revoked.note(TOKEN)

    for _ in range(3):
        assert await revoked.is_revoked(TOKEN)
        hand.seconds += REREAD_S


async def test_what_is_noted_during_a_reading_is_not_forgotten_by_it(
    database: Database, revoked: Revoked, watched: Watched, hand: Hand
) -> None:
    watched.slow.clear()
    reading = asyncio.create_task(revoked.is_revoked(TOKEN))
    while not watched.reads:
        await asyncio.sleep(0)
    await add(database, revoked, TOKEN)
    revoked.note(TOKEN)
    watched.slow.set()
    await reading

    assert await revoked.is_revoked(TOKEN)
    hand.seconds += REREAD_S
    assert await revoked.is_revoked(TOKEN)


async def test_the_database_is_asked_once_a_second_however_many_ask(
    revoked: Revoked, watched: Watched, hand: Hand
) -> None:
    await asyncio.gather(*(revoked.is_revoked(TOKEN) for _ in range(50)))
    assert watched.reads == 1

    hand.seconds += REREAD_S
    await asyncio.gather(*(revoked.is_revoked(TOKEN) for _ in range(50)))
    assert watched.reads == 2


async def test_a_token_may_be_revoked_twice(database: Database, revoked: Revoked) -> None:
    await add(database, revoked, TOKEN)
    await add(database, revoked, TOKEN)

    assert await revoked.is_revoked(TOKEN)


async def test_while_the_database_is_away_what_was_known_holds_for_ten_seconds(
    database: Database, revoked: Revoked, watched: Watched, hand: Hand
) -> None:
    await add(database, revoked, TOKEN)
    assert await revoked.is_revoked(TOKEN)
    watched.away = True

    hand.seconds += LONGEST_BLIND_S - 0.1
    assert await revoked.is_revoked(TOKEN)
    assert not await revoked.is_revoked(GRANT)
    hand.seconds += 0.1
    with pytest.raises(Unavailable):
        await revoked.is_revoked(GRANT)

    watched.away = False
    hand.seconds += REREAD_S
    assert not await revoked.is_revoked(GRANT)


async def test_a_process_that_never_reached_the_database_takes_no_token(revoked: Revoked, watched: Watched) -> None:
    watched.away = True

    with pytest.raises(Unavailable):
        await revoked.is_revoked(TOKEN)


async def test_a_database_that_is_away_is_asked_once_a_second_too(
    revoked: Revoked, watched: Watched, hand: Hand
) -> None:
    await revoked.is_revoked(TOKEN)
    watched.away = True
    hand.seconds += REREAD_S

    for _ in range(5):
        await revoked.is_revoked(TOKEN)

    assert watched.reads == 2
