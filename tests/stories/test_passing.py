"""Sessions and grants go after the years of retention, each with all that the log tells of it; and what stays.

Source: docs/transparency-log.md section 6.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dss.kernel.errors import Tampered
from dss.login.tables import login_sessions, passwords
from dss.oauth.tables import grants
from tests.protocol.attack_world import Stage, staged
from tests.stories.test_retiring import YEARS, old
from tests.world.intruder import Intruder
from tests.world.world import World

__all__ = ["old"]


@dataclass
class Long:
    """Alice signed in and allowed the bank something; ids: of the session and the grant."""

    stage: Stage
    ids: tuple[str, str]

    @property
    def services(self) -> Any:
        """The server from inside."""
        return self.stage.world.services

    @property
    def intruder(self) -> Intruder:
        """Whoever can read and write all rows."""
        return Intruder(self.services.database)

    async def rows(self) -> tuple[int, int]:
        """How many sessions and grants there are."""
        return len(await self.intruder.rows(login_sessions)), len(await self.intruder.rows(grants))

    async def told(self) -> list[str]:
        """The kinds of the events on both."""
        names = (f"login_session:{self.ids[0]}", f"grant:{self.ids[1]}")
        return [kind for name in names for kind in await self.stage.world.tells(name)]

    async def years_go_by(self, of_them: float = 1) -> int:
        """Let a worker do its round after years; return how many rows went. A grant is over after a month."""
        await self.services.sealer.round()
        self.stage.world.clock.move((YEARS + timedelta(days=31)).total_seconds() * of_them)
        await self.services.retiring.round()
        return int(await self.services.passing.round())


@pytest.fixture
async def long(old: World) -> AsyncIterator[Long]:
    async with staged(old) as stage:
        assert (await stage.redeem((await stage.allowed())["code"])).status_code == 200
        intruder = Intruder(old.services.database)
        (session,), (grant,) = [await intruder.rows(table) for table in (login_sessions, grants)]
        yield Long(stage, (session["id"], grant["id"]))


async def test_a_session_and_a_grant_go_with_all_that_is_told_of_them_and_nothing_is_found_missing(long: Long) -> None:
    await long.services.sealer.round()
    kept = await long.services.log.checkpoint()
    assert (await long.rows(), "grant.redeemed" in await long.told()) == ((1, 1), True)

    assert await long.years_go_by() == 2

    assert (await long.rows(), await long.told()) == ((0, 0), [])
    await long.services.sealer.round()
    assert (await long.services.auditing.verify(kept=kept)).findings == ()
    assert await long.services.mending.check() == []
    assert len(await long.intruder.rows(passwords)) == 1, "who a signer is stays"


async def test_they_stay_for_the_years(long: Long) -> None:
    assert await long.years_go_by(0.9) == 0
    assert await long.rows() == (1, 1)


async def test_a_session_stays_while_an_event_on_it_is_young(long: Long) -> None:
    long.stage.world.clock.move(20 * 86400)
    user = long.stage.alice.user.id
    assert await long.services.login._sessions.end(long.ids[0], user, "ended late", "server")
    await long.services.sealer.round()
    long.stage.world.clock.move(YEARS.total_seconds() - 10 * 86400)
    await long.services.retiring.round()

    assert await long.services.passing.round() == 0
    long.stage.world.clock.move(40 * 86400)
    assert await long.services.passing.round() == 2
    assert await long.rows() == (0, 0)


async def test_t52_what_was_made_to_look_over_stays(long: Long) -> None:
    """The events on it are young, whatever the row says."""
    for table, id, column in ((login_sessions, long.ids[0], "ends_at"), (grants, long.ids[1], "expires_at")):
        row = await long.intruder.row(table, id)
        await long.intruder.edit(table, id, **{column: row[column] - 2 * YEARS})
        assert await long.years_go_by(0) == 0
        await long.intruder.edit(table, id, **row)
    assert await long.rows() == (1, 1)


async def test_t18_a_grant_that_is_put_back_after_its_deletion_is_not_believed(long: Long) -> None:
    row = await long.intruder.row(grants, long.ids[1])
    await long.years_go_by()
    await long.intruder.add(grants, row)

    with pytest.raises(Tampered):
        await long.services.grants.get(long.ids[1])

    async with long.services.database.write() as connection:
        await connection.execute(sa.delete(grants))
