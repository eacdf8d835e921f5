"""Plans: sealed changes that commit together, with all that ends by them.

What a key or a phone no longer may is over the same instant: the transactions on their way end in the database
transaction of the change, and an attempt that is signing at that moment finds its row ended and discards its result.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft, Sealed
from dss.ca.model import Reason
from dss.credentials import store as credentials
from dss.credentials.model import Credential, CredentialState
from dss.devices import store as devices
from dss.devices.model import Share, ShareState
from dss.devices.request import Kind
from dss.kernel.errors import Overtaken
from dss.kernel.ids import CredentialId, DeviceId, TransactionId, UserId
from dss.notify.model import Letter
from dss.transactions import store
from dss.transactions.machine import State
from dss.transactions.parts import Parts, inbox, topic
from dss.transactions.tables import transactions

TRIES = 16
Change = tuple[Draft[Any], Event]
Also = Callable[[AsyncConnection], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ends:
    """Which transactions end: those with a key, those that a phone answered or alone may answer, all of a person.

    why: a sentence for those who wait. sharers: people whose shares end. which: others, by a condition.
    """

    why: str
    credentials: tuple[CredentialId, ...] = ()
    phones: tuple[DeviceId, ...] = ()
    people: tuple[UserId, ...] = ()
    sharers: tuple[UserId, ...] = ()
    which: sa.ColumnElement[bool] | None = None

    def concerned(self, but: TransactionId | None) -> sa.ColumnElement[bool]:
        """Return the condition on transactions; but: one that goes on."""
        t = transactions
        by_phone = sa.or_(t.c.device_id.in_(self.phones), t.c.for_device_id.in_(self.phones))
        shares = (t.c.kind == Kind.SHARE) & t.c.user_id.in_(self.sharers)
        named = sa.or_(t.c.credential_id.in_(self.credentials), by_phone, t.c.user_id.in_(self.people), shares)
        named = named if self.which is None else named | self.which
        return named if but is None else named & (t.c.id != but)


@dataclass(frozen=True, slots=True)
class Plan:
    """Changes with the events that tell of them, certificates to revoke by serial, letters, and what ends."""

    changes: tuple[Change, ...]
    ends: Ends | None = None
    revokes: tuple[tuple[str, Reason], ...] = ()
    letters: tuple[Letter, ...] = field(default=(), repr=False)


class Plans:
    """Carries plans out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def carry_out(self, make: Callable[[], Awaitable[Plan]], actor: str, also: Also | None = None) -> Plan:
        """Make a plan and write it; when another change came first, make it anew. Raises what `make` raises."""
        for _ in range(TRIES):
            plan = await make()
            try:
                await self.commit(plan, actor, also=also)
            except Overtaken:
                continue
            return plan
        raise Overtaken("too much changes at once; try again")

    async def commit(
        self,
        plan: Plan,
        actor: str,
        but: TransactionId | None = None,
        also: Also | None = None,
    ) -> None:
        """Write a plan, and wake all who wait for what ended by it. Raises Overtaken.

        but: a transaction that goes on. also: what else is written in the same database transaction.
        """
        p = self._parts
        post = [await p.notify.seal(letter) for letter in plan.letters]
        async with p.database.write() as connection:
            if also is not None:
                await also(connection)
            # Transactions first, as answers and releases do: those that lock the same rows in another order deadlock.
            ended = [] if plan.ends is None else await self.end(connection, plan.ends, actor, but)
            for draft, event in plan.changes:
                await p.seals.write(connection, draft, event)
            for serial, reason in plan.revokes:
                await p.ca.ensure_revoked(connection, serial, reason, actor)
            for letter in post:
                await p.notify.enqueue(connection, letter)
        await p.bus.wake(*ended)

    async def stale_shares(self, owner: UserId, key: CredentialId, actor: str) -> tuple[Change, ...]:
        """Return the end of what waits to be taken and holds the share of a key that is locked anew."""
        async with self._parts.database.read() as connection:
            waiting = await devices.shares_of_key(connection, owner, key)
        return await self.stopping(await self._parts.seals.prove_all(waiting), actor)

    async def stopping(self, shares: Sequence[Sealed[Share]], actor: str) -> tuple[Change, ...]:
        """Return the end of shares that wait to be taken."""
        stopped = []
        for share in shares:
            draft = await self._parts.seals.draft(share, share.value.ended(ShareState.STOPPED))
            stopped.append((draft, Event("share.stopped", actor, share.name)))
        return tuple(stopped)

    async def codes_ended(self, of: CredentialId | DeviceId, actor: str) -> tuple[Change, ...]:
        """Return the end of what was handed over to answer by codes, for a key or by a phone."""
        p = self._parts
        async with p.database.read() as connection:
            lasting = await credentials.offline_keys_of(connection, of)
        ended = []
        for key in await p.seals.prove_all(lasting):
            draft = await p.seals.draft(key, key.value.ended(p.clock.now()))
            ended.append((draft, Event("offline.ended", actor, key.name)))
        return tuple(ended)

    async def without(self, keys: Sequence[Sealed[Credential]], phone: DeviceId, actor: str) -> tuple[Change, ...]:
        """Return the changes of keys that a phone opened, without it."""
        changed = []
        for key in keys:
            draft = await self._parts.seals.draft(key, key.value.without(phone))
            verb = "destroyed" if draft.value.state is CredentialState.DESTROYED else "to_relock"
            changed.append((draft, Event(f"credential.{verb}", actor, key.name)))
        return tuple(changed)

    async def end(
        self, connection: AsyncConnection, ends: Ends, actor: str, but: TransactionId | None = None
    ) -> list[str]:
        """End the transactions that are concerned, in the caller's transaction; return the topics to wake."""
        p, topics = self._parts, []
        concerned = ends.concerned(but)
        for state, outcome in ((State.CANCELLED, Outcome.DONE), (State.FAILED, Outcome.FAILED)):
            for one in await store.end_pending(connection, concerned, state, p.clock.now(), why=ends.why):
                event = Event(f"transaction.{state}", actor, f"transaction:{one.id}", outcome, {"why": ends.why})
                await p.audit.record(connection, event)
                topics += [topic(one.id), inbox(one.user_id)]
        return topics
