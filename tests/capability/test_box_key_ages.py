"""Box keys go in time, whatever the database says of their age or of what still needs them (T18)."""

from datetime import UTC, datetime, timedelta

import pytest

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.devices.boxes import CEILING, OFFER_LIFETIME, Boxes
from dss.devices.tables import box_keys
from dss.infra.db import Database
from tests.world.clock import HandClock
from tests.world.intruder import Intruder
from tests.world.servicekeys import SoftwareServiceKeys

LIFETIME = timedelta(hours=1)
SUPERSEDED_S = (LIFETIME + OFFER_LIFETIME).total_seconds()
FOR_EVER = datetime(2099, 1, 1, tzinfo=UTC)


@pytest.fixture
def keys() -> SoftwareServiceKeys:
    return SoftwareServiceKeys()


@pytest.fixture
def boxes(database: Database, keys: SoftwareServiceKeys, audit: Audit, clock: HandClock) -> Boxes:
    return Boxes(database, keys, Seals(keys, audit), clock, LIFETIME)


async def test_a_box_key_that_a_transaction_needs_is_kept_and_goes_with_its_end(
    boxes: Boxes, keys: SoftwareServiceKeys, clock: HandClock
) -> None:
    id = (await boxes.current()).id
    clock.move(SUPERSEDED_S)
    assert await boxes.retire(frozenset()) == []
    clock.move(1)
    assert (await boxes.retire(frozenset({id})), await keys.box_key_ids()) == ([], [id])
    assert (await boxes.retire(frozenset()), await keys.box_key_ids()) == ([id], [])


@pytest.mark.parametrize(
    "edit",
    [{"superseded_at": FOR_EVER}, {"created_at": FOR_EVER}, {"destroyed_at": FOR_EVER}],
    ids=lambda edit: next(iter(edit)),
)
async def test_t18_a_box_key_whose_row_says_that_it_is_young_or_gone_is_destroyed_all_the_same(
    boxes: Boxes, keys: SoftwareServiceKeys, clock: HandClock, database: Database, edit: dict[str, datetime]
) -> None:
    id = (await boxes.current()).id
    await Intruder(database).edit(box_keys, id, **edit)
    clock.move(SUPERSEDED_S + 1)
    assert (await boxes.retire(frozenset()), await keys.box_key_ids()) == ([id], [])


async def test_t18_a_box_key_whose_transaction_is_said_to_live_for_ever_is_destroyed_at_its_ceiling(
    boxes: Boxes, keys: SoftwareServiceKeys, clock: HandClock
) -> None:
    id = (await boxes.current()).id
    clock.move(SUPERSEDED_S + CEILING.total_seconds())
    assert (await boxes.retire(frozenset({id})), await keys.box_key_ids()) == ([], [id])
    clock.move(1)
    assert (await boxes.retire(frozenset({id})), await keys.box_key_ids()) == ([id], [])


async def test_t18_one_row_that_cannot_be_proven_is_an_alarm_and_keeps_no_other_key_alive(
    boxes: Boxes, keys: SoftwareServiceKeys, clock: HandClock, database: Database, audit: Audit
) -> None:
    edited = (await boxes.current()).id
    await Intruder(database).edit(box_keys, edited, superseded_at=FOR_EVER)
    clock.move(LIFETIME.total_seconds())
    honest = (await boxes.current()).id
    clock.move(SUPERSEDED_S + 1)
    await boxes.retire(frozenset())

    assert await keys.box_key_ids() == []
    told = {id: [one.event.kind for one in await audit.of_subject(f"box_key:{id}")] for id in (edited, honest)}
    assert told == {edited: ["box_key.made", "alarm.seal_broken"], honest: ["box_key.made", "box_key.destroyed"]}
