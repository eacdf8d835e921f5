"""A node keeps what it works on for as long as it works on it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dss.documents.service import Documents
from dss.transactions.machine import Work
from dss.transactions.model import Limits
from dss.transactions.performing import Performing
from tests.stories.test_answers import start
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, World

LEASE_S = 0.15


async def test_a_completion_that_takes_longer_than_a_lease_is_not_done_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, alice = await start(world)
    id = (await application.ask(alice, simple_pdf()))["id"]
    await alice.phone.confirm(await alice.phone.show(id), PIN)
    node, other = [with_short_leases(world) for _ in range(2)]
    complete, taken_over = Documents.complete, []

    async def complete_slowly(*arguments: Any) -> Any:
        monkeypatch.undo()
        for _ in range(3):
            world.clock.move(LEASE_S * 2 / 3)
            await asyncio.sleep(LEASE_S)
            taken_over.append(await other.next())
        return await complete(*arguments)

    monkeypatch.setattr(Documents, "complete", complete_slowly)
    assert await node.next()

    assert taken_over == [False] * 3
    assert (await application.get(f"/v1/signatures/{id}"))["state"] == "signed"
    assert (await world.tells(f"transaction:{id}"))[-1] == "transaction.signed"


def with_short_leases(world: World) -> Performing:
    """A node that signs, and must ask for more time often."""
    node = world.services.performing[0]
    parts = replace(node._parts, limits=Limits(lease=timedelta(seconds=LEASE_S)))
    return Performing(parts, node._plans, node._changes, Work.KEY)
