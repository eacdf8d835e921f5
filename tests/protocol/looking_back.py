"""A phone in a tester's hand that looks back: pages of the history, entries, evidence."""

from typing import Any

import httpx

from mobile_mock.phone import Phone
from tests.protocol.prover import Prover
from tests.world.owners import HASH, Owner
from tests.world.world import World

HISTORY = "/device/v1/history"


async def page(phone: Phone, world: World, **query: Any) -> dict[str, Any]:
    """A page as a phone is told it."""
    answer = await Prover.of(world, phone).call(path=HISTORY, params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def pages(owner: Owner, limit: int, phone: Phone | None = None) -> list[list[str]]:
    """The ids of all pages, from the first to the last."""
    told: list[list[str]] = []
    after: dict[str, str] = {}
    while True:
        part = await page(phone or owner.phone, owner.world, limit=limit, **after)
        told.append([entry["id"] for entry in part["entries"]])
        if "next" not in part:
            return told
        after = {"after": part["next"]}


async def whole(owner: Owner, phone: Phone | None = None) -> list[dict[str, Any]]:
    """All entries; few enough for one page."""
    part = await page(phone or owner.phone, owner.world, limit=100)
    assert "next" not in part
    return list(part["entries"])


async def told_of(owner: Owner, id: str) -> dict[str, Any]:
    """The entry of one transaction."""
    (entry,) = [entry for entry in await whole(owner) if entry["id"] == id]
    return entry


async def evidence(owner: Owner, id: str, phone: Phone | None = None, **query: Any) -> httpx.Response:
    """The answer to a call for evidence."""
    return await Prover.of(owner.world, phone or owner.phone).call(path=f"{HISTORY}/{id}/evidence", params=query)


async def cancelled(owner: Owner) -> str:
    """Be asked for something that is then withdrawn."""
    id = (await owner.application.ask_hashes(owner.signer, HASH))["id"]
    await owner.application.post(f"/v1/signatures/{id}/cancel", {}, status=200)
    return str(id)
