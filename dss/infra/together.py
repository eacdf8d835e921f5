"""Work that goes on at the same time, and not too much of it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

Result = TypeVar("Result")


async def together(calls: Iterable[Callable[[], Awaitable[Result]]], at_once: int) -> list[Result]:
    """Make calls, so many at a time, and return what came of them in their order.

    All of them have ended when the first failure is raised: none goes on behind the caller's back.
    """
    hands = asyncio.Semaphore(at_once)

    async def one(call: Callable[[], Awaitable[Result]]) -> Result:
        async with hands:
            return await call()

    ended = await asyncio.gather(*(one(call) for call in calls), return_exceptions=True)
    made: list[Result] = []
    for result in ended:
        if isinstance(result, BaseException):
            raise result
        made.append(result)
    return made
