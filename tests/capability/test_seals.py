"""Sealed rows: what was altered behind the server's back is not believed, and changes never overwrite one another.

Source: docs/adr/0008-sealed-rows.md; T18, T19.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed, Seals, Stored
from dss.audit.service import Audit
from dss.audit.tables import audit_events
from dss.devices.model import Enrolment
from dss.devices.registers import ENROLMENTS
from dss.devices.tables import enrolments
from dss.infra.db import Database
from dss.kernel.errors import HsmUnavailable, Overtaken, Tampered
from tests.world.clock import START
from tests.world.intruder import Intruder, mutations
from tests.world.servicekeys import SoftwareServiceKeys

ONE, OTHER = "0" * 25 + "1", "0" * 25 + "2"
MANY = 1000


class Sealer:
    """Keeps enrolments as a capability does: load, prove, decide, seal, write."""

    def __init__(self, database: Database, seals: Seals) -> None:
        self.database = database
        self.seals = seals

    async def stored(self, id: str = ONE) -> Stored[Enrolment]:
        async with self.database.read() as connection:
            return Stored.of(
                ENROLMENTS, (await connection.execute(ENROLMENTS.select().where(enrolments.c.id == id))).one()
            )

    async def proven(self, id: str = ONE) -> Sealed[Enrolment]:
        return await self.seals.prove(await self.stored(id))

    async def add(self, id: str = ONE, user: str = "3" * 26) -> None:
        row = {"id": id, "user_id": user, "state": "open", "sealed_secret": b"secret", "nonce": "n", "attempts": 0}
        times = {"created_at": START, "expires_at": START + timedelta(days=7)}
        await self.write(await self.seals.draft_new(ENROLMENTS, row | times))

    async def count(self, id: str = ONE) -> None:
        """Count one more wrong code; once, upon the row as it is."""
        known = await self.proven(id)
        await self.write(await self.seals.draft(known, known.value.with_wrong_code(MANY)))

    async def write(self, draft: Draft[Enrolment]) -> None:
        async with self.database.write() as connection:
            await self.seals.write(connection, draft, Event("enrolment.changed", "server", draft.sealed.name))


@pytest.fixture
def keys() -> SoftwareServiceKeys:
    return SoftwareServiceKeys()


@pytest.fixture
async def sealer(database: Database, keys: SoftwareServiceKeys, audit: Audit) -> Sealer:
    made = Sealer(database, Seals(keys, audit))
    await made.add()
    return made


@pytest.fixture
def intruder(database: Database) -> Intruder:
    return Intruder(database)


async def refused(sealer: Sealer, id: str = ONE) -> str:
    """Require that a row is refused with one alarm, and return why."""
    before = len(await alarms(sealer.seals.audit, id))
    with pytest.raises(Tampered):
        await sealer.proven(id)
    *_, why = told = await alarms(sealer.seals.audit, id)
    assert len(told) == before + 1
    return why


async def alarms(audit: Audit, id: str = ONE) -> list[str]:
    told = await audit.of_subject(f"enrolment:{id}")
    return [one.event.details["why"] for one in told if one.event.kind == "alarm.seal_broken"]


async def logged_versions(audit: Audit, id: str = ONE) -> list[int]:
    notes = [one.event.sealed for one in await audit.of_subject(f"enrolment:{id}")]
    return [note.version for note in notes if note is not None]


async def test_a_row_is_believed_as_it_was_written_and_as_it_was_changed(sealer: Sealer, audit: Audit) -> None:
    assert (await sealer.proven()).value.attempts == 0
    await sealer.count()

    changed = await sealer.proven()
    assert (changed.value.attempts, changed.row["version"]) == (1, 2)
    assert await logged_versions(audit) == [1, 2]
    assert await alarms(audit) == []


async def test_t18_a_row_of_which_any_column_was_edited_is_refused_with_one_alarm(
    sealer: Sealer, intruder: Intruder
) -> None:
    await sealer.count()
    before = await intruder.row(enrolments, ONE)
    for column in enrolments.c:
        for value in mutations(column, before[column.name]):
            named = value if column.name == "id" else ONE
            await intruder.edit(enrolments, ONE, **{column.name: value})
            await refused(sealer, named)
            await intruder.edit(enrolments, named, **before)
            await sealer.proven()


async def test_t18_a_number_that_no_seal_can_cover_is_refused_with_an_alarm(sealer: Sealer, intruder: Intruder) -> None:
    for beyond in (2**53, -(2**53), 2**62):
        await intruder.edit(enrolments, ONE, version=beyond)
        await refused(sealer)


async def test_t19_rows_whose_contents_were_swapped_are_both_refused(sealer: Sealer, intruder: Intruder) -> None:
    await sealer.add(OTHER, "4" * 26)
    await intruder.swap(enrolments, ONE, OTHER, *(set(enrolments.c.keys()) - {"id"}))
    for id in (ONE, OTHER):
        assert await refused(sealer, id) == "the row does not fit its seal"


async def test_t18_an_older_row_that_was_put_back_is_found_by_the_newest_seal_in_the_log(
    sealer: Sealer, intruder: Intruder
) -> None:
    older = await intruder.row(enrolments, ONE)
    await sealer.count()
    await intruder.edit(enrolments, ONE, **older)

    assert await refused(sealer) == "the row is not the newest that the log knows"


async def test_t52_an_older_row_fits_once_the_log_was_cut_too_and_only_who_kept_the_log_knows(
    sealer: Sealer, intruder: Intruder, audit: Audit
) -> None:
    older = await intruder.row(enrolments, ONE)
    await sealer.count()
    kept_elsewhere = await logged_versions(audit)
    await intruder.edit(enrolments, ONE, **older)
    await intruder.cut_log("enrolment", ONE, after=1)

    assert (await sealer.proven()).value.attempts == 0
    assert await logged_versions(audit) != kept_elsewhere


async def test_t18_a_row_that_the_log_does_not_know_is_refused(sealer: Sealer, intruder: Intruder) -> None:
    await intruder.cut_log("enrolment", ONE, after=0)
    assert await refused(sealer) == "the row is not the newest that the log knows"


async def test_t18_a_row_without_a_seal_is_refused(sealer: Sealer, intruder: Intruder) -> None:
    await intruder.edit(enrolments, ONE, seal=None, version=None)
    assert await refused(sealer) == "the row has no seal"


async def test_of_several_rows_none_is_believed_when_one_was_altered(sealer: Sealer, intruder: Intruder) -> None:
    await sealer.add(OTHER)
    await intruder.edit(enrolments, OTHER, attempts=9)
    with pytest.raises(Tampered):
        await sealer.seals.prove_all([await sealer.stored(ONE), await sealer.stored(OTHER)])
    assert (len(await alarms(sealer.seals.audit, ONE)), len(await alarms(sealer.seals.audit, OTHER))) == (0, 1)


async def test_what_was_proven_once_costs_no_more_of_the_hsm_and_yet_hides_no_edit(
    sealer: Sealer, intruder: Intruder, keys: SoftwareServiceKeys
) -> None:
    await sealer.proven()
    keys.stopped = True
    await sealer.proven()
    keys.stopped = False

    await intruder.edit(enrolments, ONE, attempts=2)
    await refused(sealer)
    await intruder.edit(enrolments, ONE, attempts=0)
    await sealer.proven()


async def test_what_was_proven_once_does_not_hide_that_it_was_put_back(sealer: Sealer, intruder: Intruder) -> None:
    await sealer.proven()
    older = await intruder.row(enrolments, ONE)
    await sealer.count()
    await intruder.edit(enrolments, ONE, **older)
    await refused(sealer)


async def test_without_the_hsm_nothing_is_believed_and_nothing_is_called_altered(
    sealer: Sealer, intruder: Intruder, keys: SoftwareServiceKeys, audit: Audit
) -> None:
    await intruder.edit(enrolments, ONE, attempts=2)
    keys.stopped = True
    with pytest.raises(HsmUnavailable):
        await sealer.proven()
    assert await alarms(audit) == []


async def test_of_two_changes_of_one_row_the_later_is_told_to_decide_again(sealer: Sealer, audit: Audit) -> None:
    known = await sealer.proven()
    first, second = [await sealer.seals.draft(known, known.value.with_wrong_code(MANY)) for _ in range(2)]
    await sealer.write(first)
    with pytest.raises(Overtaken):
        await sealer.write(second)
    assert await logged_versions(audit) == [1, 2]


async def test_thirty_writers_at_once_count_to_thirty_and_no_version_stands_twice(sealer: Sealer, audit: Audit) -> None:
    async def until_written() -> None:
        while True:
            try:
                return await sealer.count()
            except Overtaken:
                continue

    await asyncio.gather(*(until_written() for _ in range(30)))

    assert (await sealer.proven()).value.attempts == 30
    assert sorted(await logged_versions(audit)) == list(range(1, 32))


async def test_a_row_and_its_event_are_written_together_or_not_at_all(sealer: Sealer, audit: Audit) -> None:
    known = await sealer.proven()
    draft = await sealer.seals.draft(known, known.value.with_wrong_code(MANY))
    with pytest.raises(HsmUnavailable):
        async with sealer.database.write() as connection:
            await sealer.seals.write(connection, draft, Event("enrolment.changed", "server", known.name))
            raise HsmUnavailable

    assert (await sealer.proven()).value.attempts == 0
    assert await logged_versions(audit) == [1]


async def test_a_row_that_is_there_is_not_made_again(sealer: Sealer, audit: Audit) -> None:
    with pytest.raises(IntegrityError):
        await sealer.add()
    assert await logged_versions(audit) == [1]


# --- rows of versions that had no seals ---


@pytest.fixture
async def bare(sealer: Sealer, intruder: Intruder) -> Stored[Enrolment]:
    """A row as a version without seals left it."""
    await intruder.edit(enrolments, ONE, seal=None, version=None)
    await intruder.cut_log("enrolment", ONE, after=0)
    return await sealer.stored()


Adopt = Callable[[Stored[Any]], Any]


@pytest.fixture
def adopt(sealer: Sealer) -> Adopt:
    return lambda stored: sealer.seals.adopt(sealer.database, stored, "operator:test", {"nonce": "filled in"})


async def test_a_row_from_before_seals_is_adopted_once(
    sealer: Sealer, bare: Stored[Enrolment], adopt: Adopt, audit: Audit
) -> None:
    await adopt(bare)
    assert (await sealer.proven()).value == replace(ENROLMENTS.read(bare.row), nonce="filled in")
    assert [one.event.kind for one in await audit.of_subject(f"enrolment:{ONE}")][-1] == "row.adopted"

    with pytest.raises(Tampered):
        await adopt(await sealer.stored())


async def test_of_operators_who_adopt_at_once_one_does(bare: Stored[Enrolment], adopt: Adopt, audit: Audit) -> None:
    outcomes = await asyncio.gather(*(adopt(bare) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", *["Overtaken"] * 4]
    assert await logged_versions(audit) == [1]


async def test_t18_a_row_that_lost_its_seal_is_not_adopted(
    sealer: Sealer, intruder: Intruder, adopt: Adopt, database: Database
) -> None:
    await intruder.edit(enrolments, ONE, seal=None, version=None, attempts=0)
    with pytest.raises(Tampered):
        await adopt(await sealer.stored())
    async with database.read() as connection:
        adopted = sa.select(audit_events).where(audit_events.c.kind == "row.adopted")
        assert (await connection.execute(adopted)).all() == []
