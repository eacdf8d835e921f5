"""The verb perform: spend a confirmed transaction's Activation, and release what came of it.

docs/signing-cycle.md numbers the steps and says what a power cut leaves behind at each.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft, Sealed
from dss.credentials.activation import Activation
from dss.credentials.making import Certified
from dss.credentials.model import Spending
from dss.devices import request
from dss.devices.model import Device
from dss.devices.request import Kind
from dss.hsm.token import Refused
from dss.kernel.errors import Conflict, DssError, Overtaken, Tampered, Unavailable
from dss.notify import letters
from dss.notify.model import Sealed as SealedLetter
from dss.transactions import leasing, proving, rules, store
from dss.transactions.activating import activation_of
from dss.transactions.ending import Ending
from dss.transactions.machine import ENDED, Late, State, Work
from dss.transactions.model import Transaction
from dss.transactions.parts import WORK, Parts, topic
from dss.transactions.plans import Ends, Plan, Plans
from dss.transactions.proving import Answered
from dss.transactions.signing import Releasing
from dss.transactions.working import work_on

log = structlog.get_logger(__name__)
RETRY, LONGEST_PAUSE, GIVE_UP = timedelta(seconds=2), timedelta(minutes=1), timedelta(hours=24)
TRIES = 5


@dataclass(frozen=True, slots=True)
class Changed:
    """What a confirmed change comes to: its plan, the record of the confirmation, consumed, and the phone.

    upon: rows that the plan rests on, and does not change.
    """

    plan: Plan
    spending: Draft[Spending]
    phone: Device
    upon: tuple[Sealed[Any], ...] = ()


Change = Callable[[Transaction, Activation], Awaitable[Changed]]


class Performing:
    """Does one kind of work on confirmed transactions, wherever a node left it.

    changes: how each kind of transaction that signs nothing is performed.
    """

    def __init__(self, parts: Parts, plans: Plans, changes: Mapping[Kind, Change], work: Work) -> None:
        self._parts = parts
        self._plans = plans
        self._changes = changes
        self._work = work
        self._ending = Ending(parts)
        self._releasing = Releasing(parts, plans, self._ending)

    async def run(self) -> None:
        """Work until cancelled."""
        await work_on(self._parts.bus, WORK, self.next)

    async def next(self) -> bool:
        """Perform the oldest transaction that waits for this work. Return False when there was none."""
        p = self._parts
        now = p.clock.now()
        async with p.database.write() as connection:
            held = await store.claim(connection, self._work, now, now + p.limits.lease)
        if held is None:
            return False
        try:
            async with leasing.kept(p, held, self._work):
                await self._perform(held)
        except Unavailable as fault:
            await self._put_off(held, fault)
        except DssError as fault:
            await self._fail(held, fault.detail or fault.title)
        except Exception:
            log.exception("performing failed", transaction=held.id)
            await self._fail(held, "the server failed")
        await p.bus.wake(topic(held.id))
        return True

    async def _perform(self, held: Transaction) -> None:
        async with self._parts.database.read() as connection:
            activation, asked, session = await activation_of(connection, held)
        rules.require_own(held, request.read(activation.request))
        if held.kind is Kind.SIGN:
            await self._releasing.sign(held, activation, asked, session)
        elif held.kind in self._changes:
            await self._change(held, activation)
        elif self._work is Work.KEY:
            await self._parts.making.create(activation)
            await self._hand_on(held, Work.CERTIFICATE)
        else:
            await self._certify(held, activation)

    async def _change(self, held: Transaction, activation: Activation) -> None:
        p, change, kept = self._parts, self._changes[held.kind], None
        channel_key = await p.evidence.channel_key()
        done = await change(held, activation)
        if held.leaves_evidence:
            kept = proving.kept_of(held, Answered.confirmed(held), done.phone, channel_key)

        async def release(connection: AsyncConnection) -> None:
            event = await self._ending.sign_off(connection, held, kept)
            for known in done.upon:
                await p.seals.require_unchanged(connection, known)
            await p.seals.write(connection, done.spending, event)

        try:
            await self._plans.commit(done.plan, f"device:{done.phone.id}", but=held.id, also=release)
        except Overtaken as fault:
            raise Unavailable("another change came first") from fault
        except Late:
            await self._ending.note_late(held)

    async def _certify(self, held: Transaction, activation: Activation) -> None:
        p = self._parts
        channel_key = await p.evidence.channel_key()
        certified = await p.making.certify(activation)
        fruit = proving.certified(certified.credential.value)
        kept = proving.kept_of(held, Answered.confirmed(held), certified.phone, channel_key, fruit)
        post = await self._farewell(certified)
        topics: list[str] = []
        try:
            async with p.database.write() as connection:
                event = await self._ending.sign_off(connection, held, kept)
                if certified.replaced is not None:
                    ends = Ends("the key was replaced by another", credentials=(certified.replaced.value.id,))
                    topics = await self._plans.end(connection, ends, "server", but=held.id)
                await p.making.write(connection, certified, event)
                for letter in post:
                    await p.notify.enqueue(connection, letter)
        except Conflict as fault:
            await p.making.discard(certified)
            if isinstance(fault, Overtaken):
                raise Unavailable("another change came first") from fault
            if not isinstance(fault, Late):
                raise
            await self._ending.note_late(held)
        await p.bus.wake(*topics)

    async def _farewell(self, certified: Certified) -> list[SealedLetter]:
        """Seal the letter that tells of the end of the key that is replaced, if one is."""
        if certified.replaced is None:
            return []
        old, p = certified.replaced.value, self._parts
        user = await p.users.get(old.user_id)
        return [await p.notify.seal(letters.key_changed_letter(user.reader, old.id, "replaced"))]

    async def _hand_on(self, held: Transaction, work: Work) -> None:
        p = self._parts
        async with p.database.write() as connection:
            went_on = await store.hand_on(connection, held, work, p.clock.now())
        if not went_on:  # it ended, or is in another attempt's hands, which finds the key or its end
            await self._abandon_ended(held)
        await p.bus.wake(WORK)

    async def _abandon_ended(self, held: Transaction) -> None:
        """Destroy the key that was made for a `create` that has ended without it."""
        if held.kind is not Kind.CREATE:
            return
        async with self._parts.database.read() as connection:
            ended = (await store.get(connection, held.id)).state in ENDED
        if ended:
            with suppress(Tampered):  # alarmed, and for operators to end
                await self._parts.making.abandon(held.key)

    async def _put_off(self, held: Transaction, fault: Unavailable) -> None:
        """Try again later, each time a little later; give up on what the HSM refuses itself, and after GIVE_UP."""
        p = self._parts
        now = p.clock.now()
        refused = isinstance(fault, Refused) and held.lease >= TRIES
        if refused or now > held.expires_at + GIVE_UP:
            await self._fail(held, fault.detail or fault.title)
            return
        log.warning("performing put off", transaction=held.id, error_code=fault.code, attempt=held.lease)
        pause = min(RETRY * 2 ** min(held.lease - 1, 8), LONGEST_PAUSE)
        async with p.database.write() as connection:
            await store.hand_on(connection, held, self._work, now + pause)

    async def _fail(self, held: Transaction, why: str) -> None:
        p = self._parts
        subject = f"transaction:{held.id}"
        try:
            async with p.database.write() as connection:
                await store.finish(connection, held, State.FAILED, p.clock.now(), why=why)
                await p.audit.record(
                    connection, Event("transaction.failed", "server", subject, Outcome.FAILED, {"why": why})
                )
        except Late:
            await self._ending.note_late(held)
        await self._abandon_ended(held)
