"""Who can write to the database edits any column of any sealed row, at any moment, and nothing comes of it.

The columns are read from the tables: one that is added later is edited here without anyone thinking of it. T18, T19.
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dss.credentials.registers import ACTIVATIONS, CREDENTIALS
from dss.credentials.tables import activations, credentials
from dss.devices.registers import BOX_KEYS, DEVICES, ENROLMENTS, SHARES
from dss.devices.tables import box_keys, devices, enrolments, shares
from dss.infra.schema import metadata
from dss.kernel.errors import DssError
from dss.kernel.ids import Ids
from dss.operators.service import Approvals
from dss.operators.store import PROPOSALS
from dss.operators.tables import proposals
from dss.transactions.machine import Work
from dss.users.store import USERS
from dss.users.tables import users
from mobile_mock.errors import PhoneError
from tests.stories.robbery import EVERYTHING, Fruits, Robbery, robbery
from tests.world.intruder import mutations
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, World, new_world

SAMPLE = 2
KINDS = {
    register.table: register.kind
    for register in (USERS, ENROLMENTS, DEVICES, BOX_KEYS, SHARES, CREDENTIALS, ACTIVATIONS, PROPOSALS)
}
Edit = Callable[[str], Awaitable[None]]
Play = Callable[[Robbery, Edit], Awaitable[str | None]]


@dataclass(frozen=True)
class Moment:
    """When a row is edited.

    play:  lets everything go on around the edit, which takes the row's id; returns a transaction that must have failed.
    found_by: the columns by which the row is looked for: with another value there it is absent, which nobody can alarm.
    """

    table: sa.Table
    play: Play
    found_by: tuple[str, ...] = ()


async def go_on(stage: Robbery, id: str | None = None) -> None:
    """Let the phone answer, the server work, and the application ask again."""
    await stage.try_confirm(id)
    await stage.world.settle()
    await stage.try_confirm(await stage.ask())
    await stage.world.settle()


def of_the_signer(stage: Robbery, table: sa.Table) -> str:
    named = {devices: stage.alice.phone.kept().device, credentials: stage.alice.credential_id}
    return (named | {users: stage.alice.user.id})[table]


def before_opening(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        await edit(of_the_signer(stage, table))
        await stage.try_confirm(await stage.ask())
        await stage.world.settle()

    return play


def before_the_answer(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        id = await stage.open()
        await edit(of_the_signer(stage, table))
        await go_on(stage, id)
        await stage.application.http.post(f"/v1/signatures/{id}/cancel")

    return play


def before_the_work(table: sa.Table, begin: Callable[[Robbery], Awaitable[str]]) -> Play:
    async def play(stage: Robbery, edit: Edit) -> str:
        id = await begin(stage)
        if table is activations:
            await edit(id)
            await stage.world.settle()
        else:
            await edit(of_the_signer(stage, table))
            await go_on(stage)
        return id

    return play


def before_the_signature(table: sa.Table) -> Play:
    return before_the_work(table, Robbery.confirmed)


def before_the_key_is_made(table: sa.Table) -> Play:
    async def asked(stage: Robbery) -> str:
        return (await stage.asked_for_a_key())[1]

    return before_the_work(table, asked)


def before_the_certificate(table: sa.Table) -> Play:
    async def play(stage: Robbery, edit: Edit) -> str:
        credential, id = await stage.asked_for_a_key()
        await stage.work(Work.KEY)
        made = {activations: id, credentials: credential}
        await edit(made[table] if table in made else of_the_signer(stage, table))
        await stage.world.settle()
        await stage.try_confirm()
        return id

    return play


async def before_a_box_key_is_given_out(stage: Robbery, edit: Edit) -> None:
    before = {row["slot"]: row["id"] for row in await stage.intruder.rows(box_keys)}
    await edit(max(before.values()))
    await stage.ask()
    for row in await stage.intruder.rows(box_keys):
        if row["seal"] is not None and row["created_at"] == stage.world.clock.now():
            await stage.intruder.delete(box_keys, row["id"])


def while_enrolling(before: str) -> Play:
    async def play(stage: Robbery, edit: Edit) -> None:
        qr, code = await stage.world.invite(stage.alice.user)
        newest = (await stage.intruder.rows(enrolments))[-1]["id"]
        stage.watched.before[f"{before} /device/v1/enrolments/"] = lambda: edit(newest)
        with suppress(PhoneError):
            await stage.world.new_phone().enrol(qr, code, PIN, "Key 2")

    return play


async def before_a_share_is_taken(stage: Robbery, edit: Edit) -> None:
    phone = await stage.second_phone()
    id = await stage.alice.phone.share(await phone.share_code())
    await stage.alice.phone.confirm(await stage.alice.phone.show(id), PIN)
    await stage.world.settle()
    await edit(id)
    with suppress(PhoneError):
        await phone.take_shares()
    assert not phone.kept().shares
    for row in await stage.intruder.rows(shares):
        await stage.intruder.delete(shares, row["id"])


async def before_a_second_operator_agrees(stage: Robbery, edit: Edit) -> None:
    s = stage.world.services
    approvals = Approvals(s.database, s.seals, s.clock, Ids(s.clock), two=True)
    await approvals.second("device.unlock", "device:1", "operator:one")
    (proposal,) = await stage.intruder.rows(proposals)
    await edit(proposal["id"])
    with suppress(DssError):
        assert await approvals.second("device.unlock", "device:1", "operator:two") is not None
    for row in await stage.intruder.rows(proposals):
        await stage.intruder.delete(proposals, row["id"])


MOMENTS = {
    "person before opening": Moment(users, before_opening(users), ("id",)),
    "person before the certificate": Moment(users, before_the_certificate(users), ("id",)),
    "phone before opening": Moment(devices, before_opening(devices)),
    "phone before the answer": Moment(devices, before_the_answer(devices)),
    "phone before the signature": Moment(devices, before_the_signature(devices)),
    "phone before the key is made": Moment(devices, before_the_key_is_made(devices)),
    "phone before the certificate": Moment(devices, before_the_certificate(devices)),
    "key before opening": Moment(credentials, before_opening(credentials)),
    "key before the answer": Moment(credentials, before_the_answer(credentials)),
    "key before the signature": Moment(credentials, before_the_signature(credentials)),
    "key before the certificate": Moment(credentials, before_the_certificate(credentials), ("id",)),
    "confirmation before the signature": Moment(activations, before_the_signature(activations), ("transaction_id",)),
    "confirmation before the key": Moment(activations, before_the_key_is_made(activations), ("transaction_id",)),
    "confirmation before the certificate": Moment(
        activations, before_the_certificate(activations), ("transaction_id",)
    ),
    "box key before it is given out": Moment(box_keys, before_a_box_key_is_given_out, ("slot",)),
    "enrolment before its offer": Moment(enrolments, while_enrolling("GET"), ("id",)),
    "enrolment before the phone's keys": Moment(enrolments, while_enrolling("POST"), ("id",)),
    "share before it is taken": Moment(shares, before_a_share_is_taken, ("to_device_id", "state")),
    "proposal before a second agrees": Moment(proposals, before_a_second_operator_agrees, ("action", "subject")),
}


def test_every_sealed_table_has_its_moments() -> None:
    sealed = {table for table in metadata.sorted_tables if {"version", "seal"} <= set(table.c.keys())}
    assert {moment.table for moment in MOMENTS.values()} == sealed


@pytest.mark.parametrize("name", MOMENTS)
async def test_t18_t19_with_any_column_edited_nothing_is_signed_and_an_alarm_tells(world: World, name: str) -> None:
    """Each column, at every other moment of its table; at all of them with DSS_SOAK=1."""
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
    step = 1 if EVERYTHING else min(2, len(moments))
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
        if self.column.name not in self.moment.found_by and not await stage.alarms(f"{KINDS[table]}:{self.named}"):
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
