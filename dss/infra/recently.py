"""A check that anyone may ask for, made no more often than its parts can bear."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from dss.kernel.errors import DssError


class Recently:
    """Asks a check at most once in a while, and tells all who ask meanwhile how it went.

    for_s: seconds that an answer is good for. monotonic: a clock in seconds, for tests.
    """

    def __init__(
        self, check: Callable[[], Awaitable[None]], for_s: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._check = check
        self._for_s = for_s
        self._monotonic = monotonic
        self._asking = asyncio.Lock()
        self._asked_at = float("-inf")
        self._fault: DssError | None = None

    async def require(self) -> None:
        """Raise what the check raised, now or a moment ago."""
        async with self._asking:
            if self._monotonic() - self._asked_at >= self._for_s:
                self._fault = await self._ask()
                self._asked_at = self._monotonic()
        if self._fault is not None:
            raise type(self._fault)(self._fault.detail)

    async def _ask(self) -> DssError | None:
        try:
            await self._check()
        except DssError as fault:
            return fault
        return None
