"""GET /v1/signatures/{id}/results: a line for each thing to sign, in order, as it comes."""

import asyncio
import json
from typing import Any

import pytest

from dss.kernel.errors import DatabaseUnavailable
from dss.kernel.ids import TransactionId
from tests.protocol.preparing import start
from tests.protocol.scene import ABSENT, HASH, SOON, Refusal, Scene, scene
from tests.world.pdfs import simple_pdf

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


def path(id: str) -> str:
    return f"/v1/signatures/{id}/results"


async def results(scene: Scene, id: str, **query: int) -> list[dict[str, Any]]:
    answer = await scene.shop.http.get(path(id), params=query)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/x-ndjson"), answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def ask(scene: Scene, count: int = 3) -> str:
    return str((await scene.shop.ask_hashes(scene.alice, *[HASH] * count))["id"])


async def test_each_line_has_the_form_of_one_of_the_documents(scene: Scene) -> None:
    id = await scene.ask()
    await scene.sign(id)
    told = await scene.shop.get(f"/v1/signatures/{id}")
    assert told["results"] == path(id)
    assert await results(scene, id) == told["documents"]
    assert told["documents"][0]["state"] == "signed"


async def test_until_something_is_done_there_is_no_line(scene: Scene) -> None:
    id = await ask(scene)
    assert await results(scene, id) == []
    await scene.sign(id)
    assert [one["index"] for one in await results(scene, id)] == [0, 1, 2]


async def test_who_waits_is_given_the_lines_when_they_come(scene: Scene) -> None:
    id = await ask(scene)
    waiting = asyncio.create_task(results(scene, id, wait=60))
    done, _ = await asyncio.wait({waiting}, timeout=SOON)
    assert not done, "the answer did not wait"
    await scene.sign(id)
    assert [one["state"] for one in await asyncio.wait_for(waiting, 5)] == ["signed"] * 3


async def test_who_waits_for_what_comes_to_nothing_waits_no_longer(scene: Scene) -> None:
    id = await ask(scene)
    waiting = asyncio.create_task(results(scene, id, wait=60))
    await asyncio.sleep(SOON)
    await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)
    assert await asyncio.wait_for(waiting, 5) == []


async def test_who_waits_for_what_was_cancelled_or_failed_while_it_was_prepared_waits_no_longer(scene: Scene) -> None:
    id, failed = await start(scene), await start(scene, _0=ABSENT)
    waiting = [asyncio.create_task(results(scene, one, wait=60)) for one in (id, failed)]
    done, _ = await asyncio.wait(waiting, timeout=SOON)
    assert not done, "the answer did not wait"
    await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)
    await scene.world.settle()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 5) == [[], []]
    assert await asyncio.wait_for(results(scene, id, wait=60), 5) == []


async def test_a_part_of_them_is_given(scene: Scene) -> None:
    id = await ask(scene)
    await scene.sign(id)
    asked = [(1, 1, [1]), (0, 2, [0, 1]), (2, 5, [2]), (3, 1, []), (10_000, 1, [])]
    for after, limit, expected in asked:
        assert [one["index"] for one in await results(scene, id, after=after, limit=limit)] == expected


@pytest.mark.parametrize("query", ["after=-1", "after=10001", "limit=0", "limit=10001", "wait=61", "after=a"])
async def test_what_cannot_be_asked_for_is_refused(scene: Scene, query: str) -> None:
    id = await ask(scene)
    call = scene.shop.http.get(f"{path(id)}?{query}")
    await scene.refuses(call, Refusal(422, "invalid", query.split("=", maxsplit=1)[0]))
    await scene.shop.post(f"/v1/signatures/{id}/cancel", None, status=200)


async def test_t32_another_application_s_are_not_there(scene: Scene) -> None:
    id = await ask(scene)
    await scene.sign(id)
    await scene.other.get(path(id), status=404)
    await scene.shop.get(path(ABSENT), status=404)
    follow = scene.world.services.results.follow
    async for _ in follow(scene.world.services.clients, TransactionId(id), range(3), 0):  # type: ignore[arg-type]
        pytest.fail("whoever is no owner is given a result")


async def test_lines_end_when_the_database_is_away(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await ask(scene)
    await scene.sign(id)

    async def away(*_: Any) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(scene.world.services.results, "_done", away)
    assert await results(scene, id) == []


async def test_a_result_stays_signed_when_its_file_was_deleted(scene: Scene) -> None:
    id = str((await scene.shop.ask(scene.alice, simple_pdf()))["id"])
    await scene.sign(id)
    scene.world.clock.move(24 * 3600 + 1)
    await scene.world.services.transactions.forget_uncollected()
    await scene.shop.log_in()
    await scene.other.log_in()
    (one,) = await results(scene, id)
    assert (one["state"], one["signature"], one["href"]) == ("signed", None, None)
    told = await scene.shop.get(f"/v1/signatures/{id}")
    assert (told["count"], told["signed"]) == (1, 1)
