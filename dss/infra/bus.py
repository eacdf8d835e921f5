"""Wake-ups: tell those who wait on a topic to look at the database again.

A wake-up carries nothing and may be lost; the database is the truth. So a waiter registers first, reads the row
once, and reads it again after each wake-up and at the end of its wait.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Found = TypeVar("Found")
REREAD_S = 5.0


class Bus:
    """Wakes the waiters of this process."""

    def __init__(self, reread_s: float = REREAD_S) -> None:
        self._waiters: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._reread_s = reread_s

    async def wake(self, *topics: str) -> None:
        """Wake all who listen on any of the topics."""
        for topic in topics:
            for event in self._waiters.get(topic, ()):
                event.set()

    @contextmanager
    def listen(self, topic: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at each wake-up of the topic; the listener clears it."""
        event = asyncio.Event()
        self._waiters[topic].add(event)
        try:
            yield event
        finally:
            self._waiters[topic].discard(event)
            if not self._waiters[topic]:
                del self._waiters[topic]

    async def until(self, topic: str, look: Callable[[], Awaitable[Found | None]], wait_s: float) -> Found | None:
        """Look until something is found or the time is over; look again at each wake-up.

        look:   reads the database; None means not yet.
        wait_s: seconds; 0 looks once.
        Returns what was found last, or None.
        """
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        with self.listen(topic) as event:
            while (found := await look()) is None and (left := end - loop.time()) > 0:
                try:
                    await asyncio.wait_for(event.wait(), min(left, self._reread_s))
                except TimeoutError:
                    continue
                event.clear()
            return found
