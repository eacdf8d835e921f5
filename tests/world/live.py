"""A world over TCP, on the clock of the machine: for programs that others wrote, and for browsers.

The server's own work beside the protocols goes on by itself, as in a real process.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
import uvicorn
from starlette.types import ASGIApp

from dss.ca.model import NewAuthority
from dss.hsm.servicekeys import KeyName
from dss.kernel.clock import SystemClock
from dss.notify.tables import outbox
from dss.transactions.machine import State
from dss.transactions.tables import transactions
from dss.web import app as web
from dss.wiring import Services, opened
from mobile_mock.phone import Phone
from tests.world.softhsm import SoftHsm
from tests.world.world import World, settings

STARTED_WITHIN_S = 10.0
SETTLED_WITHIN_S = 20.0


@dataclass
class LiveWorld(World):
    """The world behind an address; browsers take `localhost` for a safe place, and so for passkeys."""

    url: str
    connections: list[httpx.AsyncClient] = field(default_factory=list)

    def http(self) -> httpx.AsyncClient:
        """A client on the network."""
        self.connections.append(httpx.AsyncClient(base_url=self.url, timeout=30))
        return self.connections[-1]

    async def hang_up(self) -> None:
        """Close all connections."""
        for connection in self.connections:
            await connection.aclose()

    def new_phone(self) -> Phone:
        """A phone out of the box."""
        return Phone(self.folder / f"phone-{len(list(self.folder.glob('phone-*')))}", self.http())

    async def letters(self) -> list[Path]:
        """Wait for what the server is sending itself, too."""
        await super().letters()
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while await self._count(sa.select(sa.func.count()).select_from(outbox)):
                await asyncio.sleep(0.02)
        return await super().letters()

    async def settle(self) -> None:
        """Wait until the server has nothing left to perform."""
        t = transactions
        under_way = sa.select(sa.func.count()).where(t.c.state.in_([State.CONFIRMED, State.SIGNING]))
        async with asyncio.timeout(SETTLED_WITHIN_S):
            while await self._count(under_way):
                await asyncio.sleep(0.02)

    async def _count(self, rows: sa.Select[tuple[int]]) -> int:
        async with self.services.database.read() as connection:
            return (await connection.execute(rows)).scalar_one()


@asynccontextmanager
async def live_world(softhsm: SoftHsm, database_url: str, folder: Path, **choices: Any) -> AsyncIterator[LiveWorld]:
    """Serve a world on a free port of this machine; choices: other settings than the usual ones."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        url = f"http://localhost:{listening.getsockname()[1]}"
        chosen = replace(settings(softhsm, database_url, folder), public_url=url, **choices)
        async with opened(chosen, SystemClock()) as services, _served(services, listening) as app:
            await services.ca.create_root(NewAuthority("root", "Test Root CA", "Test", "EE"))
            await services.ca.create_issuing(NewAuthority("issuing", "Test Issuing CA", "Test", "EE"), "root")
            await services.service_certificates.ensure(KeyName.EVIDENCE_SEAL)
            world = LiveWorld(services, app, SystemClock(), folder, url)
            try:
                yield world
            finally:
                await world.hang_up()


@asynccontextmanager
async def _served(services: Services, listening: socket.socket) -> AsyncIterator[ASGIApp]:
    """Serve the protocols on a socket until the context ends."""

    @asynccontextmanager
    async def already() -> AsyncIterator[Services]:
        yield services

    app = web.create(services.settings, already)
    server = uvicorn.Server(uvicorn.Config(app, lifespan="on", log_config=None, access_log=False))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await _until_started(server)
        yield app
    finally:
        server.should_exit = True
        await serving


async def _until_started(server: uvicorn.Server) -> None:
    async with asyncio.timeout(STARTED_WITHIN_S):
        while not server.started:
            await asyncio.sleep(0.01)
