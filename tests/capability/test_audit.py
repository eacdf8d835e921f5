"""Audit events: in the same database transaction as their fact, once for each refusal, told in order."""

import pytest

from dss.audit.event import Event, Outcome
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.errors import Forbidden
from tests.world.clock import START, HandClock


async def record(database: Database, audit: Audit, *events: Event) -> None:
    async with database.write() as connection:
        for event in events:
            await audit.record(connection, event)


async def test_an_event_is_told_as_it_was_recorded(database: Database, audit: Audit) -> None:
    event = Event("user.registered", "operator:cli", "user:1", Outcome.DONE, {"login": "олена"})
    await record(database, audit, event)
    (recorded,) = await audit.of_subject("user:1")
    assert recorded.event == event
    assert recorded.at == START


async def test_an_event_goes_with_the_transaction_of_its_fact(database: Database, audit: Audit) -> None:
    with pytest.raises(Forbidden):
        async with database.write() as connection:
            await audit.record(connection, Event("user.registered", "operator:cli", "user:1"))
            raise Forbidden
    assert await audit.of_subject("user:1") == []


async def test_a_subjects_events_come_oldest_first_and_the_newest_of_all_first(
    database: Database, audit: Audit, clock: HandClock
) -> None:
    for number in range(5):
        await record(database, audit, Event(f"step.{number}", "server", f"thing:{number % 2}"))
        clock.move(-1)
    assert [told.event.kind for told in await audit.of_subject("thing:0")] == ["step.0", "step.2", "step.4"]
    assert [told.event.kind for told in await audit.newest(2)] == ["step.4", "step.3"]


async def test_a_refusal_is_recorded_once_however_often_it_is_reported(audit: Audit) -> None:
    error = Forbidden("no" * 200)
    await audit.refused("client:1", "transaction:1", error)
    await audit.refused("client:1", "transaction:1", error)
    (recorded,) = await audit.of_subject("transaction:1")
    assert recorded.event.outcome is Outcome.REFUSED
    assert recorded.event.details["code"] == "forbidden"
    assert len(recorded.event.details["detail"]) == 200


async def test_a_refusal_that_a_service_recorded_itself_is_not_recorded_again(audit: Audit) -> None:
    await audit.refused("client:1", "transaction:1", Forbidden("no", audited=True))
    assert await audit.of_subject("transaction:1") == []
