"""Evidence in the database: kept with the event that tells of it, given out with the log's proof, or not at all.

Source: docs/evidence.md sections 1 and 5.
"""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Event, commitment
from dss.audit.merkle import require_consistent, require_included
from dss.audit.tables import log_tiles
from dss.evidence.record import Record
from dss.evidence.service import Kept, Standing
from dss.evidence.stating import ChannelKeys
from dss.evidence.tables import evidence
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.errors import Conflict, HsmUnavailable, NotFound
from dss.kernel.ids import TransactionId
from tests.world.clock import HandClock
from tests.world.evidence_stage import ORIGIN, SERVER, Stage, core_by
from tests.world.servicekeys import SoftwareServiceKeys


@pytest.fixture
async def stage(database: Database, clock: HandClock) -> Stage:
    stage = Stage(database, clock)
    await stage.set()
    return stage


async def test_the_record_proves_the_event_of_the_end_by_the_newest_checkpoint(stage: Stage) -> None:
    ids = [await stage.ended() for _ in range(5)]
    await stage.sealer.round()

    for leaf, id in enumerate(ids):
        record = await stage.record(id)
        proof = record.log
        entry = commitment(proof.salt, canonical.encode(proof.event))
        require_included(proof.leaf, entry, proof.path, await stage.head_of(proof))
        assert (record.core, proof.leaf, proof.consistency) == (stage.core, leaf, None)
        assert proof.event["details"] == {"lease": "1", **Kept.of(id, stage.core).details}
        assert Record.read(record.encoded()) == record


async def test_there_is_none_until_a_checkpoint_is_over_the_event(stage: Stage) -> None:
    id = await stage.ended()
    assert await stage.evidence.of(id) is None
    await stage.sealer.round()
    later = await stage.ended()

    assert await stage.evidence.of(later) is None
    assert (await stage.record(id)).log.leaf == 0


async def test_the_log_is_proven_consistent_with_every_checkpoint_that_was_kept(stage: Stage) -> None:
    id = await stage.sealed()
    for _ in range(8):
        await stage.sealed()
    heads = await stage.heads()

    for kept in heads[1:-1]:
        proof = (await stage.record(id, kept.size)).log
        assert proof.consistency is not None
        assert proof.consistency.size == kept.size
        require_consistent(kept, await stage.head_of(proof), proof.consistency.path)
    assert (await stage.record(id, heads[-1].size)).log.consistency is None


async def test_a_checkpoint_that_the_log_never_had_is_not_found(stage: Stage) -> None:
    id = await stage.sealed()
    with pytest.raises(NotFound, match="no checkpoint of 2 leaves"):
        await stage.evidence.of(id, 2)


@pytest.mark.parametrize("kind", ["transaction.expired", "transaction.failed", "transaction.signed"])
async def test_an_end_that_tells_of_no_evidence_has_none(stage: Stage, kind: str) -> None:
    """The last one is of a version that kept none."""
    id = await stage.ended_with(None, kind)
    await stage.sealer.round()
    with pytest.raises(Conflict):
        await stage.evidence.of(id)


async def test_evidence_that_the_log_does_not_tell_of_is_none(stage: Stage) -> None:
    id = TransactionId(stage.ids.new())
    async with stage.database.write() as connection:
        await stage.evidence.keep(connection, Kept.of(id, stage.core), stage.clock.now())
    with pytest.raises(Conflict):
        await stage.evidence.of(id)


async def test_evidence_is_kept_once_and_a_second_is_not_written_over_it(stage: Stage) -> None:
    id = await stage.sealed()
    with pytest.raises(Conflict):
        async with stage.database.write() as connection:
            await stage.evidence.keep(connection, Kept.of(id, stage.other), stage.clock.now())
    assert (await stage.record(id)).core == stage.core


async def test_t52_a_core_with_any_byte_changed_is_an_alarm(stage: Stage) -> None:
    id, text = await stage.sealed(), stage.core.encoded()
    for place in range(0, len(text), len(text) // 30):
        await stage.edit_core(id, text[:place] + bytes([text[place] ^ 1]) + text[place + 1 :])
        await stage.require_alarm(id)
    for other in (b"", text[:-1], text + b" ", stage.other.encoded()):
        await stage.edit_core(id, other)
        await stage.require_alarm(id)
    await stage.edit_core(id, text)
    assert (await stage.record(id)).core == stage.core


async def test_t52_a_core_that_is_gone_is_an_alarm(stage: Stage) -> None:
    id = await stage.sealed()
    await stage.run(sa.delete(evidence).where(evidence.c.transaction_id == id))
    await stage.require_alarm(id)


async def test_t52_a_core_that_was_exchanged_together_with_what_its_event_tells_is_an_alarm(stage: Stage) -> None:
    id = await stage.sealed()
    await stage.edit_core(id, stage.other.encoded())
    await stage.edit_event(id, details={"lease": "1", **Kept.of(id, stage.other).details})
    await stage.require_alarm(id)


@pytest.mark.parametrize(
    "edit",
    [
        {"salt": b"\x00" * 32},
        {"salt": None},
        {"actor": "server:another"},
        {"outcome": "refused"},
        {"outcome": "never heard of"},
        {"leaf": -1},
        {"details": {"evidence": "not base64url!"}},
        {"details": {"evidence": "\ud800"}},
        {"details": {"evidence": 7}},
        {"details": ["evidence"]},
    ],
    ids=repr,
)
async def test_t52_an_event_that_was_edited_is_an_alarm(stage: Stage, edit: dict[str, Any]) -> None:
    id = await stage.sealed()
    await stage.edit_event(id, **edit)
    await stage.require_alarm(id)


@pytest.mark.parametrize("details", [{"evidence": "A" * 43}, {"evidence": ""}, {"evidence": "\u0436"}, {}], ids=repr)
async def test_t52_an_end_that_is_told_a_second_time_takes_the_evidence_of_the_first_not_away(
    stage: Stage, details: dict[str, str]
) -> None:
    """An empty dict stands for the very digest of the first."""
    id = await stage.sealed()
    told = details or Kept.of(id, stage.core).details
    async with stage.database.write() as connection:
        event = Event("transaction.declined", "server", f"transaction:{id}", details=told)
        await stage.audit.record(connection, event)
    assert (await stage.record(id)).log.leaf == 0
    await stage.sealer.round()

    record = await stage.record(id)
    assert (record.core, record.log.leaf, record.log.event["kind"]) == (stage.core, 0, "transaction.signed")


async def test_t52_of_two_ends_that_tell_of_other_evidence_than_is_there_none_is_given_out(stage: Stage) -> None:
    id = await stage.sealed()
    async with stage.database.write() as connection:
        details = Kept.of(id, stage.other).details
        await stage.audit.record(
            connection, Event("transaction.signed", "server", f"transaction:{id}", details=details)
        )
    await stage.sealer.round()
    await stage.edit_core(id, replace(stage.core, answer="a third answer").encoded())
    await stage.require_alarm(id)


async def test_t52_evidence_by_an_invented_channel_key_is_an_alarm(stage: Stage) -> None:
    """Whoever writes to the database writes the core and its event, and lets the log seal them."""
    await stage.sealed()
    own, true = SoftwareServiceKeys(), stage.core.channel_key
    made = [await ChannelKeys(own, ORIGIN, SERVER).statement(), true, await stage.log.checkpoint()]
    for channel_key in made:
        await stage.require_alarm(await stage.sealed(await core_by(own, channel_key)))
    spoilt = (replace(stage.core, channel_key=""), replace(stage.core, receipt=(await core_by(own, true)).receipt))
    for core in spoilt:
        await stage.require_alarm(await stage.sealed(core))
    assert (await stage.record(await stage.sealed())).core == stage.core


async def test_without_the_key_of_the_log_no_evidence_is_given_out_and_no_alarm_is_told(stage: Stage) -> None:
    id = await stage.sealed()
    stage.keys.stopped = True
    with pytest.raises(HsmUnavailable):
        await stage.evidence.of(id)
    stage.keys.stopped = False
    assert (await stage.record(id)).core == stage.core
    assert "alarm.evidence_altered" not in {told.event.kind for told in await stage.audit.newest(9)}


async def test_t52_a_tree_that_was_edited_is_an_alarm(stage: Stage) -> None:
    id = await stage.ended()
    await stage.sealed()
    await stage.run(sa.update(log_tiles).where(log_tiles.c.level == 0).values(data=b"\x00" * 64))
    await stage.require_alarm(id)
    await stage.run(sa.delete(log_tiles))
    await stage.require_alarm(id)


async def test_it_is_told_of_many_at_once_where_their_evidence_stands(stage: Stage) -> None:
    none, sealed = await stage.ended_with(None), await stage.sealed()
    numbered, pending = await stage.ended(), await stage.ended()
    await stage.edit_event(numbered, leaf=2)
    absent = TransactionId(stage.ids.new())

    assert await stage.evidence.standing([sealed, none, numbered, pending, absent]) == {
        sealed: Standing.SEALED,
        none: Standing.NONE,
        numbered: Standing.PENDING,
        pending: Standing.PENDING,
        absent: Standing.NONE,
    }
    assert await stage.evidence.standing([]) == {}
