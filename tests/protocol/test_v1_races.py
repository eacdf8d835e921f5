"""The Idempotency-Key when the same wish comes many times at once (T43)."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from dss.audit.event import Event
from dss.transactions import preparing_store
from dss.transactions.preparation import MOST_AT_ONCE
from tests.protocol.preparing import wish
from tests.protocol.scene import SOON, open_scene
from tests.world.pdfs import simple_pdf
from tests.world.world import World

KEY = {"Idempotency-Key": "order-4711"}


async def openings(world: World) -> list[Event]:
    """The events of the signatures that were ever asked for."""
    told = [recorded.event for recorded in await world.services.audit.newest(10_000)]
    return [event for event in told if event.kind == "transaction.opened" and event.details["kind"] == "sign"]


async def test_t43_twenty_wishes_at_once_under_one_key_are_one_transaction(world_on_each_database: World):
    scene = await open_scene(world_on_each_database)
    calls = [scene.shop.http.post("/v1/signatures", json=scene.wish(), headers=KEY) for _ in range(20)]
    answers = await asyncio.gather(*calls)
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert len(await openings(scene.world)) == len((await scene.shop.get("/v1/signatures"))["items"]) == 1


async def test_t43_wishes_at_once_under_one_key_leave_one_prepared_file(world: World):
    scene = await open_scene(world)
    document = await scene.shop.upload(simple_pdf())
    wish = scene.wish(hashes=None, documents=[{"id": document["id"]}])
    before = files(world)
    answers = await asyncio.gather(*(scene.shop.http.post("/v1/signatures", json=wish, headers=KEY) for _ in range(5)))
    assert {(answer.status_code, answer.content) for answer in answers} == {(201, answers[0].content)}
    assert len(files(world) - before) == 1


def files(world: World) -> set[Path]:
    return {path for path in world.services.settings.documents.rglob("*") if path.is_file()}


async def test_t56_of_thirty_preparations_at_once_no_more_begin_than_may(
    world_on_each_database: World, monkeypatch: pytest.MonkeyPatch
):
    scene = await open_scene(world_on_each_database)
    body, count = await wish(scene), preparing_store.count_going

    async def count_slowly(*arguments: Any) -> int:
        counted = await count(*arguments)
        await asyncio.sleep(SOON)
        return counted

    monkeypatch.setattr(preparing_store, "count_going", count_slowly)
    answers = await asyncio.gather(*(scene.shop.http.post("/v1/signatures", json=body) for _ in range(30)))
    begun = Counter(answer.status_code for answer in answers)
    assert begun == {201: MOST_AT_ONCE, 429: 30 - MOST_AT_ONCE}


async def test_t43_two_wishes_at_once_under_one_key_are_one_transaction_and_a_refusal(world_on_each_database: World):
    scene = await open_scene(world_on_each_database)
    wishes = [scene.wish(), scene.wish(text="Another text")] * 5
    calls = [scene.shop.http.post("/v1/signatures", json=wish, headers=KEY) for wish in wishes]
    answers = await asyncio.gather(*calls)
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 5
    assert len({answer.content for answer in answers}) == 2
    assert len(await openings(scene.world)) == 1
