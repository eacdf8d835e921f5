"""What operators look for in the audit log by /v1: the filters, the pages, and what is refused."""

from typing import Any

import pytest

from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, fresh, scene
from tests.protocol.test_operators_api import Desk, desk_in
from tests.world.clock import START

__all__ = ["fresh", "scene"]

EVENTS = "/v1/audit/events"


@pytest.fixture
async def desk(fresh: Scene) -> Desk:
    return await desk_in(fresh.world)


async def found(desk: Desk, **filters: str) -> list[dict[str, Any]]:
    """All pages of a search."""
    answer = await desk.http.get(EVENTS, params={"limit": "100"} | filters)
    assert answer.status_code == 200, answer.text
    page = answer.json()
    items = page["items"]
    while page["next"]:
        page = await desk.get(page["next"])
        items += page["items"]
    return list(items)


async def test_an_event_is_told_with_its_number_once_it_is_sealed(fresh: Scene, desk: Desk):
    asked = await fresh.ask()
    (opened,) = await found(desk, transaction=asked)
    assert opened["leaf"] is None
    newest = await fresh.world.services.audit.newest(1, "transaction.opened")
    await fresh.world.services.sealer.round()
    (sealed,) = await found(desk, transaction=asked)
    assert sealed == opened | {"leaf": sealed["leaf"]}
    assert sealed["leaf"] >= 0
    assert opened == {
        "id": newest[0].id,
        "at": START.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "kind": "transaction.opened",
        "actor": f"client:{fresh.shop.id}",
        "subject": f"transaction:{asked}",
        "outcome": "done",
        "details": dict(newest[0].event.details),
        "leaf": None,
    }


async def test_the_filters_combine(fresh: Scene, desk: Desk):
    asked = await fresh.ask()
    await fresh.sign(asked)
    by_all = await found(desk, signer="alice", client=fresh.shop.id, transaction=asked, kind="transaction.")
    assert [one["kind"] for one in by_all] == ["transaction.opened", "transaction.confirmed", "transaction.signed"]
    assert await found(desk, signer="alice", client=fresh.other.id) == []
    assert await found(desk, signer="alice", to="2026-03-02T09:00:00Z") == []
    before, after = {"to": "2027-01-01T00:00:00Z"}, {"from": "2027-01-01T00:00:00Z"}
    assert await found(desk, **before, transaction=asked) != []
    assert await found(desk, **after, transaction=asked) == []


async def test_pages_give_each_event_once_and_keep_the_filters(fresh: Scene, desk: Desk):
    every = await found(desk, signer="alice")
    assert len(every) > 10
    by_three = await found(desk, signer="alice", limit="3")
    assert by_three == every
    assert [one["id"] for one in every] == sorted(one["id"] for one in every)


@pytest.mark.parametrize(
    ("filters", "refusal"),
    [
        ({"signer": "nobody"}, Refusal(404, "not_found", "signer")),
        ({"client": ABSENT}, Refusal(404, "not_found", "application")),
        ({"transaction": "x"}, Refusal(422, "invalid", "transaction")),
        ({"kind": ""}, Refusal(422, "invalid", "kind")),
        ({"from": "yesterday"}, Refusal(422, "invalid", "from")),
        ({"to": "2026-03-02"}, Refusal(422, "invalid", "to")),
        ({"since": "2026-03-02T09:00:00Z"}, Refusal(422, "invalid", "since")),
        ({"cursor": "?"}, Refusal(422, "invalid", "cursor")),
        ({"limit": "101"}, Refusal(422, "invalid", "limit")),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_filter_that_cannot_be_is_refused_by_its_name(scene: Scene, filters: dict[str, str], refusal: Refusal):
    desk = await desk_in(scene.world)
    await assert_refused(scene.world, desk.http.get(EVENTS, params=filters), refusal, by=f"client:{desk.id}")


@pytest.mark.asyncio(loop_scope="module")
async def test_relying_applications_may_not_look(scene: Scene):
    await scene.refuses(scene.shop.http.get(EVENTS), Refusal(403, "insufficient_scope"))
