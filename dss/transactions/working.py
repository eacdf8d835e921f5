"""How work goes on beside the protocols: one thing after another, and a look again where there was none."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from dss.infra.bus import Bus
from dss.kernel.errors import Unavailable

log = structlog.get_logger(__name__)
IDLE_S, PAUSE_S = 60.0, 2.0


async def work_on(bus: Bus, topic: str, next_: Callable[[], Awaitable[bool]]) -> None:
    """Work until cancelled; when there is nothing to do, or a part is down, wait and look again.

    topic: who has something to do wakes it. next_: does one thing, and returns False when there was none.
    """

    async def next_or_none() -> bool | None:
        return await next_() or None

    while True:
        try:
            if not await next_():
                await bus.until(topic, next_or_none, IDLE_S)
        except Unavailable:
            await asyncio.sleep(PAUSE_S)
        except Exception:
            log.exception("looking for work failed", topic=topic)
            await asyncio.sleep(PAUSE_S)
