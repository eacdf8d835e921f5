"""Signing in a session: what is asked takes its places, and is confirmed by what the session was confirmed by.

Source: docs/device-protocol.md section 11.
"""

from contextlib import suppress
from dataclasses import replace

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.credentials.model import Credential
from dss.credentials.policy import require_policy
from dss.devices import request
from dss.devices.request import Kind
from dss.kernel.errors import Conflict, NotFound, Overtaken
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode, Policy
from dss.transactions import activating, rules, store
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.machine import State, Work
from dss.transactions.model import OpenSigning, Transaction
from dss.transactions.parts import WORK, Parts

TRIES = 50  # others that take places of the same session at the same moment


class Placing:
    """Opens what is signed in sessions."""

    def __init__(self, parts: Parts, drafting: Drafting) -> None:
        self._parts = parts
        self._drafting = drafting

    async def session_of(self, wish: OpenSigning, id: TransactionId, key: Credential, policy: Policy) -> Transaction:
        """Return the session in which an application wishes to sign by a key, if it may now.

        policy: what holds today, and was perhaps less when the session was confirmed. Raises NotFound, Conflict.
        """
        async with self._parts.database.read() as connection:
            session = await store.get(connection, id)
        if session.client_id != wish.client_id or session.kind is not Kind.SESSION:
            raise NotFound("there is no such session")
        _require_confirmed(session)
        if session.credential_id != key.id:
            raise Conflict("the session is for another key")
        rules.require_locked(key)
        _require_enough(session, policy)
        if Mode.strictest((session.mode, wish.mode)) is not session.mode:
            raise Conflict(f"the session asked for {session.mode}, and this asks for {wish.mode}")
        return session

    async def open(self, draft: Draft, session: Transaction) -> Transaction:
        """Write a transaction that is confirmed already. Raises Conflict, Expired, Overtaken, IdempotencyConflict."""
        try:
            for _ in range(TRIES):
                with suppress(Overtaken):
                    return await self._place(draft, session)
        except IntegrityError:
            await self._drafting.discard(draft.new_entries)
            if known := await self._drafting.known(draft.client_id, draft.idempotency):
                return known
            raise
        except BaseException:
            await self._drafting.discard(draft.new_entries)
            raise
        await self._drafting.discard(draft.new_entries)
        raise Overtaken("too much is signed in this session at once; try again")

    async def _place(self, draft: Draft, session: Transaction) -> Transaction:
        p = self._parts
        known = await p.credentials.session(session.id)
        if known is None:
            raise Conflict("the session never began")
        now = p.clock.now()
        taken = known.value.taking(len(draft.entries), now)
        place = known.value.used + 1
        within = replace(draft, more=draft.more | {"session": {"id": session.id, "place": place}})
        made = replace(await self._drafting.made(within), session_id=session.id, place=place)
        asked = request.read(made.request).opened(tuple(entry.item for entry in draft.entries))
        record = await p.door.record_in_session(activating.of(session), taken, asked)
        places = await p.seals.draft(known, taken)
        details = {"session": session.id, "place": str(place), "items": str(len(draft.entries))}
        opened = Event("transaction.opened", f"client:{draft.client_id}", f"transaction:{made.id}", details=details)
        confirmed = Event("transaction.confirmed", "server", opened.subject, details={"session": session.id})
        values = {"device_id": session.device_id, "changed_at": now, "work": Work.KEY}
        values |= {"sad_expires_at": now + p.credentials.sad_lifetime}
        async with p.database.write() as connection:
            _require_confirmed(await store.get(connection, session.id, locked=True))
            await self._drafting.put(connection, draft, made)
            await p.audit.record(connection, opened)
            await p.seals.write(connection, places, Event("session.places_taken", opened.actor, places.sealed.name))
            await store.answered(connection, made, State.CONFIRMED, values)
            await p.seals.write(connection, record, confirmed)
        await p.bus.wake(WORK)
        return made


def _require_enough(session: Transaction, policy: Policy) -> None:
    try:
        require_policy(policy, request.read(session.request), by_code=False)
    except Conflict as fault:
        raise Conflict(f"the session's confirmation is below today's policy: {fault.detail}") from fault


def _require_confirmed(session: Transaction) -> None:
    if session.state is not State.CONFIRMED:
        raise Conflict(f"the session is {session.state}")
