"""Retention: what is deleted after the years, what stays, and that the log tells of it so that an auditor agrees.

Source: docs/transparency-log.md section 6.
"""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from dss.audit import deletions
from dss.audit.deletions import Deletion
from dss.audit.event import Event, Recorded, SealNote
from dss.audit.policy import Policy
from dss.audit.retention import Retention
from dss.audit.tables import audit_events, log_checkpoints
from dss.hsm.servicekeys import KeyName
from dss.kernel.clock import timestamp
from dss.kernel.errors import HsmUnavailable, Invalid, Overtaken
from dss.kernel.ids import EventId
from tests.world.clock import START
from tests.world.log_site import ORIGIN, YEARS, Site, site

__all__ = ["site"]

LONG = YEARS * timedelta(days=366)


@pytest.fixture
def retention(site: Site) -> Retention:
    return site.retention


def wait(site: Site, delta: timedelta = LONG + timedelta(days=1)) -> None:
    site.clock.move(delta.total_seconds())


async def told(site: Site) -> list[dict[str, str]]:
    """What the log says of deletions, but their signatures."""
    deleted = [row["details"] for row in await site.intruder.rows(audit_events) if row["kind"] == "audit.deleted"]
    return [{name: details[name] for name in details if name != "signature"} for details in deleted]


async def test_events_of_the_last_seven_years_stay(site: Site, retention: Retention):
    await site.write(5)
    wait(site, LONG - timedelta(seconds=10))
    assert await retention.round() == 0
    assert await told(site) == []


async def test_older_events_go_and_the_log_says_which(site: Site, retention: Retention):
    await site.write(6)
    kept = await site.kept()
    wait(site)
    await site.write(2)
    assert await retention.round() == 5
    assert await told(site) == [{"leaves": "1-5", "count": "5", "before": timestamp(site.clock.now() - LONG)}]
    await site.sealer.round()
    report = await site.verify(kept)
    assert (report.findings, report.events, report.seen.leaves, report.seen.deleted) == ((), 4, 9, 5)


async def test_the_first_event_of_the_log_stays_however_old_it_is(site: Site, retention: Retention):
    """It tells how old the log is at most."""
    await site.write()
    wait(site)
    await site.write()
    assert await retention.round() == 0
    wait(site)
    assert await retention.round() == 1
    assert [one["leaves"] for one in await told(site)] == ["1"]
    await site.sealer.round()
    assert await site.kinds() == []


async def test_a_second_round_finds_nothing_to_delete(site: Site, retention: Retention):
    await site.write(5)
    wait(site)
    await retention.round()
    await site.sealer.round()
    assert await retention.round() == 0
    assert len(await told(site)) == 1


async def test_a_deletion_names_a_thousand_events_at_most(site: Site, retention: Retention):
    async with site.database.write() as connection:
        for number in range(1501):
            await site.audit.record(connection, Event("thing.done", "server", f"thing:{number}"))
    await site.sealer.round()
    wait(site)
    assert await retention.round() == 1500
    assert [(one["leaves"], one["count"]) for one in await told(site)] == [("1-1000", "1000"), ("1001-1500", "500")]
    await site.sealer.round()
    assert await site.kinds() == []


async def test_the_newest_event_of_a_sealed_row_stays_and_the_older_ones_go(site: Site, retention: Retention):
    await site.write()
    await site.add_row()
    await site.change_row()
    await site.change_row()
    await site.sealer.round()
    wait(site)
    assert await retention.round() == 2
    await site.sealer.round()
    assert await site.kinds() == []
    await site.change_row()  # it proves, and can be changed


async def test_that_an_owner_ever_had_a_phone_is_remembered(site: Site, retention: Retention):
    """A phone's first seal is long superseded, and every further phone must still wait."""
    await site.write()
    await site.write(kind="device.enrolled", subject="user:1", sealed=SealNote("device:1", 1, b"s" * 32))
    await site.write(kind="device.removed", subject="device:1", sealed=SealNote("device:1", 2, b"t" * 32))
    wait(site)
    assert await retention.round() == 0
    assert await site.audit.tells("user:1", {"device.enrolled"})


async def test_what_was_said_of_deletions_stays(site: Site, retention: Retention):
    await site.write(3)
    wait(site)
    await retention.round()
    await site.sealer.round()
    wait(site)
    await site.write()
    assert await retention.round() == 0
    assert await site.kinds() == []


async def test_an_event_that_was_never_sealed_stays(site: Site, retention: Retention):
    async with site.database.write() as connection:
        await site.audit.record(connection, Event("thing.done", "server", "thing:1"))
    wait(site)
    assert await retention.round() == 0


async def test_what_an_auditor_would_not_believe_to_be_old_is_not_deleted(site: Site, retention: Retention):
    """The server's clock ran a year ahead for a while: what came behind that stays until all of it is old."""
    await site.write(3)
    wait(site, timedelta(days=366))
    await site.write()
    wait(site, -timedelta(days=366))
    await site.write(3)
    wait(site)
    assert await retention.round() == 2
    await site.sealer.round()
    assert await site.kinds() == []
    wait(site, timedelta(days=366))
    await site.write()
    assert await retention.round() == 4
    await site.sealer.round()
    assert await site.kinds() == []


async def test_two_workers_delete_each_event_once(site: Site, retention: Retention):
    await site.write(31)
    wait(site)
    other = Retention(site.database, site.keys, site.audit, site.clock, Policy(ORIGIN, YEARS))
    assert sum(await asyncio.gather(retention.round(), other.round())) == 30
    assert sum(int(one["count"]) for one in await told(site)) == 30
    await site.sealer.round()
    assert await site.kinds() == []


async def test_what_changed_while_the_hsm_signed_is_chosen_anew(
    site: Site, retention: Retention, monkeypatch: pytest.MonkeyPatch
):
    """What was signed is deleted or nothing: an event that is gone meanwhile, or on another leaf, makes it another."""
    await site.write(6)
    wait(site)
    plain = site.keys.sign_ed25519

    async def slow(name: KeyName, data: bytes) -> bytes:
        if b"1-5" in data:
            await site.delete(3)
        return await plain(name, data)

    monkeypatch.setattr(site.keys, "sign_ed25519", slow)
    assert await retention.round() == 4
    assert [one["leaves"] for one in await told(site)] == ["1-2,4-5"]


async def test_what_changes_all_the_time_is_left_to_the_next_round(
    site: Site, retention: Retention, monkeypatch: pytest.MonkeyPatch
):
    await site.write(9)
    wait(site)
    plain, gone = site.keys.sign_ed25519, iter(range(1, 9))

    async def slow(name: KeyName, data: bytes) -> bytes:
        await site.delete(next(gone))
        return await plain(name, data)

    monkeypatch.setattr(site.keys, "sign_ed25519", slow)
    with pytest.raises(Overtaken):
        await retention.round()
    assert await told(site) == []


async def test_the_hsm_is_not_asked_inside_a_database_transaction(
    site: Site, retention: Retention, monkeypatch: pytest.MonkeyPatch
):
    await site.write(3)
    wait(site)
    plain = site.keys.sign_ed25519

    async def writing(name: KeyName, data: bytes) -> bytes:
        async with asyncio.timeout(5), site.database.write() as connection:
            await site.audit.record(connection, Event("thing.done", "server", "thing:meanwhile"))
        return await plain(name, data)

    monkeypatch.setattr(site.keys, "sign_ed25519", writing)
    assert await retention.round() == 2


async def test_without_the_hsm_nothing_is_deleted(site: Site, retention: Retention):
    await site.write(3)
    wait(site)
    site.keys.stopped = True
    with pytest.raises(HsmUnavailable):
        await retention.round()
    assert len(await site.leaves()) == 3


async def test_what_no_checkpoint_is_over_yet_is_not_deleted(site: Site, retention: Retention):
    await site.write(4)
    wait(site)
    async with site.database.write() as connection:
        await connection.execute(sa.delete(log_checkpoints))
    assert await retention.round() == 0


async def test_a_deletion_that_is_cut_short_deletes_nothing(
    site: Site, retention: Retention, monkeypatch: pytest.MonkeyPatch
):
    """The events and the event that tells of them are one database transaction."""
    await site.write(3)
    wait(site)

    async def fail(*_: Any) -> None:
        raise RuntimeError("a crash")

    monkeypatch.setattr(site.audit, "record", fail)
    with pytest.raises(RuntimeError):
        await retention.round()
    assert len(await site.leaves()) == 3


async def test_old_checkpoints_and_proofs_hold_after_a_deletion(site: Site, retention: Retention):
    await site.write(300)
    kept = await site.kept()
    inclusion = await site.log.inclusion(7, 300)
    wait(site)
    await retention.round()
    await site.sealer.round()
    assert await site.kinds(kept) == []
    assert await site.log.inclusion(7, 300) == inclusion


# --- the form of what is told ---


@given(st.sets(st.integers(0, 5000), min_size=1, max_size=200))
def test_leaves_are_read_as_they_are_written(leaves: set[int]):
    text = deletions.write_leaves(sorted(leaves))
    assert [leaf for first, last in deletions.read_leaves(text) for leaf in range(first, last + 1)] == sorted(leaves)


@given(st.text(alphabet="0123456789-,", max_size=12))
def test_no_two_texts_name_the_same_leaves(text: str):
    try:
        runs = deletions.read_leaves(text)
    except Invalid:
        return
    if sum(last - first for first, last in runs) < 1000:
        numbers = [leaf for first, last in runs for leaf in range(first, last + 1)]
        assert deletions.write_leaves(numbers) == text


async def test_a_deletion_gives_the_leaves_of_a_page(site: Site):
    key, leaves = await site.auditing.log_key(), [3, 4, 5, 9, 12]
    signature = await site.keys.sign_ed25519(KeyName.LOG, deletions.text(ORIGIN, leaves, START))
    told = Recorded(EventId("1"), START, deletions.event(ORIGIN, leaves, START, signature), b"", 20)
    deletion = Deletion.of(told, key)
    assert list(deletion.within(0, 20)) == leaves
    assert list(deletion.within(4, 12)) == [4, 5, 9]
    with pytest.raises(Invalid, match="newer than itself"):
        Deletion.of(replace(told, leaf=12), key)
