"""The verbs over rows that cannot be proven: look for them, and end one for good, whatever it says."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.kinds import End, Kind, Kinds
from dss.audit.seals import Register, Row, Sealed, Stored
from dss.ca.model import Reason
from dss.clients.registers import CLIENTS
from dss.credentials.model import LIVING, Credential, CredentialState
from dss.credentials.registers import CREDENTIALS
from dss.credentials.tables import credentials
from dss.credentials.verifying import serial_of
from dss.devices import store as devices
from dss.devices.model import Share
from dss.devices.registers import BOX_KEYS, DEVICES
from dss.hsm.servicekeys import ServiceKeys
from dss.kernel.errors import Conflict, Invalid, NotFound
from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId
from dss.notify import letters
from dss.notify.model import Letter
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions.parts import Parts
from dss.transactions.plans import Change, Ends, Plan, Plans
from dss.transactions.tables import transactions

PAGE = 500
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Finding:
    """A row that cannot be proven, and why."""

    kind: str
    id: str
    why: str


class Mending:
    """Looks at every sealed row, and ends those that nobody can believe any more."""

    def __init__(self, parts: Parts, plans: Plans, approvals: Approvals, keys: ServiceKeys, kinds: Kinds) -> None:
        self._parts = parts
        self._plans = plans
        self._approvals = approvals
        self._keys = keys
        self._kinds = kinds

    async def check(self) -> list[Finding]:
        """Return every row that cannot be proven; tells no alarm. Raises HsmUnavailable."""
        return [finding for kind in self._kinds.values() for finding in await self._check(kind.register)]

    async def end(self, kind: str, id: str, actor: str) -> Proposal | None:
        """End a row that cannot be proven, for good, by an operator, or by two where that is the policy.

        What stood on it ends the same instant. Its owner is not written to: nobody can tell who that is.
        kind: as the log names rows. Returns what waits for a second operator, None when it is done.
        Raises Invalid for an unknown kind, NotFound, Conflict for a row that proves and for a person, HsmUnavailable.
        """
        known, end = self._kind(kind), End(id, self._parts.clock.now(), actor)
        changes = known.ended(end)
        stored = await self._broken(known.register, id)
        if proposal := await self._approvals.second("row.end", stored.name, actor):
            return proposal
        if known.register is BOX_KEYS:
            await self._keys.destroy_box_key(BoxKeyId(id))

        async def make() -> Plan:
            return await self._ending(await self._broken(known.register, id), changes, actor)

        await self._plans.carry_out(make, actor, known.also and partial(known.also, end))
        return None

    async def _check(self, register: Register[Any]) -> list[Finding]:
        """Look at the rows of a register, page by page."""
        key, found, after = register.table.c[register.key], [], ""
        while stored := await self._stored(register, key > after, PAGE):
            faults = zip(stored, await self._parts.seals.faults(stored), strict=True)
            found += [Finding(register.kind, one.row[register.key], why) for one, why in faults if why is not None]
            after = stored[-1].row[register.key]
        return found

    def _kind(self, name: str) -> Kind:
        if name not in self._kinds:
            raise Invalid(f"there are no sealed rows of this kind, but of: {', '.join(self._kinds)}")
        return self._kinds[name]

    async def _broken(self, register: Register[Any], id: str) -> Stored[Any]:
        """Return a row that may be ended."""
        found = await self._stored(register, register.table.c[register.key] == id, 1)
        if not found:
            raise NotFound(f"there is no such {register.kind}")
        if await self._parts.seals.faults(found) == [None]:
            raise Conflict("the row is in order: the ordinary commands are for it")
        return found[0]

    async def _stored(self, register: Register[Any], which: sa.ColumnElement[bool], limit: int) -> list[Stored[Any]]:
        query = register.select().where(which).order_by(register.table.c[register.key]).limit(limit)
        async with self._parts.database.read() as connection:
            return [Stored.of(register, row) for row in await connection.execute(query)]

    async def _ending(self, stored: Stored[Any], changes: Row, actor: str) -> Plan:
        register, key = stored.register, stored.row[stored.register.key]
        draft = await self._parts.seals.supersede(stored, changes)
        ended: Change = (draft, Event("row.ended", actor, stored.name))
        if register is DEVICES:
            return await self._without_phone(ended, DeviceId(key), actor)
        if register is CLIENTS:
            return Plan(changes=(ended,), ends=Ends("the application was ended", which=transactions.c.client_id == key))
        if register is CREDENTIALS:
            ends = Ends("the key was destroyed", credentials=(CredentialId(key),))
            return Plan(changes=(ended,), ends=ends, revokes=await self._revokes(stored.row["certificate"]))
        return Plan(changes=(ended,))

    async def _without_phone(self, ended: Change, phone: DeviceId, actor: str) -> Plan:
        """Plan the end of a phone with that of what it alone opens; what cannot be proven itself is left alone."""
        keys = await self._plans.without(await self._keys_of(phone), phone, actor)
        shares = await self._plans.stopping(await self._waiting_shares(phone), actor)
        lost = [draft.value for draft, _ in keys if draft.value.state is CredentialState.DESTROYED]
        return Plan(
            changes=(ended, *keys, *shares),
            ends=Ends("the phone was removed", credentials=tuple(key.id for key in lost), phones=(phone,)),
            letters=tuple([await self._letter(key) for key in lost]),
        )

    async def _keys_of(self, phone: DeviceId) -> list[Sealed[Credential]]:
        """Return the keys that a phone opened: by the keys' word, as the phone's owner is not proven."""
        c = credentials.c
        living = c.state.in_([*LIVING, CredentialState.REQUESTED])
        query = CREDENTIALS.select().where(living, sa.cast(c.holders, sa.Text).contains(phone, autoescape=True))
        async with self._parts.database.read() as connection:
            stored = [Stored.of(CREDENTIALS, row) for row in await connection.execute(query)]
        return await self._provable(stored)

    async def _waiting_shares(self, phone: DeviceId) -> list[Sealed[Share]]:
        async with self._parts.database.read() as connection:
            waiting = await devices.shares_waiting(connection, phone)
        return await self._provable(waiting)

    async def _provable(self, stored: Sequence[Stored[Value]]) -> list[Sealed[Value]]:
        """Return the rows that prove. The others are refused as they are, and ended each by its own word."""
        seals = self._parts.seals
        faults = zip(stored, await seals.faults(stored), strict=True)
        return await seals.prove_all([one for one, why in faults if why is None])

    async def _revokes(self, certificate: bytes | None) -> tuple[tuple[str, Reason], ...]:
        """Return what is to be revoked: a good certificate of the register, if this is one."""
        try:
            serial = serial_of(certificate or b"")
        except ValueError:
            return ()
        return () if await self._parts.ca.is_revoked(serial) else ((serial, Reason.KEY_COMPROMISE),)

    async def _letter(self, lost: Credential) -> Letter:
        user = await self._parts.users.get(lost.user_id)
        return letters.key_changed_letter(user.reader, lost.id, "destroyed")
