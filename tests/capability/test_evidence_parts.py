"""Evidence of batches in the database: kept part by part, given out for each document with the proof of its place.

Source: docs/evidence.md section 1b.
"""

from dataclasses import dataclass, replace

import pytest
import sqlalchemy as sa

from dss.audit.merkle import Head
from dss.devices import channel
from dss.devices.items import Batch, Item
from dss.devices.request import REQUEST
from dss.evidence.pieces import Piece, part_of, write_pieces
from dss.evidence.record import Core, Record
from dss.evidence.service import Standing
from dss.evidence.tables import evidence_parts
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound, Tampered
from dss.kernel.ids import TransactionId
from tests.world.clock import HandClock
from tests.world.evidence_maker import Maker
from tests.world.evidence_stage import SERVER, Stage

ITEMS = tuple(Item(index, "hash", "ecdsa", Digest.of(b"%d" % index)) for index in range(103))
LEAVES = [item.leaf() for item in ITEMS]
DECLINED = 41
PARTS = (range(40), range(40, 80), range(80, 103))


@dataclass
class Batched:
    """A batch of which parts were signed; batch: its head."""

    stage: Stage
    core: Core
    id: TransactionId
    batch: Head

    async def sign(self, *parts: range) -> None:
        for part in parts:
            await self.stage.part_signed(self.id, self.core, pieces_of(part))

    async def leaf(self, index: int) -> Record | None:
        return await self.stage.evidence.of_leaf(self.id, index, LEAVES)

    async def require_alarm(self, index: int) -> None:
        with pytest.raises(Tampered):
            await self.leaf(index)
        (alarm,) = await self.stage.audit.newest(1)
        assert (alarm.event.kind, alarm.event.subject) == ("alarm.evidence_altered", f"transaction:{self.id}")


def pieces_of(part: range) -> tuple[Piece, ...]:
    return tuple(Piece(index, b"", b"value %d" % index) for index in part if index != DECLINED)


@pytest.fixture
async def batched(database: Database, clock: HandClock) -> Batched:
    stage = Stage(database, clock)
    await stage.set()
    batch = Batch.of(ITEMS)
    claims = Maker().sign().request | {"server": SERVER, "documents": [], "batch": batch.member()}
    request = await channel.sign(stage.keys, REQUEST, canonical.encode(claims))
    core = replace(stage.core, request=request, signatures=())
    return Batched(stage, core, TransactionId(claims["transaction"]), Head(batch.count, batch.root))


@pytest.mark.parametrize("index", [0, 39, 40, 42, 79, 80, 102])
async def test_each_document_that_was_signed_has_a_record_with_its_place(batched: Batched, index: int) -> None:
    await batched.sign(*PARTS)
    await batched.stage.sealer.round()

    record = await batched.leaf(index)

    assert record is not None
    assert record.leaf is not None
    record.leaf.require_in(batched.batch, record.core.part)
    part = next(number for number, part in enumerate(PARTS) if index in part)
    assert record.core == replace(batched.core, part=part_of(pieces_of(PARTS[part])))
    assert (record.log.leaf, record.log.event["kind"]) == (part, "transaction.part_signed")
    assert (record.leaf.piece.index, record.leaf.item["index"]) == (index, index)
    assert Record.read(record.encoded()) == record


async def test_a_document_has_none_until_its_part_is_signed_and_sealed(batched: Batched) -> None:
    with pytest.raises(Conflict, match="document 0 of the batch has no signature"):
        await batched.leaf(0)
    await batched.sign(PARTS[0])
    assert await batched.leaf(0) is None
    await batched.stage.sealer.round()
    assert await batched.leaf(0) is not None
    with pytest.raises(Conflict, match="document 50 "):
        await batched.leaf(50)


async def test_a_document_that_was_declined_or_is_not_there_has_none(batched: Batched) -> None:
    await batched.sign(*PARTS)
    await batched.stage.sealer.round()

    with pytest.raises(Conflict, match=f"document {DECLINED} of the batch has no signature"):
        await batched.leaf(DECLINED)
    for index in (-1, len(ITEMS)):
        with pytest.raises(NotFound, match="no document"):
            await batched.leaf(index)


async def test_the_record_of_a_whole_batch_is_asked_for_by_document(batched: Batched) -> None:
    await batched.sign(PARTS[0])
    await batched.stage.sealer.round()
    with pytest.raises(Conflict, match="ask for one of them by its index"):
        await batched.stage.evidence.of(batched.id)


async def test_the_log_is_proven_consistent_with_a_kept_checkpoint(batched: Batched) -> None:
    await batched.sign(*PARTS[:2])
    await batched.stage.sealer.round()
    await batched.sign(PARTS[2])
    await batched.stage.sealer.round()

    record = await batched.stage.evidence.of_leaf(batched.id, 100, LEAVES, kept_size=2)

    assert record is not None
    assert record.log.consistency is not None
    with pytest.raises(NotFound, match="no checkpoint of 4 leaves"):
        await batched.stage.evidence.of_leaf(batched.id, 100, LEAVES, kept_size=4)


async def test_a_batch_stands_as_its_last_part_does(batched: Batched) -> None:
    stages = []
    for part in PARTS:
        await batched.sign(part)
        stages.append((await batched.stage.evidence.standing([batched.id]))[batched.id])
        await batched.stage.sealer.round()
        stages.append((await batched.stage.evidence.standing([batched.id]))[batched.id])

    assert stages == [Standing.PENDING, Standing.SEALED] * len(PARTS)


async def test_a_part_is_kept_once(batched: Batched) -> None:
    await batched.sign(PARTS[0])
    with pytest.raises(Conflict, match="of this part"):
        await batched.sign(PARTS[0])


@pytest.mark.parametrize(
    "edit",
    [
        {"core": b"{}"},
        {"pieces": b"[]"},
        {"pieces": write_pieces(pieces_of(PARTS[0])[:-1])},
        {"pieces": write_pieces((Piece(0, b"", b"another"), *pieces_of(PARTS[0])[1:]))},
        {"pieces": b"not JSON"},
        {"first": 1000},
    ],
    ids=repr,
)
async def test_t52_a_part_that_was_edited_is_an_alarm(batched: Batched, edit: dict[str, object]) -> None:
    await batched.sign(PARTS[0])
    await batched.stage.sealer.round()
    await batched.stage.run(sa.update(evidence_parts).values(edit))

    await batched.require_alarm(0)


async def test_t52_a_part_that_is_gone_is_an_alarm(batched: Batched) -> None:
    await batched.sign(*PARTS)
    await batched.stage.sealer.round()
    await batched.stage.run(sa.delete(evidence_parts).where(evidence_parts.c.first == 40))

    await batched.require_alarm(50)
    assert await batched.leaf(0) is not None


async def test_t52_documents_that_were_exchanged_are_an_alarm(batched: Batched) -> None:
    await batched.sign(PARTS[0])
    await batched.stage.sealer.round()

    with pytest.raises(Tampered):
        await batched.stage.evidence.of_leaf(batched.id, 0, [LEAVES[1], LEAVES[0], *LEAVES[2:]])
    with pytest.raises(Tampered):
        await batched.stage.evidence.of_leaf(batched.id, 0, LEAVES[:-1])


async def test_t52_a_part_that_another_core_tells_of_is_an_alarm(batched: Batched) -> None:
    await batched.stage.part_signed(batched.id, replace(batched.core, answer="another"), pieces_of(PARTS[0]))
    await batched.stage.sealer.round()
    whole = replace(batched.core, part=part_of(pieces_of(PARTS[0])))
    await batched.stage.run(sa.update(evidence_parts).values(core=whole.encoded()))

    await batched.require_alarm(0)
