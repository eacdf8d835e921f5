"""The stage of the stories about requests that come again and again: the usual limits, a signer, two applications."""

import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from dss.notify.model import Reader
from dss.transactions.asking import USUAL
from tests.world.owners import HASH, quick_proofs
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world

OPERATORS = Reader("duty@example.org", "en", "")


@dataclass
class Stage:
    """Two relying applications and a signer, in a world with the usual limits."""

    world: World
    shop: Application
    bank: Application
    alice: Signer

    async def ask(self, by: Application | None = None) -> httpx.Response:
        """Ask Alice for a signature."""
        wish = {"credential_id": self.alice.credential_id, "text": "Please sign", "hashes": [HASH]}
        return await (by or self.shop).http.post("/v1/signatures", json=wish)

    async def asked(self, by: Application | None = None) -> str:
        """Ask Alice, which must be taken; return the signature's id."""
        answer = await self.ask(by)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def held_back(self) -> int:
        """Ask Alice, which must be too much; return after how many seconds it is not."""
        answer = await self.ask()
        assert (answer.status_code, answer.json()["type"]) == (429, "urn:dss:error:too_many"), answer.text
        return int(answer.headers["Retry-After"])

    async def decline(self, id: str, reason: str = "", cause: str | None = None) -> None:
        """Let Alice decline."""
        await self.alice.phone.decline(await self.alice.phone.show(id), reason, cause)

    async def confirm(self, id: str) -> None:
        """Let Alice confirm."""
        await self.alice.phone.confirm(await self.alice.phone.show(id), PIN)
        await self.world.settle()

    async def later(self, seconds: float) -> None:
        """Let time pass, and what it ends be ended."""
        self.world.clock.move(seconds)
        await self.world.services.transactions.expire_overdue()
        for application in (self.shop, self.bank):
            await application.log_in()

    async def state(self, id: str, by: Application | None = None) -> Any:
        """What an application is told of a signature."""
        return await (by or self.shop).get(f"/v1/signatures/{id}")

    async def refusals(self) -> list[tuple[str, str]]:
        """Who was refused and why, as the log tells it."""
        told = await self.world.services.audit.of_subject(f"user:{self.alice.user.id}")
        events = [one.event for one in told if one.event.kind == "transaction.refused"]
        return [(event.actor, event.details["why"]) for event in events]

    async def allow(self) -> str:
        """Let Alice allow the shop on her phone; return the end of it."""
        shown = await self.alice.phone.show(await self.alice.phone.change("allow", relying_application=self.shop.id))
        await self.alice.phone.confirm(shown, PIN)
        await self.world.settle()
        return await self.alice.phone.state(shown.id)

    async def letters_to(self, recipient: str) -> list[str]:
        """The texts of somebody's letters, oldest first."""
        found = [message_from_bytes(letter.read_bytes(), policy=default) for letter in await self.world.letters()]
        bodies = [message.get_body() for message in found if recipient in message["To"]]
        return [str(body.get_content()) for body in bodies if body is not None]

    async def letters_to_operators(self) -> list[str]:
        """The texts of the operators' letters about Alice."""
        return [text for text in await self.letters_to(OPERATORS.recipient) if self.alice.user.login in text]


async def staged(world: World, name: str = "alice") -> Stage:
    """Set a stage with a signer and applications of its own."""
    shop, bank = await world.application(f"Shop of {name}"), await world.application(f"Bank of {name}")
    return Stage(world, shop, bank, await world.signer(shop, name))


@asynccontextmanager
async def usual_world(softhsm: SoftHsm, url: str, folder: Path, **choices: Any) -> AsyncIterator[World]:
    """Open a world with the usual limits, and operators who can be written to."""
    usual = {"asking": USUAL, "operators": OPERATORS}
    with quick_proofs():
        async with new_world(softhsm, url, folder, **usual | choices) as world:
            yield world


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """The world that most stories share, each with people and applications of its own."""
    folder = tmp_path_factory.mktemp("fatigue")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    async with usual_world(softhsm, f"sqlite:///{folder}/dss.db", folder) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="module")
async def stage(shared_world: World) -> Stage:
    """A stage on SQLite."""
    return await staged(shared_world, f"alice-{secrets.token_hex(4)}")


@pytest_asyncio.fixture(loop_scope="module")
async def stage_on_each_database(softhsm: SoftHsm, database_url: str, tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage on SQLite, and another on PostgreSQL."""
    async with usual_world(softhsm, database_url, tmp_path) as world:
        yield await staged(world)
