"""Reports take processor time: only so many are made at once, and the others are told to come again."""

import asyncio

import pytest

from dss.audit.service import Audit
from dss.evidence import reporting
from dss.evidence.record import Record
from dss.evidence.reporting import MOST_AT_ONCE, Reporting
from dss.evidence.sealing import Reports
from dss.evidence.verifying import Proven, Trust
from dss.infra.db import Database
from dss.kernel.errors import Tampered, Unavailable
from dss.kernel.ids import Ids
from tests.world.clock import HandClock
from tests.world.evidence_maker import Maker


class Slow(Reports):
    """Makes reports that wait for the test; running: how many are being made."""

    def __init__(self) -> None:
        self.running = 0
        self.enough, self.go_on = asyncio.Event(), asyncio.Event()

    async def report(self, record: bytes, proven: Proven, language: str) -> bytes:
        self.running += 1
        if self.running == MOST_AT_ONCE:
            self.enough.set()
        await self.go_on.wait()
        self.running -= 1
        return b"%PDF"


class Press:
    """Reports of one record, which verifies."""

    def __init__(self, database: Database, clock: HandClock) -> None:
        self.maker, self.slow = Maker(), Slow()
        self.record = self.maker.finish(self.maker.sign())
        self.reporting = Reporting(self.slow, Audit(database, clock, Ids(clock)), self._trusted)

    async def _trusted(self) -> Trust:
        return self.maker.trust()

    async def report(self, record: Record | None = None) -> bytes:
        return await self.reporting.report(record or self.record, "en")

    async def busy(self) -> list[asyncio.Task[bytes]]:
        """Take all the places."""
        tasks = [asyncio.create_task(self.report()) for _ in range(MOST_AT_ONCE)]
        await asyncio.wait_for(self.slow.enough.wait(), 30)
        return tasks


@pytest.fixture
async def press(database: Database, clock: HandClock) -> Press:
    return Press(database, clock)


async def test_while_two_reports_are_made_others_are_told_to_come_again(
    press: Press, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "PATIENCE_S", 0.01)
    tasks = await press.busy()
    with pytest.raises(Unavailable) as refusal:
        await press.report()
    assert (refusal.value.retry_after, press.slow.running) == (2, 2)

    press.slow.go_on.set()
    assert await asyncio.gather(*tasks) == [b"%PDF", b"%PDF"]
    assert await press.report() == b"%PDF"


async def test_a_place_that_becomes_free_is_taken(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "PATIENCE_S", 30)
    tasks = await press.busy()
    third = asyncio.create_task(press.report())
    press.slow.go_on.set()

    assert await asyncio.gather(*tasks, third) == [b"%PDF"] * 3


async def test_a_report_that_fails_gives_its_place_back(press: Press) -> None:
    other = Maker()
    foreign = other.finish(other.sign())
    press.slow.go_on.set()
    for _ in range(MOST_AT_ONCE + 1):
        with pytest.raises(Tampered):
            await press.report(foreign)
    assert await press.report() == b"%PDF"
