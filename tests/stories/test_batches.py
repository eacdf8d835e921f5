"""Stories of batches: one confirmation for more than 100 things, signed in parts, each given as it comes."""

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.devices.items import MOST
from dss.transactions.tables import entries
from tests.stories.batches import Batches, batches, batches_on_each_database, digests, hsm_that_fails
from tests.stories.witness import quick_pins, restarted, signatures_of
from tests.world.pdfs import simple_pdf

__all__ = ["batches", "batches_on_each_database", "quick_pins"]

pytestmark = pytest.mark.usefixtures("quick_pins")

MANY = 250  # more than one part


async def test_t06_results_come_in_the_order_of_the_request_each_as_often_as_it_stands_there(batches: Batches) -> None:
    wanted = [*reversed(digests(60)), *digests(60)]
    id = await batches.ask(wanted)
    await batches.confirm(id)
    await batches.world.settle()

    await batches.assert_signed(await batches.results(id), wanted)
    told = await batches.read(id)
    assert (told["state"], told["count"], told["signed"], told["declined"]) == ("signed", 120, 120, 0)
    assert told["documents"] == (await batches.results(id))[:100]
    assert told["answered"] == {"by": "pin", "mode": "none"}


async def test_t06_what_the_person_took_out_of_a_batch_is_not_signed(batches: Batches) -> None:
    wanted = digests(101)
    id = await batches.ask(wanted)
    await batches.confirm(id, 3, 100)
    await batches.world.settle()

    results = await batches.results(id)
    declined = [one for one in results if one["state"] == "declined"]
    assert [(one["index"], one["signature"]) for one in declined] == [(3, None), (100, None)]
    assert [one["index"] for one in results if one["signature"]] == [*range(3), *range(4, 100)]
    told = await batches.read(id)
    assert (told["state"], told["count"], told["signed"], told["declined"]) == ("signed", 101, 99, 2)


async def test_a_batch_that_is_declined_whole_has_no_signature(batches: Batches) -> None:
    id = await batches.ask(digests(101))
    await batches.alice.phone.decline(await batches.alice.phone.show(id), "no")
    results = await batches.results(id)
    assert {(one["state"], one["signature"]) for one in results} == {("declined", None)}
    told = await batches.read(id)
    assert (told["state"], len(results), told["declined"], told["answered"]) == ("declined", 101, 101, None)


async def test_an_hsm_that_fails_in_the_middle_keeps_back_only_what_is_not_signed_yet(
    batches_on_each_database: Batches,
) -> None:
    batches = batches_on_each_database
    wanted = digests(MANY)
    id = await batches.ask(wanted)
    await batches.confirm(id)
    async with hsm_that_fails(after=1) as signed:
        await batches.world.settle()

    first = signed[0]
    told = await batches.read(id)
    assert (told["state"], told["signed"], 0 < first < MANY) == ("signing", first, True)
    await batches.assert_signed(await batches.results(id), wanted[:first])

    batches.world.clock.move(61)
    async with hsm_that_fails(after=MANY) as later:
        await batches.world.settle()
    assert sum(later) == MANY - first, "what was released is not signed again"
    await batches.assert_signed(await batches.results(id), wanted)
    assert (await batches.read(id))["state"] == "signed"


async def test_who_waits_is_given_the_first_part_before_the_last_is_made(batches: Batches) -> None:
    """The answer ends with the batch, long before the wait."""
    wanted = digests(MANY)
    id = await batches.ask(wanted)
    await batches.confirm(id)
    waiting = asyncio.create_task(batches.results(id, wait=60))
    await batches.world.settle()
    await batches.assert_signed(await asyncio.wait_for(waiting, 10), wanted)


async def test_t07_a_batch_on_which_many_work_gets_as_many_signatures_as_were_confirmed(
    batches_on_each_database: Batches,
) -> None:
    """The N+1st is refused, however many nodes sign at once."""
    batches = batches_on_each_database
    wanted = digests(101)
    id = await batches.ask(wanted)
    await batches.confirm(id)
    async with restarted(batches.world) as other, hsm_that_fails(after=MANY) as signed:
        await asyncio.gather(*(one.settle() for one in (batches.world, other) * 4))
    assert (sum(signed), await signatures_of(batches.world, id)) == (101, 101)
    told = await batches.world.tells(f"transaction:{id}")
    assert told.count("transaction.signed") == 1


async def swap(execute: Callable[..., Any], mine: sa.ColumnElement[bool]) -> None:
    """Let two items change places, each with its index."""
    rows = (await execute(sa.select(entries).where(mine, entries.c.index.in_([4, 5])).order_by(entries.c.index))).all()
    for row, other in zip(rows, reversed(rows), strict=True):
        item = {**other.item, "index": row.index}
        await execute(sa.update(entries).where(mine, entries.c.index == row.index).values(item=item))


async def double(execute: Callable[..., Any], mine: sa.ColumnElement[bool]) -> None:
    """Put one item in the place of another."""
    item = (await execute(sa.select(entries.c.item).where(mine, entries.c.index == 4))).scalar_one()
    await execute(sa.update(entries).where(mine, entries.c.index == 5).values(item={**item, "index": 5}))


async def drop(execute: Callable[..., Any], mine: sa.ColumnElement[bool]) -> None:
    """Take the last item away."""
    await execute(sa.delete(entries).where(mine, entries.c.index == 100))


async def add(execute: Callable[..., Any], mine: sa.ColumnElement[bool]) -> None:
    """Put one more behind the last."""
    row = (await execute(sa.select(entries).where(mine, entries.c.index == 0))).one()
    further = {**row.item, "index": 101}
    await execute(sa.insert(entries).values(transaction_id=row.transaction_id, index=101, item=further))


@pytest.mark.parametrize("change", [swap, double, drop, add])
async def test_t06_a_batch_that_was_changed_in_the_database_after_it_was_shown_is_not_signed(
    batches: Batches, change: Callable[..., Any]
) -> None:
    id = await batches.ask(digests(101))
    await batches.confirm(id)
    async with batches.world.services.database.write() as connection:
        await change(connection.execute, entries.c.transaction_id == id)
    async with hsm_that_fails(after=MANY) as signed:
        await batches.world.settle()
    assert (signed, await signatures_of(batches.world, id)) == ([], 0)
    assert (await batches.read(id))["state"] == "failed"
    assert await batches.results(id, after=6) == []


async def test_120_documents_are_prepared_shown_and_signed_but_for_two(batches: Batches) -> None:
    application = batches.application
    documents = [await application.upload(simple_pdf(1 + number % 3), f"{number}.pdf") for number in range(120)]
    wish = {"credential_id": batches.alice.credential_id, "documents": [{"id": one["id"]} for one in documents]}
    asked = await application.post("/v1/signatures", wish)
    id = asked["id"]
    assert (asked["state"], asked["count"], asked["prepared"], asked["expires_at"]) == ("preparing", 120, 0, None)
    assert await batches.alice.phone.waiting() == []

    await batches.world.settle()
    assert (await batches.read(id))["state"] == "awaiting"
    assert [one.id for one in await batches.alice.phone.waiting()] == [id]
    await batches.confirm(id, 7, 119)
    await batches.world.settle()

    results = await batches.results(id)
    assert [one["name"] for one in results] == [f"{number}.pdf" for number in range(120)]
    assert [one["index"] for one in results if one["state"] == "declined"] == [7, 119]
    assert all((one["href"] is None) == (one["state"] == "declined") for one in results)
    file = await application.http.get(results[118]["href"])
    assert (file.status_code, file.content.count(b"/ETSI.CAdES.detached")) == (200, 1)
    declined = await application.http.get(f"/v1/signatures/{id}/documents/119")
    assert (declined.status_code, declined.json()["detail"]) == (409, "the document was declined")


async def test_two_nodes_that_prepare_at_once_ask_the_signer_once_for_each_document_in_its_place(
    batches_on_each_database: Batches,
) -> None:
    batches = batches_on_each_database
    uploads = [await batches.application.upload(simple_pdf(), f"{number}.pdf") for number in range(2)]
    documents = [{"id": uploads[number % 2]["id"]} for number in range(101)]
    wish = {"credential_id": batches.alice.credential_id, "documents": documents}
    ids = [(await batches.application.post("/v1/signatures", wish))["id"] for _ in range(2)]
    async with restarted(batches.world) as other:
        await asyncio.gather(*(one.services.preparing.next() for one in (batches.world, other) * 8))
    await batches.world.settle()

    for id in ids:
        shown = await batches.alice.phone.show(id)
        assert [one.content.name for one in shown.request.documents if one.content] == ["0.pdf", "1.pdf"] * 50 + [
            "0.pdf"
        ]
        assert await batches.world.tells(f"transaction:{id}") == ["preparation.started", "transaction.opened"]


async def test_one_document_of_a_batch_is_proven_without_the_others(batches: Batches) -> None:
    id = await batches.ask(digests(101))
    await batches.confirm(id, 5)
    await batches.world.settle()
    await batches.world.seal()

    path = f"/v1/signatures/{id}/evidence"
    record = await batches.application.get(f"{path}?index=100")
    assert record["leaf"]["item"]["index"] == 100
    assert (await batches.application.get(path, status=409))["detail"].endswith("ask for one of them by its index")
    assert "no signature" in (await batches.application.get(f"{path}?index=5", status=409))["detail"]
    await batches.application.get(f"{path}?index=101", status=404)
    report = await batches.application.http.get(f"{path}/report?index=100")
    assert (report.status_code, report.content[:5]) == (200, b"%PDF-")


async def test_a_batch_of_many_parts_is_confirmed_once_and_signed(batches: Batches) -> None:
    """DSS_SOAK=1 signs as many as there may be."""
    many = MOST if os.environ.get("DSS_SOAK") == "1" else 450
    wanted = digests(many)
    id = await batches.ask(wanted)
    await batches.confirm(id, many - 1)
    await batches.world.settle()
    results = await batches.results(id)
    assert results.pop()["state"] == "declined"
    await batches.assert_signed(results, wanted[:-1])
