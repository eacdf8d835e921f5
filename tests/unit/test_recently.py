"""A check that anyone may ask for."""

import asyncio

import pytest

from dss.infra.recently import Recently
from dss.kernel.errors import HsmUnavailable


class Part:
    """A part that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.now, self.down = 0, 0.0, False

    async def check(self) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.down:
            raise HsmUnavailable("it is away")

    def recently(self) -> Recently:
        return Recently(self.check, 1.0, lambda: self.now)


async def test_many_who_ask_at_once_cost_one_look():
    part = Part()
    ready = part.recently()
    await asyncio.gather(*(ready.require() for _ in range(50)))
    assert part.asked == 1


async def test_an_answer_is_good_for_a_while_whether_good_or_bad():
    part = Part()
    ready = part.recently()
    part.down = True
    for _ in range(2):
        with pytest.raises(HsmUnavailable, match="it is away"):
            await ready.require()
    part.down, part.now = False, 0.9
    with pytest.raises(HsmUnavailable):
        await ready.require()
    part.now = 1.0
    await ready.require()
    assert part.asked == 2
