"""Preparations and entries as rows, on each database: turns, leases, and results by the hundred."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from dss.devices.items import Item
from dss.infra.db import Database
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import ClientId, CredentialId, DocumentId, Ids, TransactionId
from dss.kernel.keyspec import Scheme
from dss.transactions import entries
from dss.transactions import preparing_store as preparations
from dss.transactions.machine import Late
from dss.transactions.model import Entry, Idempotency, OpenSigning, Signed
from dss.transactions.preparation import Preparation, Stage
from tests.world.clock import START

SHOP, OTHER = ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y"), ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W60")
LEASE = timedelta(seconds=60)


def asked(id: str, key: str | None = None, client: ClientId = SHOP) -> Preparation:
    """A wish for three documents, with every member that is kept."""
    wish = OpenSigning(
        client_id=client,
        credential_id=CredentialId(OTHER),
        text="Please sign",
        documents=tuple(DocumentId(f"{number:026d}") for number in range(3)),
        scheme=Scheme.named("pss-32"),
        expires_in=timedelta(seconds=90),
        idempotency=None if key is None else Idempotency(key, b"\x00" * 32),
    )
    return Preparation(TransactionId(id), wish, Stage.PREPARING, 0, START, START)


async def test_a_preparation_is_read_as_it_was_written(database: Database, ids: Ids) -> None:
    written = asked(ids.new(), "order-1")
    async with database.write() as connection:
        await preparations.add(connection, written)
    async with database.read() as connection:
        assert await preparations.get(connection, SHOP, written.id) == written
        assert await preparations.by_idempotency(connection, SHOP, "order-1") == written
        assert await preparations.by_idempotency(connection, OTHER, "order-1") is None
        with pytest.raises(NotFound):
            await preparations.get(connection, OTHER, written.id)


async def test_a_key_is_used_once_by_each_application(database: Database, ids: Ids) -> None:
    async with database.write() as connection:
        await preparations.add(connection, asked(ids.new(), "order-1"))
        await preparations.add(connection, asked(ids.new(), "order-1", OTHER))
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await preparations.add(connection, asked(ids.new(), "order-1"))


async def test_turns_come_to_all_in_their_order_and_to_none_twice_at_a_time(database: Database, ids: Ids) -> None:
    first, second = asked(ids.new()), asked(ids.new())
    async with database.write() as connection:
        for one in (second, first):
            await preparations.add(connection, one)

    async def claim(at: timedelta) -> Preparation | None:
        async with database.write() as connection:
            return await preparations.claim(connection, START + at, START + at + LEASE)

    held = await claim(timedelta(0))
    assert held is not None
    assert (held.id, held.lease) == (first.id, 1)
    async with database.write() as connection:
        await preparations.advance(connection, held, 2, START + timedelta(seconds=1))
    other = await claim(timedelta(seconds=1))
    again = await claim(timedelta(seconds=1))
    assert other is not None
    assert again is not None
    assert ([other.id, again.id], again.prepared, again.lease) == ([second.id, first.id], 2, 2)
    assert await claim(timedelta(seconds=2)) is None
    lapsed = await claim(timedelta(seconds=62))
    assert lapsed is not None


async def test_a_turn_that_was_overtaken_moves_nothing(database: Database, ids: Ids) -> None:
    async with database.write() as connection:
        await preparations.add(connection, asked(ids.new()))
        late = await preparations.claim(connection, START, START)
        held = await preparations.claim(connection, START, START + LEASE)
    assert late is not None
    assert held is not None
    steps = (
        lambda connection: preparations.advance(connection, late, 1, START),
        lambda connection: preparations.put_off(connection, late, START),
        lambda connection: preparations.fail(connection, late, "why", START),
        lambda connection: preparations.give_way(connection, late),
    )
    for step in steps:
        with pytest.raises(Late):
            async with database.write() as connection:
                await step(connection)
    async with database.write() as connection:
        assert await preparations.get(connection, SHOP, held.id) == held
        await preparations.give_way(connection, held)
        assert await preparations.count_going(connection, SHOP) == 0


async def test_what_came_to_nothing_is_forgotten_after_its_time_and_what_goes_on_is_not(
    database: Database, ids: Ids
) -> None:
    goes_on, cancelled = asked(ids.new()), asked(ids.new())
    async with database.write() as connection:
        for one in (goes_on, cancelled):
            await preparations.add(connection, one)
        await preparations.cancel(connection, cancelled.id, START)
        with pytest.raises(Conflict):
            await preparations.cancel(connection, cancelled.id, START)
        assert await preparations.forget_ended(connection, START) == 0
        assert await preparations.forget_ended(connection, START + LEASE) == 1
        assert [one.id for one in await preparations.page_of_client(connection, SHOP, None, 10)] == [goes_on.id]


async def test_entries_are_read_by_page_counted_and_signed_by_the_hundred(database: Database, ids: Ids) -> None:
    id, other = TransactionId(ids.new()), TransactionId(ids.new())
    all_ = [Entry(Item(index, "hash", "ecdsa", Digest.of(b"%d" % index))) for index in range(250)]
    made = {index: Signed(b"%d" % index, b"\x01" * 32, index) for index in range(100, 200)}
    async with database.write() as connection:
        for one in (id, other):
            await entries.add(connection, one, all_)
        await entries.put_all_signed(connection, id, made)
        await entries.put_all_signed(connection, id, {})
    async with database.read() as connection:
        page = await entries.page(connection, id, 99, 102)
        counts = await entries.counts(connection, id), await entries.counts(connection, other)
    assert [entry.item.index for entry in page] == list(range(99, 201))
    assert [entry.signed for entry in page] == [None, *made.values(), None]
    assert counts == ((250, 100), (250, 0))
    async with database.write() as connection:
        assert len(await entries.drop(connection, id)) == 250
        assert (await entries.counts(connection, id), (await entries.counts(connection, other))[0]) == ((0, 0), 250)
