"""Sessions: opening one, the list of those that go on, and their end.

Source: docs/device-protocol.md section 11.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from dss.audit.event import Event
from dss.credentials.session import Session, bounds_of
from dss.devices import request
from dss.devices.model import Device
from dss.devices.request import Kind
from dss.kernel.errors import Conflict, Invalid, NotFound, Tampered
from dss.kernel.ids import ClientId, TransactionId, UserId
from dss.kernel.policy import Bounds, Policy
from dss.transactions import rules, sessions_store, store
from dss.transactions.asked import require_asked
from dss.transactions.asking import SESSION_TAKEN_BACK
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.machine import State
from dss.transactions.model import OpenSession, Transaction
from dss.transactions.opening import Opening, named_to_open
from dss.transactions.parts import Parts, inbox, topic
from dss.transactions.plans import Ends, Plans

MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """A session as it stands: what was asked, and what is taken of it; known is None until it is confirmed.

    application: the registered name of who may ask for signatures in it.
    """

    transaction: Transaction
    known: Session | None
    application: str

    @property
    def bounds(self) -> Bounds:
        """What was asked for."""
        return bounds_of(request.read(self.transaction.request))


class Sessions:
    """The verbs over sessions for relying applications and phones."""

    def __init__(self, parts: Parts, drafting: Drafting, opening: Opening, plans: Plans) -> None:
        self._parts = parts
        self._plans = plans
        self._drafting = drafting
        self._opening = opening

    async def open(self, wish: OpenSession) -> Transaction:
        """Ask the signer's phone to confirm a session.

        Raises Invalid or DeceptiveText for a wish beyond the ceilings, Conflict where the key's policy allows none or
        less or the key waits to be locked anew, NotFound, TooMany, IdempotencyConflict.
        """
        p = self._parts
        if known := await self._drafting.known(wish.client_id, wish.idempotency):
            return known
        on = await self._opening.footing(Kind.SESSION, wish.client_id, wish.credential_id, wish.asked)
        _require_allowed(wish, on.policy)
        rules.require_locked(on.key.value)
        bounds = {"signatures": wish.bounds.signatures, "minutes": wish.bounds.minutes}
        draft = Draft(
            kind=Kind.SESSION,
            client_id=wish.client_id,
            user=on.user,
            credential=named_to_open(on.key.value),
            text=wish.asked.text,
            confirm_within=wish.asked.expires_in or p.limits.confirm_within,
            more={"session": bounds},
            idempotency=wish.idempotency,
            key=on.key,
            mode=on.mode,
            answer_by=on.policy.answer_by,
            reach=on.reach,
            browser_sha256=on.browser.sha256,
        )
        return await self._drafting.open(draft)

    async def of_client(self, client_id: ClientId, id: TransactionId, wait_s: float = 0) -> Standing:
        """Return a relying application's session; with a wait, once the signer has answered or the wait is over.

        Raises NotFound, also for another's, Tampered.
        """

        async def look() -> Standing | None:
            found = await self._standing(id)
            return None if found.transaction.state is State.AWAITING else found

        await require_asked(self._parts, client_id, (await self._standing(id)).transaction)
        return await self._parts.bus.until(topic(id), look, wait_s) or await self._standing(id)

    async def list_of_client(self, client_id: ClientId) -> list[Standing]:
        """Return a relying application's sessions that go on, oldest first, up to MOST_LISTED."""
        async with self._parts.database.read() as connection:
            found = await sessions_store.going_on(connection, self._parts.clock.now(), MOST_LISTED, client_id=client_id)
        return await self._told(found)

    async def list_own(self, phone: Device) -> list[Standing]:
        """Return the owner's sessions that go on, oldest first, up to MOST_LISTED. Raises Locked."""
        self._parts.devices.require_able(phone)
        async with self._parts.database.read() as connection:
            now = self._parts.clock.now()
            found = await sessions_store.going_on(connection, now, MOST_LISTED, user_id=phone.user_id)
        return await self._told(found)

    async def end(self, client_id: ClientId, id: TransactionId) -> Standing:
        """End a relying application's session, or its wish for one; a second time changes nothing. Raises NotFound."""
        found = await self.of_client(client_id, id)
        await self._end(found.transaction, f"client:{client_id}", SESSION_TAKEN_BACK)
        return await self._standing(id)

    async def end_own(self, phone: Device, id: TransactionId) -> State:
        """End a session of a phone's owner; a second time changes nothing. Raises NotFound, Locked."""
        self._parts.devices.require_able(phone)
        found = (await self._standing(id)).transaction
        if found.user_id != phone.user_id or found.state is State.AWAITING:
            raise NotFound
        await self._end(found, f"device:{phone.id}", "the signer ended the session")
        return (await self._standing(id)).transaction.state

    async def _end(self, transaction: Transaction, actor: str, why: str) -> None:
        p = self._parts
        async with p.database.write() as connection:
            current = (await store.get(connection, transaction.id, locked=True)).as_of(p.clock.now())
            if current.state not in (State.AWAITING, State.CONFIRMED):
                return
            await store.cancel(connection, transaction.id, p.clock.now(), why)
            event = Event("transaction.cancelled", actor, f"transaction:{transaction.id}", details={"why": why})
            await p.audit.record(connection, event)
            ends = Ends("the session was ended", which=sessions_store.within(transaction.id))
            topics = await self._plans.end(connection, ends, actor)
        await p.bus.wake(topic(transaction.id), inbox(transaction.user_id), *topics)

    async def _standing(self, id: TransactionId) -> Standing:
        async with self._parts.database.read() as connection:
            transaction = await store.get(connection, id)
        if transaction.kind is not Kind.SESSION or transaction.client_id is None:
            raise NotFound
        return await standing_of(self._parts, transaction)

    async def _told(self, found: Sequence[Transaction]) -> list[Standing]:
        told = []
        for transaction in found:
            with suppress(Tampered):  # alarmed: the others are told
                told.append(await standing_of(self._parts, transaction))
        return [one for one in told if one.transaction.state is State.CONFIRMED]


async def standing_of(parts: Parts, transaction: Transaction) -> Standing:
    """Return a session as it stands now, its time over or not. Raises NotFound, Tampered."""
    now = parts.clock.now()
    current = transaction.as_of(now)
    known = await parts.credentials.session(transaction.id)
    name = (await parts.clients.get(transaction.client_id or ClientId(""))).name
    if known is not None and current.state is State.CONFIRMED:
        if now >= known.value.ends_at:
            current = current.ended_by_time()
        elif await _phone_came(parts, current.user_id, known.value.started_at):
            current = replace(current, state=State.CANCELLED, why="a phone was enrolled since it was confirmed")
    return Standing(current, None if known is None else known.value, name)


async def _phone_came(parts: Parts, owner: UserId, since: datetime) -> bool:
    """Return True when a person has a phone that they had not when they confirmed: the door lets nothing in then."""
    return any(phone.enrolled_at > since for phone in await parts.devices.ever_of_user(owner))


def _require_allowed(wish: OpenSession, policy: Policy) -> None:
    allowed = policy.session
    if min(wish.bounds.signatures, wish.bounds.minutes) < 1:
        raise Invalid("a session is for at least one signature and one minute")
    if allowed is None or min(allowed.signatures, allowed.minutes) < 1:
        raise Conflict("the key's policy allows no sessions")
    if wish.bounds.exceeds(allowed):
        raise Invalid(f"a session here gives at most {allowed.signatures} signatures within {allowed.minutes} minutes")
