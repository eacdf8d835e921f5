"""What an auditor finds when events, entries and tiles are not as the sealer left them.

Source: docs/transparency-log.md section 5; T52.
"""

from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit import log_pages
from dss.audit.event import Event, SealNote
from dss.audit.service import Audit
from dss.audit.tables import audit_events, log_checkpoints, log_tiles, log_tree
from dss.infra.db import Database
from dss.kernel.ids import Ids
from tests.world.clock import HandClock
from tests.world.intruder import mutations
from tests.world.log_site import Site, site, site_on

__all__ = ["site"]

COUNT = 10
SIGNED_COLUMNS = [column for column in audit_events.c if column.name != "leaf"]


@pytest.fixture
async def log(site: Site) -> Site:
    """A log of ten sealed events; the fourth seals a row that is gone."""
    for number in range(COUNT):
        note = SealNote("thing:3", 1, b"s" * 32) if number == 3 else None
        await site.write(kind=f"thing.{number}", sealed=note)
    return site


async def test_a_log_as_the_sealer_left_it_has_no_findings_and_tells_what_was_read(log: Site):
    report = await log.verify(await log.kept())
    assert report.findings == ()
    assert (report.events, report.seen.leaves, report.seen.deleted, report.seen.newest) == (COUNT, COUNT, 0, COUNT)


async def test_a_log_that_has_no_event_yet_has_no_findings(site: Site):
    assert (await site.verify()).findings == ()


async def test_a_log_of_several_pages_has_no_findings(site: Site, monkeypatch: pytest.MonkeyPatch):
    """Pages smaller than the log: the tree goes on from page to page."""
    monkeypatch.setattr("dss.audit.verifying.PAGE", 256)
    await site.write(3)
    kept = await site.kept()
    for _ in range(2):
        await _write_at_once(site, 400)
    report = await site.verify(kept)
    assert report.findings == ()
    assert report.seen.leaves == 803


async def _write_at_once(site: Site, count: int) -> None:
    async with site.database.write() as connection:
        for number in range(count):
            await site.audit.record(connection, Event("thing.done", "server", f"thing:{number}"))
    await site.sealer.round()


@pytest.mark.parametrize("column", SIGNED_COLUMNS, ids=lambda column: column.name)
async def test_t52_an_edit_of_any_column_of_an_event_is_found(log: Site, column: sa.Column[Any]):
    for leaf in (3, 5):  # one that seals a row, and one that does not
        before = (await log.leaves())[leaf][column.name]
        for value in mutations(column, before):
            await log.edit(leaf, **{column.name: value})
            found = (await log.verify()).findings
            assert [(one.kind, one.where) for one in found] == [("event_changed", f"leaf {leaf}")], value
            await log.edit(leaf, **{column.name: before})
    assert await log.kinds() == []


async def test_t52_what_no_event_ever_was_is_a_finding_and_ends_nothing(log: Site):
    """A time out of every range, and details that are no object."""
    await log.edit(2, at=sa.literal(2**62, sa.BigInteger))
    await log.edit(4, details=["no", "object"])
    await log.edit(6, outcome="nonsense")
    assert await log.kinds() == ["event_changed"] * 3


@pytest.mark.parametrize("other", ["forged", "2"])
async def test_t52_details_with_a_member_twice_are_found(log: Site, other: str):
    """SQL reads the first, and the server the last: whoever asks is told something else."""
    twice = f'{{"number": "{other}", "number": "0"}}'
    await _set(log, "details", f"'{twice}'")
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("event_changed", "leaf 2")]


@pytest.mark.parametrize("leaf", ["0.5", "5.5", "-0.5", "10.5", "'x'", "x'00'"])
async def test_t52_a_number_that_no_leaf_has_is_found(sqlite_url: str, clock: HandClock, ids: Ids, leaf: str):
    """SQLite keeps a value of any type in any column."""
    database = Database(sqlite_url)
    log = site_on(database, clock, Audit(database, clock, ids))
    await log.write(COUNT)
    await _set(log, "leaf", leaf)
    found = await log.kinds()
    assert sorted(found) in (["event_missing", "leaf_beyond"], ["event_missing", "leaf_refused"])
    await database.close()


@pytest.mark.parametrize("leaf", ["0.5", "'x'"])
async def test_t52_a_deletion_on_a_number_that_no_leaf_has_is_found(
    sqlite_url: str, clock: HandClock, ids: Ids, leaf: str
):
    database = Database(sqlite_url)
    log = site_on(database, clock, Audit(database, clock, ids))
    await log.write(COUNT)
    await _set(log, "leaf", leaf)
    await _set(log, "kind", "'audit.deleted'", "leaf = " + leaf)
    assert "deletion_refused" in await log.kinds()
    await database.close()


async def _set(site: Site, column: str, value: str, which: str = "leaf = 2") -> None:
    """Set a column as its type does not let us."""
    async with site.database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE audit_events SET {column} = {value} WHERE {which}")


async def test_t52_a_deletion_is_found(log: Site):
    await log.delete(4, 5, 8)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("event_missing", "leaves 4-5"), ("event_missing", "leaf 8")]


async def test_t52_a_deletion_at_the_end_is_found(log: Site):
    await log.delete(COUNT - 1)
    assert await log.kinds() == ["event_missing"]


async def test_t52_two_events_that_changed_places_are_found(log: Site):
    await log.edit(2, leaf=100)
    await log.edit(7, leaf=2)
    await log.edit(100, leaf=7)
    found = (await log.verify()).findings
    assert [(one.kind, one.where) for one in found] == [("event_changed", "leaf 2"), ("event_changed", "leaf 7")]


async def test_t52_an_event_that_has_another_number_is_found(log: Site):
    await log.edit(4, leaf=COUNT)
    assert await log.kinds() == ["event_missing", "leaf_beyond"]


@pytest.mark.parametrize("leaf", [COUNT, 2**40, -1])
async def test_t52_an_event_put_in_with_a_number_is_found(log: Site, leaf: int):
    row = (await log.leaves())[0]
    await log.intruder.add(audit_events, row | {"id": "Z" * 26, "leaf": leaf, "sealed_row": None})
    assert await log.kinds() == ["leaf_beyond"]


async def test_t52_an_event_put_in_the_place_of_another_is_found(log: Site):
    row = (await log.leaves())[5]
    await log.delete(5)
    await log.intruder.add(audit_events, row | {"id": "Z" * 26, "kind": "thing.forged"})
    assert await log.kinds() == ["event_changed"]


async def test_t52_an_edited_tile_is_found_at_any_level(site: Site):
    await _write_at_once(site, 520)
    places = {(row["level"], row["index"]) for row in await site.intruder.rows(log_tiles)}
    assert places == {(-1, 0), (-1, 1), (-1, 2), (0, 0), (0, 1), (0, 2), (1, 0)}
    for level, index in places - {(-1, 0), (-1, 1), (-1, 2)}:
        await _flip_tile(site, level, index)
        found = (await site.verify()).findings
        assert [(one.kind, one.where) for one in found] == [("tile_differs", f"tile {level}/{index}")]
        await _flip_tile(site, level, index)


async def test_t52_an_edited_entry_is_found_in_its_event_and_in_the_tree(log: Site):
    await _flip_tile(log, -1, 0)
    assert await log.kinds() == ["event_changed", "tile_differs", "root_differs", "root_differs"]


async def _flip_tile(site: Site, level: int, index: int) -> None:
    t = log_tiles
    mine = (t.c.level == level) & (t.c.index == index)
    async with site.database.write() as connection:
        data = (await connection.execute(sa.select(t.c.data).where(mine))).scalar_one()
        await connection.execute(sa.update(t).where(mine).values(data=data[:-1] + bytes([data[-1] ^ 1])))


async def test_t52_lost_entries_are_found_and_the_reading_ends_there(log: Site):
    async with log.database.write() as connection:
        await connection.execute(sa.update(log_tiles).where(log_tiles.c.level == -1).values(data=b"x" * 32 * 4))
    kinds = await log.kinds()
    assert kinds[:4] == ["event_changed"] * 4
    assert kinds[4:] == ["entries_missing"]


async def test_t52_an_entry_too_many_is_found(log: Site):
    """The sealer would go on behind it, and all later entries would stand in wrong places."""
    async with log.database.write() as connection:
        data = log_tiles.c.data
        held = (await connection.execute(sa.select(data).where(log_tiles.c.level == -1))).scalar_one()
        await connection.execute(sa.update(log_tiles).where(log_tiles.c.level == -1).values(data=held + b"x" * 32))
    assert await log.kinds() == ["entries_missing"]


async def test_t52_two_events_of_one_number_are_found(log: Site):
    """Who rules the database can also take away what keeps numbers unlike."""
    async with log.database.write() as connection:
        await connection.exec_driver_sql("DROP INDEX ix_audit_events_leaf")
    row = (await log.leaves())[5]
    await log.intruder.add(audit_events, row | {"id": "Z" * 26, "kind": "thing.forged"})
    assert "leaf_twice" in await log.kinds()


async def test_t52_a_tile_that_no_tree_has_is_found(log: Site):
    await log.intruder.add(log_tiles, {"level": 0, "index": 9, "data": b"x" * 32})
    assert await log.kinds() == ["tiles_beyond"]


@pytest.mark.parametrize("change", [{"size": COUNT - 1}, {"size": 2**50}, {"root": b"x" * 32}])
async def test_t52_an_edited_head_is_found(log: Site, change: dict[str, Any]):
    async with log.database.write() as connection:
        await connection.execute(sa.update(log_tree).values(change))
    assert await log.kinds()


async def test_t52_lost_checkpoints_are_found(log: Site):
    log.clock.move(120)
    async with log.database.write() as connection:
        await connection.execute(sa.delete(log_checkpoints))
    assert await log.kinds() == ["unsigned"]


async def test_a_sealer_that_does_not_run_is_found_after_a_minute(log: Site):
    async with log.database.write() as connection:
        await log.audit.record(connection, Event("thing.done", "server", "thing:1"))
    log.clock.move(59)
    assert await log.kinds() == []
    log.clock.move(2)
    assert await log.kinds() == ["unsealed"]


async def test_a_log_that_grows_while_it_is_read_gives_no_findings(log: Site, monkeypatch: pytest.MonkeyPatch):
    """The reading is of one moment: what is sealed meanwhile is not seen."""
    plain = log_pages.deletions

    async def meanwhile(connection: Any) -> Any:
        found = await plain(connection)
        await log.write(3)
        await log.delete(*range(COUNT))
        return found

    monkeypatch.setattr(log_pages, "deletions", meanwhile)
    report = await log.verify()
    assert (report.findings, report.seen.leaves) == ((), COUNT)


async def test_a_log_with_very_many_findings_is_read_until_there_are_enough(site: Site, monkeypatch: Any):
    monkeypatch.setattr("dss.transactions.auditing.MOST", 3)
    await site.write(COUNT)
    async with site.database.write() as connection:
        await connection.execute(sa.update(audit_events).values(kind="nothing.done"))
    report = await site.verify()
    assert (len(report.findings), report.cut) == (3, True)
