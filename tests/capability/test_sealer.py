"""The sealer: every event gets one place in the tree, whatever comes late, twice, or breaks off (T52).

Source: docs/transparency-log.md sections 1 and 2; RFC 6962 section 2.1.
"""

import asyncio

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.merkle import require_consistent
from dss.audit.sealer import BATCH, Sealer
from dss.audit.tables import audit_events, log_checkpoints
from dss.hsm.servicekeys import KeyName
from dss.infra.db import Database
from dss.kernel.errors import Conflict, HsmUnavailable
from tests.world.clock import HandClock
from tests.world.sealing import Stage, named, stage

__all__ = ["stage"]


async def test_events_are_sealed_in_the_order_of_their_ids(stage: Stage) -> None:
    await stage.tell(*named(range(5)))
    assert await stage.sealer().round() == 5
    assert await stage.subjects() == named(range(5))
    await stage.require_whole()


async def test_a_round_without_events_signs_nothing_new(stage: Stage) -> None:
    sealer = stage.sealer()
    assert await sealer.round() == 0
    assert await stage.log.newest() is None
    await stage.tell("thing:0")
    await sealer.round()
    first = await stage.log.newest()
    assert await sealer.round() == 0
    assert await stage.log.newest() == first


async def test_the_tree_grows_over_the_borders_of_tiles_and_of_batches(stage: Stage) -> None:
    sealer, heads = stage.sealer(), []
    for count in (1, 254, 1, 1, 256, BATCH + 7, 3):
        await stage.tell(*named(range(count)))
        assert await sealer.round() == count
        heads.append(await stage.head())
    await stage.require_whole()
    for earlier in heads:
        path = await stage.log.consistency(earlier.size, heads[-1].size)
        require_consistent(earlier, heads[-1], path)


async def test_what_commits_after_younger_events_were_sealed_is_sealed_next(
    postgres_url: str, clock: HandClock
) -> None:
    """T52: on PostgreSQL ids become visible out of order."""
    database = Database(postgres_url)
    stage = Stage(database, clock)
    sealer = stage.sealer()
    async with database.write() as late:
        await stage.audit.record(late, Event("thing.done", "server", "thing:late"))
        await stage.tell("thing:early")
        assert await sealer.round() == 1
    assert await sealer.round() == 1
    assert await stage.subjects() == ["thing:early", "thing:late"]
    await stage.require_whole()
    await database.close()


async def test_a_second_sealer_is_idle_until_the_first_is_gone(stage: Stage) -> None:
    first, second = stage.sealer(), stage.sealer()
    await stage.tell("thing:0")
    await first.round()
    await stage.tell("thing:1")
    assert await second.round() == 0
    assert await first.round() == 1
    stage.clock.move(60)
    await stage.tell("thing:2")
    assert await second.round() == 1
    await stage.require_whole()


async def test_sealers_that_all_believe_to_hold_the_lease_seal_each_event_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease saves work; what keeps two sealers right is the row of the tree."""

    async def always(*_: object) -> bool:
        return True

    monkeypatch.setattr("dss.audit.sealer.lease.take", always)
    sealers = [stage.sealer() for _ in range(3)]
    for start in range(0, 300, 30):
        await asyncio.gather(stage.tell(*named(range(start, start + 30))), *(sealer.round() for sealer in sealers))
    for sealer in sealers:
        await sealer.round()
    assert sorted(await stage.subjects()) == sorted(named(range(300)))
    await stage.require_whole()


async def test_a_tree_that_grew_and_was_not_signed_is_signed_in_the_next_round(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sealer that dies between the two leaves the tree ahead of its checkpoint, and nothing is lost."""

    async def refuse(name: KeyName, data: bytes) -> bytes:
        raise HsmUnavailable("the device refused")

    await stage.tell("thing:0")
    with monkeypatch.context() as broken, pytest.raises(HsmUnavailable):
        broken.setattr(stage.keys, "sign_ed25519", refuse)
        await stage.sealer().round()
    assert await stage.log.newest() is None
    stage.clock.move(60)
    assert await stage.sealer().round() == 0
    await stage.require_whole()


async def test_events_from_before_the_log_was_sealed_get_a_salt_and_a_leaf(stage: Stage) -> None:
    await stage.tell(*named(range(3)))
    await stage.run(sa.update(audit_events).values(salt=None))
    await stage.sealer().round()
    await stage.require_whole()


async def test_of_old_checkpoints_the_last_of_each_hour_is_kept(stage: Stage) -> None:
    sealer, sizes = stage.sealer(), []
    for minutes in (0, 20, 20, 40, 24 * 60, 1):
        stage.clock.move(60 * minutes)
        await stage.tell("thing:0")
        await sealer.round()
        sizes.append((await stage.head()).size)
    assert await stage.log.thin() == 2
    async with stage.database.read() as connection:
        kept = list((await connection.execute(sa.select(log_checkpoints.c.size).order_by("size"))).scalars())
    assert kept == [sizes[2], *sizes[3:]]


async def test_a_log_keeps_the_name_that_it_began_with(stage: Stage) -> None:
    await stage.tell("thing:0")
    await stage.sealer().round()
    stage.clock.move(60)
    renamed = Sealer(stage.database, stage.keys, stage.audit, stage.clock, "moved.test/log")
    with pytest.raises(Conflict, match=r"dss\.test/log"):
        await renamed.round()
    assert (await stage.head()).size == 1
    assert await stage.audit.newest(kind="alarm.") == []
