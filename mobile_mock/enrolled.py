"""What every verb of a phone has in common: its store, its link to the server, its clock."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import httpx

from mobile_mock.delivering import Delivery
from mobile_mock.kept import Kept
from mobile_mock.keystore import Keystore
from mobile_mock.link import Link
from mobile_mock.members import Members
from mobile_mock.server import Clock


def utc_now() -> datetime:
    """Return the time of this machine, aware, in UTC."""
    return datetime.now(UTC)


class Enrolled:
    """One phone, with its store in a folder.

    http:  how to reach the server; the phone sets its own timeouts.
    now:   the phone's clock, aware, in UTC. sleep: how it waits, in seconds.
    Every verb raises children of PhoneError only.
    """

    def __init__(
        self,
        folder: Path,
        http: httpx.AsyncClient,
        *,
        now: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = Keystore(folder)
        self._http = http
        self._now = now
        self._sleep = sleep
        self._link = Link(self._store, http, now)
        self._delivery = Delivery(self._link)

    def kept(self) -> Kept:
        """Return all that the phone keeps, secrets among it."""
        return self._store.load()

    def now(self) -> datetime:
        """Return the time by the phone's clock."""
        return self._now()

    async def _open(self, path: str, body: dict[str, str], asked: dict[str, str]) -> str:
        """Open a transaction, keep what the owner asked for in it, and return its id."""
        opened = Members(await self._link.server.post(path, body), "the reply", ("id", "expires"))
        opened.time("expires")
        id = opened.id("id")
        async with self._store.exclusive():
            self._store.save(self._store.load().with_opened(id, asked))
        return id
