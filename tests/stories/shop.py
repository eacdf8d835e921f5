"""The shop of the stories about keys: a world and a relying application for a module, a new signer for each story."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from dss.credentials.tables import credentials
from dss.devices import enrolment
from dss.hsm.userkeys import UserKeys
from dss.transactions.machine import Work
from dss.transactions.performing import Performing
from mobile_mock.errors import Refused
from mobile_mock.showing import Shown
from tests.stories.test_answers import HASH
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world


@dataclass
class Shop:
    """A relying application in a world of its own."""

    world: World
    application: Application
    signers: int = 0

    async def signer(self) -> Signer:
        """Return a new signer with a phone and a key."""
        self.signers += 1
        await self.application.log_in()
        return await self.world.signer(self.application, f"alice{self.signers}")

    async def new_key(self, signer: Signer, **wish: str) -> str:
        """Make one more key for a signer; return its id."""
        asked = await self.ask_key(signer, **wish)
        await self.confirm(signer, asked["transaction_id"])
        return str(asked["id"])

    async def ask_key(self, signer: Signer, *, key: str | None = None, **wish: str) -> Any:
        """Ask a signer for one more key; key: the Idempotency-Key."""
        return await self.application.post("/v1/credentials", {"user": signer.user.login, **wish}, key=key)

    async def ask(self, signer: Signer) -> tuple[str, Shown]:
        """Ask a signer to sign; return the signature's id, and what the phone shows."""
        id = (await self.application.ask_hashes(signer, HASH))["id"]
        return id, await signer.phone.show(id)

    async def confirm(self, signer: Signer, id: str) -> None:
        """Let a signer confirm, and the server do what follows."""
        await signer.phone.confirm(await signer.phone.show(id), PIN)
        await self.world.settle()

    async def change(self, signer: Signer, action: str, **about: str) -> str:
        """Let a signer open a change and confirm it; return what came of it."""
        id = await signer.phone.change(action, **{"credential": signer.credential_id, **about})
        await self.confirm(signer, id)
        return await signer.phone.state(id)

    async def signs(self, signer: Signer) -> bool:
        """Tell whether a signer's key signs; where it does not, it must be refused as a conflict."""
        wish = {"credential_id": signer.credential_id, "text": "Please sign", "hashes": [HASH]}
        asked = await self.application.http.post("/v1/signatures", json=wish)
        if asked.status_code != 201:
            assert (asked.status_code, asked.json()["type"]) == (409, "urn:dss:error:conflict"), asked.text
            return False
        await self.confirm(signer, asked.json()["id"])
        return await self.end(asked.json()["id"]) == "signed"

    async def end(self, id: str) -> str:
        """Return where a signature stands; one that is not signed must hold no result."""
        told = await self.application.get(f"/v1/signatures/{id}")
        results = [item["signature"] for item in told["documents"]]
        assert all((result is not None) == (told["state"] == "signed") for result in results), told
        return str(told["state"])

    async def signed_pdf(self, signer: Signer) -> bytes:
        """Let a signer sign a PDF; return it."""
        id = (await self.application.ask(signer, simple_pdf()))["id"]
        await self.confirm(signer, id)
        return (await self.application.http.get(f"/v1/signatures/{id}/documents/0")).raise_for_status().content

    async def state(self, signer: Signer) -> str:
        """Tell where a key stands; relying application and phone must be told the same."""
        (told,) = [one for one in await signer.phone.credentials() if one.id == signer.credential_id]
        assert (await self.application.get(f"/v1/credentials/{signer.credential_id}"))["state"] == told.state
        return told.state

    async def row(self, id: str) -> Any:
        """Return a key's row as it lies in the database."""
        async with self.world.services.database.read() as connection:
            return (await connection.execute(sa.select(credentials).where(credentials.c.id == id))).one()

    def node(self, work: Work) -> Performing:
        """Return what does one kind of the server's work."""
        return next(node for node in self.world.services.performing if node._work is work)

    async def tells(self, signer: Signer) -> list[str]:
        """Return the kinds of the events on a signer's key, from its certificate on."""
        told = await self.world.tells(f"credential:{signer.credential_id}")
        return told[told.index("credential.certified") + 1 :]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Shop]:
    """The shop that a module's stories share; they run in the module's event loop. Its phones prove PINs quickly."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrolment, "PIN_ITERATIONS", 1)
        async with new_world(softhsm, f"sqlite:///{folder}/dss.db", folder) as world:
            yield Shop(world, await world.application())


@pytest.fixture
async def shop_on_each_database(world_on_each_database: World, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop of the test's own on SQLite, and another on PostgreSQL."""
    monkeypatch.setattr(enrolment, "PIN_ITERATIONS", 1)
    return Shop(world_on_each_database, await world_on_each_database.application())


@pytest.fixture
async def shop_on_postgres(
    softhsm: SoftHsm, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Shop]:
    """A shop on PostgreSQL, where one transaction does not wait for another."""
    monkeypatch.setattr(enrolment, "PIN_ITERATIONS", 1)
    async with new_world(softhsm, postgres_url, tmp_path) as world:
        yield Shop(world, await world.application())


async def refused_change(signer: Signer, action: str, **about: str) -> tuple[int, str]:
    """Let a signer open a change that must be refused; return how."""
    with pytest.raises(Refused) as refusal:
        await signer.phone.change(action, **{"credential": signer.credential_id, **about})
    return refusal.value.status, str(refusal.value)


async def refused_answer(signer: Signer, shown: Shown) -> int:
    """Let a signer confirm what must be refused; return the status."""
    with pytest.raises(Refused) as refusal:
        await signer.phone.confirm(shown, PIN)
    return refusal.value.status


@asynccontextmanager
async def held_in_the_hsm(shop: Shop) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Begin to sign what was confirmed first, and hold the attempt once the HSM has signed; give what lets it go on."""
    sign, signed, go_on = UserKeys.sign_all, asyncio.Event(), asyncio.Event()

    async def sign_and_wait(*arguments: Any) -> list[bytes]:
        signature = await sign(*arguments)
        signed.set()
        await go_on.wait()
        return signature

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(UserKeys, "sign_all", sign_and_wait)
        attempt = asyncio.create_task(shop.node(Work.KEY).next())
        await asyncio.wait_for(signed.wait(), 30)

    async def let_go() -> None:
        go_on.set()
        assert await attempt

    try:
        yield let_go
    finally:
        await let_go()
