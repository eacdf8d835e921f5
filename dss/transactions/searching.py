"""The verb search: the events of somebody, of something, of a kind, of a time."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import store as audit
from dss.audit.event import Recorded
from dss.audit.log_pages import Found
from dss.clients import store as clients
from dss.infra.db import Database
from dss.kernel.errors import NotFound, Tampered
from dss.kernel.ids import EventId
from dss.transactions import searching_store as store
from dss.users import store as users


@dataclass(frozen=True, slots=True)
class Wish:
    """Which events are looked for; all that is given must hold.

    signer: a login or an id: events on or by the signer, the signer's phones, enrolments, keys, certificates and
            transactions.
    client: a name or an id: events on or by the application, its documents and its transactions.
    kind:   how the kind begins.
    since, until: from the one time on, and before the other.
    """

    signer: str | None = None
    client: str | None = None
    transaction: str | None = None
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


class Searching:
    """Finds events, those that have no leaf number yet among them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def search(self, wish: Wish, after: EventId | None = None, limit: int = 100) -> list[Recorded]:
        """Return events, oldest first, those after an id.

        Nothing that is found is verified. Raises NotFound for an unknown signer or application, Tampered for an event
        that cannot be read.
        """
        async with self._database.read() as connection:
            which = [condition async for condition in _conditions(connection, wish)]
            return [_readable(found) for found in await store.page(connection, which, after or "", limit)]


async def _conditions(connection: AsyncConnection, wish: Wish) -> AsyncIterator[sa.ColumnElement[bool]]:
    if wish.signer is not None:
        signer = await users.id_of(connection, wish.signer)
        yield store.of_any(store.names_of_signer(_known(signer, "signer")))
    if wish.client is not None:
        client = await clients.id_of(connection, wish.client)
        yield store.of_any(store.names_of_client(_known(client, "application")))
    if wish.transaction is not None:
        yield store.of_any(store.names_of_transaction(wish.transaction))
    if wish.kind:
        yield audit.of_kind(wish.kind)
    for bound in store.between(wish.since, wish.until):
        yield bound


def _known(id: str | None, what: str) -> str:
    if id is None:
        raise NotFound(f"there is no such {what}")
    return id


def _readable(found: Found) -> Recorded:
    if found.event is None:
        raise Tampered(f"event {found.id} is not as the server writes events: run `dss audit verify`")
    return found.event
