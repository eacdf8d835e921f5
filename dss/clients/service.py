"""The verbs over relying applications."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.clients import secret as secrets
from dss.clients import store
from dss.clients.model import Client, require_acceptable
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import NotFound, Unauthenticated
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

    def __init__(self, database: Database, audit: Audit, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock
        self._ids = ids

    async def register(self, new: NewClient, actor: str) -> Registered:
        """Register an application.

        actor: who does it, as the audit log names it.
        Raises Invalid, DeceptiveText, and Conflict if the name is taken.
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
        async with self._database.write() as connection:
            await store.add(connection, client)
            details = {"name": client.name, "scopes": " ".join(client.scopes)}
            await self._audit.record(
                connection, Event("client.registered", actor, f"client:{client.id}", details=details)
            )
        return Registered(client, secret)

    async def get(self, id: ClientId) -> Client:
        """Return an application. Raises NotFound."""
        async with self._database.read() as connection:
            return await store.get(connection, id)

    async def check_secret(self, id: str, secret: str) -> Client:
        """Return the application that has this secret.

        Raises Unauthenticated, with the same answer after the same work whether the application is unknown, has no
        secret, or has another one.
        """
        try:
            client = await self.get(ClientId(id))
        except NotFound:
            client = None
        right = await asyncio.to_thread(secrets.matches, secret, client.secret_hash if client else None)
        if client is None or not right:
            raise Unauthenticated("the application is unknown, or its secret is wrong")
        return client

    async def list(self, after: ClientId | None, limit: int) -> tuple[Client, ...]:
        """Return up to limit applications in the order they were registered, from the first one after an id."""
        async with self._database.read() as connection:
            return tuple(await store.page(connection, after, limit))
