"""The verbs of letters: seal, enqueue, send what is due."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.infra.secretbox import SecretBox
from dss.kernel.clock import Clock
from dss.kernel.errors import DssError
from dss.kernel.ids import Ids
from dss.notify import store
from dss.notify.model import LEASE, Due, Letter, LetterId, Sealed, pause_after

BATCH = 100
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Post:
    """How letters leave, and what they are sealed with until then.

    send:    hands a letter on, within the lease of 60 s; raises Unavailable.
    key_for: the 32-byte key of a row, by the letter's id; raises HsmUnavailable.
    """

    send: Callable[[LetterId, Letter], Awaitable[None]]
    key_for: Callable[[str], Awaitable[bytes]]


class Notify:
    """Keeps letters sealed in the outbox until they are sent: at least once, and once unless a node dies between."""

    def __init__(self, database: Database, post: Post, audit: Audit, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._post = post
        self._audit = audit
        self._clock = clock
        self._ids = ids

    async def seal(self, letter: Letter) -> Sealed:
        """Seal a letter for the outbox, before the database transaction begins. Raises HsmUnavailable."""
        id = LetterId(self._ids.new())
        box = SecretBox(await self._post.key_for(id))
        return Sealed(id, box.seal(msgspec.msgpack.encode(letter), _place(id)))

    async def enqueue(self, connection: AsyncConnection, letter: Sealed) -> None:
        """Add a letter inside the database transaction of the fact it tells of."""
        await store.add(connection, letter, self._clock.now())

    async def send_due(self) -> int:
        """Send the letters whose time has come and return how many went.

        A sent letter's row is deleted, and the event `letter.sent` stays. One that cannot be sent stays, and waits
        longer after each failure. If the process dies after sending and before deleting, the letter goes again, under
        the same id, when its lease has ended. Raises DatabaseUnavailable.
        """
        async with self._database.read() as connection:
            letters = await store.due(connection, self._clock.now(), BATCH)
        return sum([await self._send(letter) for letter in letters])

    async def _send(self, letter: Due) -> bool:
        async with self._database.write() as connection:
            content = await store.take(connection, letter, self._clock.now() + LEASE)
        if content is None:
            return False
        try:
            await self._post.send(letter.id, await self._opened(letter.id, content))
        except DssError as failure:
            await self._put_off(letter, failure)
            return False
        async with self._database.write() as connection:
            if await store.remove(connection, letter.id):
                await self._audit.record(connection, Event("letter.sent", "server", f"letter:{letter.id}"))
        return True

    async def _opened(self, id: LetterId, content: bytes) -> Letter:
        box = SecretBox(await self._post.key_for(id))
        return msgspec.msgpack.decode(box.open(content, _place(id)), type=Letter)

    async def _put_off(self, letter: Due, failure: DssError) -> None:
        tries = letter.attempt + 1
        log.warning("letter not sent", letter=letter.id, tries=tries, failure=failure.code, detail=failure.detail)
        async with self._database.write() as connection:
            await store.postpone(connection, letter, self._clock.now() + pause_after(tries))


def _place(id: LetterId) -> bytes:
    return f"outbox/{id}".encode()
