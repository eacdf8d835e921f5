"""The verbs over relying applications."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Sealed, Seals
from dss.clients import secret as secrets
from dss.clients import store
from dss.clients.change import Change, told
from dss.clients.model import Client, require_acceptable
from dss.clients.profile import Profile
from dss.clients.registers import CLIENTS, row_of
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId, Ids

Also = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class NewClient:
    """What to register; members as in Client, and with_secret to have a secret made."""

    name: str
    scopes: tuple[str, ...]
    jwks: Mapping[str, Any] | None = None
    with_secret: bool = False
    contact: str = ""
    profile: Profile = field(default_factory=Profile)
    logo: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new application, and its secret if it has one: told now and never again."""

    client: Client
    secret: str | None = field(repr=False)


class Clients:
    """Registers relying applications, finds and changes them, and checks their secrets.

    Whoever changes one that another changed meanwhile gets Conflict, and looks again before deciding again.
    """

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
            profile=new.profile,
            logo=new.logo,
        )
        await asyncio.to_thread(require_acceptable, client)
        draft = await self._seals.draft_new(CLIENTS, row_of(client))
        profile = canonical.encode(client.profile.member()).decode()
        details = {"name": client.name, "scopes": " ".join(client.scopes), "profile": profile}
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
        return (await self._known(id)).value

    async def check_secret(self, id: str, secret: str) -> Client:
        """Return the application that has this secret, as its first or its second.

        Raises Unauthenticated, with the same answer after the same work whether the application is unknown, has no
        secret, has another one, or was altered, which is an alarm besides.
        """
        try:
            client = await self.get(ClientId(id))
        except (NotFound, Tampered):
            client = None
        hashes = (client.secret_hash, client.next_secret_hash) if client else (None, None)
        right = await asyncio.to_thread(secrets.matches_one, secret, hashes)
        if client is None or not right:
            raise Unauthenticated("the application is unknown, or its secret is wrong")
        return client

    async def rotate_secret(self, id: ClientId, actor: str) -> str:
        """Give an application another secret and return it, now and never again; the one before stays valid.

        Raises Conflict while it has two already, Invalid for a public client, NotFound, Tampered, HsmUnavailable.
        """
        known = await self._known(id)
        client = known.value
        if client.next_secret_hash is not None:
            raise Conflict("the application has two secrets: drop the old one first")
        secret, hashed = await asyncio.to_thread(secrets.new)
        is_first = client.secret_hash is None
        new = replace(client, secret_hash=hashed) if is_first else replace(client, next_secret_hash=hashed)
        await asyncio.to_thread(require_acceptable, new)
        await self._write(known, new, Event("client.secret_added", actor, known.name))
        return secret

    async def drop_old_secret(self, id: ClientId, actor: str) -> Client:
        """End the older one of two secrets. Raises Conflict without a second, NotFound, Tampered, HsmUnavailable."""
        known = await self._known(id)
        if known.value.next_secret_hash is None:
            raise Conflict("the application has no second secret: make a new one first")
        new = replace(known.value, secret_hash=known.value.next_secret_hash, next_secret_hash=None)
        return await self._write(known, new, Event("client.secret_dropped", actor, known.name))

    async def set_keys(self, id: ClientId, jwks: Mapping[str, Any], actor: str) -> Client:
        """Put a JWK Set in the place of an application's. Raises Invalid, Conflict, NotFound, Tampered, HsmUnavailable.

        Keys that are not in it are good for nothing from then on.
        """
        known = await self._known(id)
        new = replace(known.value, jwks=jwks)
        await asyncio.to_thread(require_acceptable, new)
        details = {"old": _kids(known.value.jwks), "new": _kids(jwks)}
        return await self._write(known, new, Event("client.keys_changed", actor, known.name, details=details))

    async def change(self, id: ClientId, change: Change, actor: str) -> Client:
        """Change an application's registration; what is the same already is not written again.

        Raises Invalid, DeceptiveText, Conflict, NotFound, Tampered, HsmUnavailable.
        """
        known = await self._known(id)
        new = change.over(known.value)
        if new == known.value:
            return new
        await asyncio.to_thread(require_acceptable, new)
        details = told(known.value, new)
        return await self._write(known, new, Event("client.changed", actor, known.name, details=details))

    async def suspend(self, id: ClientId, actor: str, also: Also) -> Client:
        """Stop an application; one that is stopped already stays as it is, and `also` is done all the same.

        also: what goes with it, in the same transaction. Raises Conflict, NotFound, Tampered, HsmUnavailable.
        """
        return await self._set_suspended(id, actor, also, suspended=True)

    async def resume(self, id: ClientId, actor: str, also: Also) -> Client:
        """Let an application work again; as `suspend`."""
        return await self._set_suspended(id, actor, also, suspended=False)

    async def list(self, after: ClientId | None, limit: int) -> tuple[Client, ...]:
        """Return up to limit applications in the order they were registered, from the first one after an id.

        Raises Tampered, HsmUnavailable.
        """
        async with self._database.read() as connection:
            stored = await store.page(connection, after, limit)
        return tuple(sealed.value for sealed in await self._seals.prove_all(stored))

    async def _known(self, id: ClientId) -> Sealed[Client]:
        async with self._database.read() as connection:
            stored = await store.get(connection, id)
        return await self._seals.prove(stored)

    async def _set_suspended(self, id: ClientId, actor: str, also: Also, *, suspended: bool) -> Client:
        known = await self._known(id)
        old = known.value
        if old.profile.suspended is suspended:
            async with self._database.write() as connection:
                await also(connection)
            return old
        new = replace(old, profile=replace(old.profile, suspended=suspended))
        kind = "client.suspended" if suspended else "client.resumed"
        return await self._write(known, new, Event(kind, actor, known.name), also)

    async def _write(self, over: Sealed[Client], new: Client, event: Event, also: Also | None = None) -> Client:
        draft = await self._seals.draft(over, new)
        async with self._database.write() as connection:
            await self._seals.write(connection, draft, event)
            if also is not None:
                await also(connection)
        return new


def _kids(jwks: Mapping[str, Any] | None) -> str:
    return " ".join(key["kid"] for key in jwks["keys"]) if jwks else ""
