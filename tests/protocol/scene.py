"""The stage of the protocol tests: two relying applications and a signer, and the judge of refusals.

A refusal changes nothing, and each test here proves that it did not: so refusals may share one world.
"""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import sqlalchemy as sa

from dss.audit.event import Event, Recorded
from dss.infra.schema import metadata
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world

# The log tells of the refusal itself; a phone's proof is spent whatever comes of its call.
NOT_COMPARED = {"audit_events", "used_once"}
SOON = 0.05
HASH = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
ABSENT = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"


@dataclass(frozen=True)
class Refusal:
    """How a request must be refused. says: what the detail must name."""

    status: int
    code: str
    says: str = ""


@dataclass
class Scene:
    """A world with the people whom most requests need."""

    world: World
    shop: Application
    other: Application
    alice: Signer

    def wish(self, **changes: Any) -> dict[str, Any]:
        """A right wish for a signature, with changes; None takes a member away."""
        right = {"credential_id": self.alice.credential_id, "text": "Please sign", "hashes": [HASH]}
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    async def ask(self) -> str:
        """Ask Alice to sign a PDF; return the signature's id."""
        return str((await self.shop.ask(self.alice, simple_pdf()))["id"])

    async def confirm(self, id: str) -> None:
        """Let Alice confirm."""
        await self.alice.phone.confirm(await self.alice.phone.show(id), PIN)

    async def sign(self, id: str) -> None:
        """Let Alice confirm, and the server sign."""
        await self.confirm(id)
        await self.world.settle()

    async def told_at_the_end(self, path: str, end: Awaitable[Any]) -> Any:
        """Wait for a path, see that it does wait, bring about the end, and return what the waiter was told."""
        waiting = asyncio.create_task(self.shop.get(f"{path}?wait=60"))
        done, _ = await asyncio.wait({waiting}, timeout=SOON)
        assert not done, "the answer did not wait"
        await end
        return await asyncio.wait_for(waiting, 5)

    async def refuses(self, call: Awaitable[httpx.Response], expected: Refusal) -> httpx.Response:
        """Assert how a request of the shop is refused."""
        return await assert_refused(self.world, call, expected, by=f"client:{self.shop.id}")

    async def refuses_wish(self, expected: Refusal, **changes: Any) -> None:
        """Assert how a wish for a signature is refused."""
        await self.refuses(self.shop.http.post("/v1/signatures", json=self.wish(**changes)), expected)


async def assert_refused(world: World, call: Awaitable[httpx.Response], expected: Refusal, by: str) -> httpx.Response:
    """Assert that a request is refused in this way, is told of in the log by one event, and changes nothing else.

    by: who asks, as the log names it; empty when nobody can tell, and then the log stays as it is.
    """
    kept, told = await _kept(world), await log(world)
    answer = await call
    problem = json.loads(answer.content)
    assert (answer.status_code, problem["type"]) == (expected.status, f"urn:dss:error:{expected.code}"), problem
    assert (problem["status"], answer.headers["content-type"]) == (expected.status, "application/problem+json")
    assert expected.says in problem.get("detail", ""), problem
    _assert_told([one.event for one in await log(world) if one not in told], answer, expected, by)
    assert await _kept(world) == kept, "a refused request changed something"
    return answer


def _assert_told(new: list[Event], answer: httpx.Response, expected: Refusal, by: str) -> None:
    if not by:
        assert new == []
        return
    (event,) = new
    asked = f"{answer.request.method} {answer.request.url.path}"
    assert (event.kind, event.actor, event.subject) == ("request.refused", by, asked)
    assert event.details["code"] == expected.code


async def log(world: World) -> list[Recorded]:
    """The end of the log: far more than one request can add."""
    return await world.services.audit.newest(50)


async def _kept(world: World) -> dict[str, list[str]]:
    """Return every row and the name of every file."""
    compared = [table for table in metadata.sorted_tables if table.name not in NOT_COMPARED]
    async with world.services.database.read() as connection:
        rows = {table.name: sorted(map(repr, await connection.execute(sa.select(table)))) for table in compared}
    files = [str(path) for path in world.services.settings.documents.rglob("*") if path.is_file()]
    return {**rows, "files": sorted(files)}


async def open_scene(world: World) -> Scene:
    """Register the applications and the signer."""
    shop, other = await world.application(), await world.application("Other Ltd")
    return Scene(world, shop, other, await world.signer(shop))


@pytest.fixture
async def fresh(world: World) -> Scene:
    """A scene of the test's own, for what moves the clock or locks a phone."""
    return await open_scene(world)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Scene]:
    """The scene that a module's refusals share; its tests run in the module's event loop."""
    folder = tmp_path_factory.mktemp("scene")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    async with new_world(softhsm, f"sqlite:///{folder}/dss.db", folder) as world:
        yield await open_scene(world)


@pytest_asyncio.fixture(loop_scope="module")
async def alone(scene: Scene) -> Scene:
    """The shared scene with a shop of the test's own, whose lists and keys nobody else has used."""
    return replace(scene, shop=await scene.world.application(f"Shop {secrets.token_hex(4)}"))
