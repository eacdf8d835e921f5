"""Who can write to the database edits any column of any sealed row, at any moment, and nothing comes of it.

The columns are read from the tables: one that is added later is edited here without anyone thinking of it. T18, T19.
"""

import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dss.infra.schema import metadata
from dss.wiring.kinds import KINDS
from tests.stories.burglary import WAYS
from tests.stories.moments import MOMENTS, Moment
from tests.stories.robbery import EVERYTHING, Fruits, Robbery, robbery
from tests.world.intruder import mutations
from tests.world.softhsm import SoftHsm
from tests.world.world import World, new_world

SAMPLE = 2
EVERY = 6
NAMES = {kind.register.table: name for name, kind in KINDS.items()}


def test_every_sealed_table_has_its_moments() -> None:
    sealed = {table for table in metadata.sorted_tables if {"version", "seal"} <= set(table.c.keys())}
    assert {one.table for one in (*MOMENTS.values(), *WAYS.values())} == sealed


@pytest.mark.parametrize("name", MOMENTS)
async def test_t18_t19_with_any_column_edited_nothing_is_signed_and_an_alarm_tells(world: World, name: str) -> None:
    """Each column, at every third moment of its table; at all of them with DSS_SOAK=1."""
    async with robbery(world) as stage:
        assert await harm(stage, MOMENTS[name], edited_at(name)) == []
        assert await signs_again(stage)


@pytest.mark.parametrize("table", dict.fromkeys(moment.table for moment in MOMENTS.values()), ids=str)
def test_every_column_of_a_sealed_table_is_edited_at_some_moment(table: sa.Table) -> None:
    edited = {column for name, moment in MOMENTS.items() if moment.table is table for column in edited_at(name)}
    assert edited == set(table.c)


def edited_at(name: str) -> list[sa.Column[Any]]:
    """The columns that are edited at a moment: all if its table has no other moment."""
    table = MOMENTS[name].table
    moments = [other for other, moment in MOMENTS.items() if moment.table is table]
    step = 1 if EVERYTHING else min(EVERY, len(moments))
    return list(table.c)[moments.index(name) % step :: step]


async def test_t18_t19_the_same_on_postgresql(softhsm: SoftHsm, postgres_url: str, tmp_path: Path) -> None:
    """A sample of the columns; all of them with DSS_SOAK=1."""
    drawn = random.Random(18)
    async with new_world(softhsm, postgres_url, tmp_path) as world, robbery(world) as stage:
        for moment in MOMENTS.values():
            columns = list(moment.table.c)
            assert await harm(stage, moment, columns if EVERYTHING else drawn.sample(columns, SAMPLE)) == []
        assert await signs_again(stage)


async def signs_again(stage: Robbery) -> bool:
    """With every row as it was, a confirmation signs: what was refused was refused for the edit."""
    id = await stage.confirmed()
    await stage.world.settle()
    return await stage.end(id) == ("signed", "")


async def harm(stage: Robbery, moment: Moment, columns: list[sa.Column[Any]]) -> list[str]:
    """Edit each of the columns, let everything go on, and mend the row; return what should not have come of it."""
    faults: list[str] = []
    for column in columns:
        for number in range(2 if column.nullable else 1):
            attempt = Attempt(stage, moment, column, number)
            with suppress(NothingToEditError):
                faults += [f"{column.name}, edit {number}: {fault}" for fault in await attempt.faults()]
            await stage.world.settle()
    return faults


class NothingToEditError(Exception):
    """The column holds nothing already."""


@dataclass
class Attempt:
    """One edit of one column; number: which of the column's mutations."""

    stage: Robbery
    moment: Moment
    column: sa.Column[Any]
    number: int
    row: dict[str, Any] = field(default_factory=dict)
    named: str = ""
    fruits: Fruits | None = None

    async def faults(self) -> list[str]:
        """Play, mend, and return what went wrong."""
        stage, table = self.stage, self.moment.table
        stage.watched.statuses.clear()
        failed = await self.moment.play(stage, self.edit)
        assert self.fruits is not None, "the moment never came"
        faults = [] if await stage.fruits() == self.fruits else [f"{self.fruits} became {await stage.fruits()}"]
        faults += [f"an answer of {status}" for status in stage.watched.statuses if status >= 500]
        if self.column.name not in self.moment.found_by and not await stage.alarms(f"{NAMES[table]}:{self.named}"):
            faults.append("no alarm")
        if failed and (await stage.end(failed))[0] != "failed":
            faults.append(f"the transaction is {await stage.end(failed)}")
        await stage.intruder.edit(table, self.named, **self.row)
        return faults

    async def edit(self, id: str) -> None:
        """Put another value into the column of a row."""
        stage, table = self.stage, self.moment.table
        self.row = await stage.intruder.row(table, id)
        values = mutations(self.column, self.row[self.column.name])
        if self.number >= len(values):
            raise NothingToEditError
        await stage.intruder.edit(table, id, **{self.column.name: values[self.number]})
        key = next(iter(table.primary_key.columns))
        self.named = values[self.number] if self.column is key else id
        self.fruits = await stage.fruits()
