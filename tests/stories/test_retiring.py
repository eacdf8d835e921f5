"""What is left of transactions after the years of retention: nothing, all at once, and an auditor agrees.

Source: docs/transparency-log.md section 6.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.audit.tables import audit_events
from dss.credentials.tables import activations, occurrences
from dss.evidence.tables import evidence
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel.errors import Tampered
from dss.kernel.ids import Ids
from dss.transactions.tables import entries, transactions
from tests.world import world as worlds
from tests.world.clock import START, HandClock
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world

YEARS = timedelta(days=7 * 366 + 1)
KEPT_OF_IT = (evidence, entries, occurrences, activations)


@pytest.fixture
async def old(
    softhsm: SoftHsm, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[World]:
    """A world whose log loses events, so that its auditor must know of deletions."""

    async def verified(services: Any) -> None:
        await services.sealer.round()
        assert (await services.auditing.verify()).findings == ()

    monkeypatch.setattr(worlds, "audit_all", verified)
    async with new_world(softhsm, database_url, tmp_path) as made:
        yield made


async def signed(world: World, application: Application, signer: Signer) -> str:
    """Have a document signed; return the transaction."""
    asked = await application.ask(signer, simple_pdf())
    await signer.phone.confirm(await signer.phone.show(asked["id"]), PIN)
    await world.settle()
    assert (await application.get(f"/v1/signatures/{asked['id']}"))["state"] == "signed"
    return str(asked["id"])


async def declined(application: Application, signer: Signer) -> str:
    asked = await application.ask(signer, simple_pdf())
    await signer.phone.decline(await signer.phone.show(asked["id"]), "not mine")
    return str(asked["id"])


async def count(world: World, table: sa.Table, id: str) -> int:
    """How many rows of a transaction a table has."""
    column = table.c.get("transaction_id", table.c.get("id"))
    async with world.services.database.read() as connection:
        query = sa.select(sa.func.count()).select_from(table).where(column == id)
        return int((await connection.execute(query)).scalar_one())


async def test_a_transaction_goes_with_all_that_is_kept_of_it_and_nothing_else_is_found_missing(old: World):
    application = await old.application()
    signer = await old.signer(application)
    ended = [await signed(old, application, signer), await declined(application, signer)]
    await old.services.sealer.round()
    kept = await old.services.log.checkpoint()
    assert [await count(old, table, ended[0]) for table in KEPT_OF_IT] == [1, 1, 1, 1]
    assert await count(old, evidence, ended[1]) == 1

    old.clock.move(YEARS.total_seconds())
    assert await old.services.retiring.round() == 3, "the two, and the creation of the key"
    for id in ended:
        assert [await count(old, table, id) for table in (*KEPT_OF_IT, transactions)] == [0, 0, 0, 0, 0]
        assert await old.tells(f"transaction:{id}") == []
    await old.services.sealer.round()
    assert (await old.services.auditing.verify(kept=kept)).findings == ()
    assert [one.event.kind for one in await old.services.audit.newest(2)] == ["audit.deleted", "audit.deleted"]


async def test_who_had_a_phone_long_ago_still_waits_with_the_next_one(old: World):
    application = await old.application()
    signer = await old.signer(application)
    await old.services.sealer.round()
    old.clock.move(YEARS.total_seconds())
    await old.services.retiring.round()
    other = await old.phone(signer.user)
    assert [one.state for one in await other.phones()] == ["active", "waiting"]


async def test_a_transaction_stays_whole_while_an_event_on_it_is_young(old: World):
    application = await old.application()
    signer = await old.signer(application)
    id = await signed(old, application, signer)
    old.clock.move(timedelta(days=30).total_seconds())
    await old.services.transactions.forget_uncollected()
    await old.services.sealer.round()
    told = await old.tells(f"transaction:{id}")
    assert told[-1] == "transaction.results_deleted"

    old.clock.move((YEARS - timedelta(days=20)).total_seconds())
    await old.services.retiring.round()
    assert [await count(old, table, id) for table in (*KEPT_OF_IT, transactions)] == [1, 1, 1, 1, 1]
    assert await old.tells(f"transaction:{id}") == told


async def test_a_transaction_stays_while_an_event_on_it_waits_for_its_number(old: World):
    application = await old.application()
    signer = await old.signer(application)
    await old.services.sealer.round()
    id = await declined(application, signer)
    old.clock.move(YEARS.total_seconds())
    await old.services.retiring.round()
    assert await count(old, evidence, id) == 1
    await old.services.sealer.round()
    await old.services.retiring.round()
    assert await count(old, evidence, id) == 0


async def test_a_transaction_with_the_first_event_of_the_log_stays_whole(old: World):
    """Events are numbered in the order of their ids, which are times: a process whose clock is behind was the first."""
    application = await old.application()
    signer = await old.signer(application)
    id = await declined(application, signer)
    behind = HandClock(START - timedelta(hours=1))
    late = Audit(old.services.database, behind, Ids(behind))
    async with old.services.database.write() as connection:
        await late.record(connection, Event("thing.done", "server", f"transaction:{id}"))
    await old.services.sealer.round()
    told = await old.tells(f"transaction:{id}")
    assert told[0] == "thing.done"

    old.clock.move(YEARS.total_seconds())
    assert await old.services.retiring.round() == 1, "the creation of the key"
    assert await count(old, evidence, id) == 1
    assert await old.tells(f"transaction:{id}") == told


async def test_what_has_not_ended_stays_however_old_it_is(old: World):
    application = await old.application()
    signer = await old.signer(application)
    asked = await application.ask(signer, simple_pdf())
    await old.services.sealer.round()
    old.clock.move(YEARS.total_seconds())
    await old.services.retiring.round()
    assert await count(old, transactions, asked["id"]) == 1
    assert await old.tells(f"transaction:{asked['id']}") == ["transaction.opened"]


async def test_a_transaction_that_gains_an_event_while_the_hsm_signs_stays_whole(
    old: World, monkeypatch: pytest.MonkeyPatch
):
    """What was signed is deleted exactly, or nothing of it."""
    application = await old.application()
    signer = await old.signer(application)
    ids = [await declined(application, signer), await declined(application, signer)]
    await old.services.sealer.round()
    old.clock.move(YEARS.total_seconds())
    plain, asked = ServiceKeys.sign_ed25519, []

    async def slow(keys: ServiceKeys, name: KeyName, data: bytes) -> bytes:
        asked.append(data)
        if len(asked) == 1:
            async with old.services.database.write() as connection:
                await old.services.audit.record(connection, Event("thing.done", "server", f"transaction:{ids[0]}"))
        return await plain(keys, name, data)

    monkeypatch.setattr(ServiceKeys, "sign_ed25519", slow)
    assert await old.services.retiring.round() == 2, "the other, and the creation of the key"
    assert [await count(old, table, ids[0]) for table in (evidence, transactions)] == [1, 1]
    assert [await count(old, table, ids[1]) for table in (evidence, transactions)] == [0, 0]
    assert await old.tells(f"transaction:{ids[0]}") == ["transaction.opened", "transaction.declined", "thing.done"]


async def test_t52_a_transaction_that_was_made_to_look_old_is_not_signed_away(old: World):
    """A young event on it is said to be older; the tree that the log's key signed says otherwise."""
    application = await old.application()
    signer = await old.signer(application)
    id = await signed(old, application, signer)
    old.clock.move(timedelta(days=30).total_seconds())
    await old.services.transactions.forget_uncollected()
    await old.services.sealer.round()
    young = (await old.services.audit.of_subject(f"transaction:{id}"))[-1]
    old.clock.move((YEARS - timedelta(days=20)).total_seconds())

    async def say(at: datetime) -> None:
        async with old.services.database.write() as connection:
            step = sa.update(audit_events).where(audit_events.c.id == young.id)
            await connection.execute(step.values(at=at))

    await say(START)
    with pytest.raises(Tampered, match="not what was sealed"):
        await old.services.retiring.round()
    assert [await count(old, table, id) for table in (evidence, transactions)] == [1, 1]
    await say(young.at)


async def test_batches_go_one_after_the_other(old: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("dss.transactions.retiring.BATCH", 2)
    application = await old.application()
    signer = await old.signer(application)
    for _ in range(4):
        await declined(application, signer)
    await old.services.sealer.round()
    old.clock.move(YEARS.total_seconds())
    assert await old.services.retiring.round() == 5
    async with old.services.database.read() as connection:
        query = sa.select(audit_events.c.details).where(audit_events.c.kind == "transactions.deleted")
        assert sum(int(details["count"]) for details in (await connection.execute(query)).scalars()) == 5
