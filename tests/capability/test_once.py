"""Replay guards: a thing that may be used once leaves a row (T01)."""

import asyncio
from datetime import timedelta

from dss.infra import once
from dss.infra.db import Database
from tests.world.clock import START

LATER = START + timedelta(minutes=5)


async def use(database: Database, scope: str, key: str) -> bool:
    async with database.write() as connection:
        return await once.use(connection, scope, key, LATER)


async def test_a_key_is_used_once_in_its_scope(database: Database) -> None:
    assert await use(database, "dpop", "a") is True
    assert await use(database, "dpop", "a") is False
    assert await use(database, "dpop", "b") is True
    assert await use(database, "assertion", "a") is True


async def test_of_fifty_at_the_same_time_one_wins(database: Database) -> None:
    assert sum(await asyncio.gather(*(use(database, "dpop", "a") for _ in range(50)))) == 1


async def test_a_use_that_is_rolled_back_was_none(database: Database) -> None:
    class Undone(Exception):
        pass

    try:
        async with database.write() as connection:
            await once.use(connection, "dpop", "a", LATER)
            raise Undone
    except Undone:
        assert await use(database, "dpop", "a") is True


async def test_keys_are_forgotten_after_their_time_and_not_before(database: Database) -> None:
    await use(database, "dpop", "a")
    async with database.write() as connection:
        assert await once.forget_expired(connection, LATER) == 0
    async with database.write() as connection:
        assert await once.forget_expired(connection, LATER + timedelta(microseconds=1)) == 1
    assert await use(database, "dpop", "a") is True
