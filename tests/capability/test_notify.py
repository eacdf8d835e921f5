"""The outbox: a letter goes with its fact, lies sealed, is sent at least once, and is gone when sent."""

import asyncio

import pytest
import sqlalchemy as sa

from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.errors import Conflict, HsmUnavailable, Unavailable
from dss.kernel.ids import Ids
from dss.notify.model import LEASE, Attachment, Letter, LetterId
from dss.notify.service import Notify, Post
from dss.notify.tables import outbox
from tests.world.clock import HandClock

LETTER = Letter("olena@example.com", "Canary", "The code is canary.\n", (Attachment("qr.png", "image/png", b"canary"),))


class Mail:
    """A mail system that takes letters, unless it is down; and the HSM that makes their keys."""

    def __init__(self) -> None:
        self.taken: list[tuple[LetterId, Letter]] = []
        self.down = False
        self.hsm_down = False
        self.dies = False

    async def send(self, id: LetterId, letter: Letter) -> None:
        if self.down:
            raise Unavailable("the mail system is down")
        self.taken.append((id, letter))
        if self.dies:
            raise SystemError("the process is killed here")

    async def key_for(self, id: str) -> bytes:
        if self.hsm_down:
            raise HsmUnavailable
        return id.encode().ljust(32, b"\x00")

    @property
    def letters(self) -> list[Letter]:
        return [letter for _, letter in self.taken]


@pytest.fixture
def mail() -> Mail:
    return Mail()


@pytest.fixture
def notify(database: Database, mail: Mail, audit: Audit, clock: HandClock, ids: Ids) -> Notify:
    return Notify(database, Post(mail.send, mail.key_for), audit, clock, ids)


async def enqueue(database: Database, notify: Notify, *letters: Letter) -> None:
    sealed = [await notify.seal(letter) for letter in letters]
    async with database.write() as connection:
        for letter in sealed:
            await notify.enqueue(connection, letter)


async def rows(database: Database) -> int:
    async with database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(outbox))).scalar_one())


async def test_a_letter_is_sent_as_it_was_written_and_then_gone(
    database: Database, notify: Notify, mail: Mail, audit: Audit
) -> None:
    await enqueue(database, notify, LETTER)
    assert await notify.send_due() == 1
    ((id, letter),) = mail.taken
    assert letter == LETTER
    assert await rows(database) == 0
    assert [told.event.kind for told in await audit.of_subject(f"letter:{id}")] == ["letter.sent"]
    assert await notify.send_due() == 0


async def test_a_letter_whose_fact_is_rolled_back_is_not_sent(database: Database, notify: Notify, mail: Mail) -> None:
    sealed = await notify.seal(LETTER)
    with pytest.raises(Conflict):
        async with database.write() as connection:
            await notify.enqueue(connection, sealed)
            raise Conflict
    assert await notify.send_due() == 0
    assert mail.taken == []


async def test_a_waiting_letter_cannot_be_read_in_the_database(database: Database, notify: Notify) -> None:
    """DB readers and backups learn nothing (T18)."""
    await enqueue(database, notify, LETTER)
    async with database.read() as connection:
        (row,) = await connection.execute(sa.select(outbox))
    assert b"anary" not in row.sealed
    assert "olena" not in str(row)


async def test_a_letter_moved_to_another_row_is_not_sent(database: Database, notify: Notify, mail: Mail) -> None:
    """T18: one person's letter is not sent under another's row."""
    await enqueue(database, notify, LETTER, LETTER)
    async with database.write() as connection:
        last = sa.select(sa.func.max(outbox.c.id)).scalar_subquery()
        moved = sa.select(outbox.c.sealed).where(outbox.c.id == last).scalar_subquery()
        await connection.execute(sa.update(outbox).where(outbox.c.id != last).values(sealed=moved))
    assert await notify.send_due() == 1
    assert len(mail.taken) == await rows(database) == 1


async def test_a_failed_letter_stays_and_waits_longer_each_time(
    database: Database, notify: Notify, mail: Mail, clock: HandClock
) -> None:
    await enqueue(database, notify, LETTER)
    mail.down = True
    for pause in (2, 3, 4.5):
        assert await notify.send_due() == 0
        mail.down = False
        clock.move(pause - 0.001)
        assert await notify.send_due() == 0, "it goes not a moment earlier"
        clock.move(0.001)
        mail.down = True
    mail.down = False
    assert await notify.send_due() == 1
    assert mail.letters == [LETTER]


async def test_an_hsm_that_is_down_delays_letters_and_loses_none(
    database: Database, notify: Notify, mail: Mail, clock: HandClock
) -> None:
    await enqueue(database, notify, LETTER)
    mail.hsm_down = True
    assert await notify.send_due() == 0
    with pytest.raises(HsmUnavailable):
        await notify.seal(LETTER)
    mail.hsm_down = False
    clock.move(2)
    assert await notify.send_due() == 1


async def test_one_failing_letter_does_not_hold_up_the_others(
    database: Database, notify: Notify, mail: Mail, clock: HandClock
) -> None:
    await enqueue(database, notify, LETTER)
    mail.down = True
    await notify.send_due()
    mail.down = False
    other = Letter("other@example.com", "Other", "Other\n")
    await enqueue(database, notify, other)
    assert await notify.send_due() == 1
    assert mail.letters == [other]


async def test_a_death_between_sending_and_marking_sends_again_under_the_same_id(
    database: Database, notify: Notify, mail: Mail, clock: HandClock
) -> None:
    """T26: at least once."""
    await enqueue(database, notify, LETTER)
    mail.dies = True
    with pytest.raises(SystemError):
        await notify.send_due()
    mail.dies = False
    assert await notify.send_due() == 0, "the lease holds it"
    clock.move(LEASE.total_seconds())
    assert await notify.send_due() == 1
    first, second = mail.taken
    assert first == second
    assert await rows(database) == 0


async def test_two_workers_send_each_letter_once(database: Database, notify: Notify, mail: Mail) -> None:
    await enqueue(database, notify, *[LETTER] * 20)
    counts = await asyncio.gather(*(notify.send_due() for _ in range(4)))
    assert sum(counts) == 20
    assert len({id for id, _ in mail.taken}) == len(mail.taken) == 20
