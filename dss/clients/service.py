"""The verbs over relying applications."""

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Seals
from dss.clients import secret as secrets
from dss.clients import store
from dss.clients.model import Client, require_acceptable
from dss.clients.registers import CLIENTS
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId, Ids


@dataclass(frozen=True, slots=True)
class NewClient:
    """What to register; members as in Client, and with_secret to have a secret made."""

    name: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] | None = None
    with_secret: bool = False
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Registered:
    """A new application, and its secret if it has one: told now and never again."""

    client: Client
    secret: str | None = field(repr=False)


class Clients:
    """Registers relying applications, finds them, and checks their secrets."""

    def __init__(self, database: Database, seals: Seals, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._seals = seals
        self._clock = clock
        self._ids = ids

    async def register(self, new: NewClient, actor: str) -> Registered:
        """Register an application.

        actor: who does it, as the audit log names it.
        Raises Invalid, DeceptiveText, HsmUnavailable, and Conflict if the name is taken.
        """
        secret, hashed = await asyncio.to_thread(secrets.new) if new.with_secret else (None, None)
        client = Client(
            id=ClientId(self._ids.new()),
            name=new.name,
            scopes=new.scopes,
            jwks=new.jwks,
            secret_hash=hashed,
            contact=new.contact,
            created_at=self._clock.now(),
        )
        require_acceptable(client)
        draft = await self._seals.draft_new(CLIENTS, asdict(client) | {"scopes": list(client.scopes)})
        details = {"name": client.name, "scopes": " ".join(client.scopes)}
        try:
            async with self._database.write() as connection:
                await self._seals.write(
                    connection, draft, Event("client.registered", actor, draft.sealed.name, details=details)
                )
        except IntegrityError as fault:
            raise Conflict(f"the name {client.name} is taken") from fault
        return Registered(client, secret)

    async def get(self, id: ClientId) -> Client:
        """Return an application. Raises NotFound, Tampered, HsmUnavailable."""
        async with self._database.read() as connection:
            stored = await store.get(connection, id)
        return (await self._seals.prove(stored)).value

    async def check_secret(self, id: str, secret: str) -> Client:
        """Return the application that has this secret.

        Raises Unauthenticated, with the same answer after the same work whether the application is unknown, has no
        secret, has another one, or was altered, which is an alarm besides.
        """
        try:
            client = await self.get(ClientId(id))
        except (NotFound, Tampered):
            client = None
        right = await asyncio.to_thread(secrets.matches, secret, client.secret_hash if client else None)
        if client is None or not right:
            raise Unauthenticated("the application is unknown, or its secret is wrong")
        return client

    async def list(self, after: ClientId | None, limit: int) -> tuple[Client, ...]:
        """Return up to limit applications in the order they were registered, from the first one after an id.

        Raises Tampered, HsmUnavailable.
        """
        async with self._database.read() as connection:
            stored = await store.page(connection, after, limit)
        return tuple(sealed.value for sealed in await self._seals.prove_all(stored))
