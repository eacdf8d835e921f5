"""The verb perform: spend a confirmed transaction's Activation, and release what came of it.

docs/signing-cycle.md numbers the steps and says what a power cut leaves behind at each.
"""

import asyncio
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
from dss.credentials.service import Spent
from dss.devices.model import Device
from dss.devices.request import Kind
from dss.evidence.service import Kept
from dss.hsm.token import Refused
from dss.kernel.errors import Conflict, DssError, Overtaken, Tampered, Unavailable
from dss.kernel.ids import DeviceId
from dss.notify import letters
from dss.notify.model import Sealed as SealedLetter
from dss.transactions import entries, leasing, prepared, proving, rules, store
from dss.transactions.machine import ENDED, Late, State, Work
from dss.transactions.model import Entry, Signed, Transaction
from dss.transactions.parts import WORK, Parts, topic
from dss.transactions.plans import Ends, Plan, Plans

log = structlog.get_logger(__name__)
RETRY, LONGEST_PAUSE, GIVE_UP = timedelta(seconds=2), timedelta(minutes=1), timedelta(hours=24)
TRIES = 5
IDLE_S = 60.0


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

    async def run(self) -> None:
        """Work until cancelled; when there is nothing to do, or a part is down, wait and look again."""
        while True:
            try:
                if not await self.next():
                    await self._parts.bus.until(WORK, self._next_or_none, IDLE_S)
            except Unavailable:
                await asyncio.sleep(RETRY.total_seconds())
            except Exception:
                log.exception("looking for work failed")
                await asyncio.sleep(RETRY.total_seconds())

    async def _next_or_none(self) -> bool | None:
        return await self.next() or None

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
        activation = _activation(held)
        rules.require_own(held, activation.asked())
        if held.kind is Kind.SIGN:
            await self._sign(held, activation)
        elif held.kind in self._changes:
            await self._change(held, activation)
        elif self._work is Work.KEY:
            await self._parts.making.create(activation)
            await self._hand_on(held, Work.CERTIFICATE)
        else:
            await self._certify(held, activation)

    async def _sign(self, held: Transaction, activation: Activation) -> None:
        async with self._parts.database.read() as connection:
            asked = await entries.of(connection, held.id)
        rules.require_shown(asked, held.request)
        channel_key = await self._parts.evidence.channel_key()
        spent = await self._parts.credentials.sign(activation)
        key = spent.by.value
        results = {
            entry.item.index: await self._result(entry, signature, proving.path_of(key))
            for entry, signature in zip(asked, spent.signatures, strict=True)
        }
        fruit = proving.signed(asked, spent.signatures, key)
        kept = proving.kept_of(held, activation.answer, spent.phone, channel_key, fruit)
        await self._release(held, results, spent, kept)

    async def _change(self, held: Transaction, activation: Activation) -> None:
        p, change = self._parts, self._changes[held.kind]
        channel_key = await p.evidence.channel_key()
        done = await change(held, activation)
        kept = proving.kept_of(held, activation.answer, done.phone, channel_key)

        async def release(connection: AsyncConnection) -> None:
            event = await self._finish(connection, held, kept)
            for known in done.upon:
                await p.seals.require_unchanged(connection, known)
            await p.seals.write(connection, done.spending, event)

        try:
            await self._plans.commit(done.plan, f"device:{done.phone.id}", but=held.id, also=release)
        except Overtaken as fault:
            raise Unavailable("another change came first") from fault
        except Late:
            await self._note_late(held)

    async def _certify(self, held: Transaction, activation: Activation) -> None:
        p = self._parts
        channel_key = await p.evidence.channel_key()
        certified = await p.making.certify(activation)
        fruit = proving.certified(certified.credential.value)
        kept = proving.kept_of(held, activation.answer, certified.phone, channel_key, fruit)
        post = await self._farewell(certified)
        topics: list[str] = []
        try:
            async with p.database.write() as connection:
                event = await self._finish(connection, held, kept)
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
            await self._note_late(held)
        await p.bus.wake(*topics)

    async def _farewell(self, certified: Certified) -> list[SealedLetter]:
        """Seal the letter that tells of the end of the key that is replaced, if one is."""
        if certified.replaced is None:
            return []
        old, p = certified.replaced.value, self._parts
        user = await p.users.get(old.user_id)
        return [await p.notify.seal(letters.key_changed_letter(user.reader, old.id, "replaced"))]

    async def _result(self, entry: Entry, signature: bytes, chain: tuple[bytes, ...]) -> Signed:
        made = prepared.of(entry)
        if made is None:
            return Signed(signature)
        finished = await self._parts.documents.complete(made, signature, chain)
        return Signed(signature, finished.digest.value, finished.size)

    async def _release(self, held: Transaction, results: dict[int, Signed], spent: Spent, kept: Kept) -> None:
        """Write the results, consume the Activation and end the transaction: all or nothing, and only once."""
        p = self._parts
        topics: list[str] = []
        relocked = spent.relocked is not None
        stale = await self._plans.stale_shares(held.user_id, held.key, "server") if relocked else ()
        try:
            async with p.database.write() as connection:
                event = await self._finish(connection, held, kept)
                if relocked:
                    ends = Ends("the key was locked anew", sharers=(held.user_id,))
                    topics = await self._plans.end(connection, ends, "server", but=held.id)
                for change in stale:
                    await p.seals.write(connection, *change)
                for index, signed in results.items():
                    await entries.put_signed(connection, held.id, index, signed)
                await p.credentials.consume(connection, spent, event)
        except Overtaken as fault:
            raise Unavailable("another change came first") from fault
        except Late:
            await self._note_late(held)
        await p.bus.wake(*topics)

    async def _finish(self, connection: AsyncConnection, held: Transaction, kept: Kept) -> Event:
        """End a transaction as signed, with its evidence; return the event that tells of both. Raises Late."""
        p, now = self._parts, self._parts.clock.now()
        await store.finish(connection, held, State.SIGNED, now)
        await p.evidence.keep(connection, kept, now)
        details = {"lease": str(held.lease), **kept.details}
        return Event("transaction.signed", "server", f"transaction:{held.id}", details=details)

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
            await self._note_late(held)
        await self._abandon_ended(held)

    async def _note_late(self, held: Transaction) -> None:
        """Record that a result came to nothing: the transaction ended, or is in another attempt's hands."""
        kind, details = "transaction.late_result_discarded", {"lease": str(held.lease)}
        event = Event(kind, "server", f"transaction:{held.id}", Outcome.FAILED, details)
        async with self._parts.database.write() as connection:
            await self._parts.audit.record(connection, event)


def _activation(held: Transaction) -> Activation:
    return Activation(
        request=held.request,
        request_jws=held.request_jws,
        answer=held.answer or "",
        box=held.box or "",
        device=held.device_id or DeviceId(""),
        lease=held.lease,
        share=held.share,
    )
