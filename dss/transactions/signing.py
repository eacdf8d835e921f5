"""The verb sign: what was confirmed is signed and released, a batch in parts that come as they are made.

docs/signing-cycle.md numbers the steps and says what a power cut leaves behind at each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft
from dss.credentials.activation import Activation
from dss.credentials.model import Spending
from dss.credentials.service import Signing
from dss.devices.answer import Decision
from dss.devices.items import Item
from dss.evidence.service import KeptPart
from dss.infra.together import together
from dss.kernel.errors import Overtaken, Unavailable
from dss.kernel.ids import DeviceId
from dss.transactions import entries, prepared, proving, rules, store
from dss.transactions.ending import Ending
from dss.transactions.machine import Late
from dss.transactions.model import Entry, Signed, Transaction
from dss.transactions.parts import Parts, topic
from dss.transactions.plans import Change, Ends, Plans
from dss.transactions.proving import Answered, Fruit

AT_ONCE = 2  # documents that one batch has finished at a time: others' wait for the same children


@dataclass(frozen=True, slots=True)
class _Work:
    """What one attempt signs: for which transaction, confirmed by what, the things by index, and the key at hand."""

    held: Transaction
    answered: Answered
    asked: dict[int, Entry]
    signing: Signing
    channel_key: str


@dataclass(frozen=True, slots=True)
class _Made:
    """Signatures that were made and verified, not yet released: the results by index, and what proves them."""

    results: dict[int, Signed]
    fruit: Fruit


class Releasing:
    """Signs for confirmed transactions, and releases what was signed."""

    def __init__(self, parts: Parts, plans: Plans, ending: Ending) -> None:
        self._parts = parts
        self._plans = plans
        self._ending = ending

    async def sign(
        self, held: Transaction, activation: Activation, asked: Sequence[Entry], session: Transaction | None
    ) -> None:
        """Sign what a transaction asks, and end it; an attempt that came too late leaves nothing but its note."""
        channel_key = await self._parts.evidence.channel_key()
        signing = await self._parts.credentials.begin(activation)
        rules.require_shown(asked, signing.admission.asked)
        work = _Work(held, _answered(held, session), {entry.item.index: entry for entry in asked}, signing, channel_key)
        try:
            if signing.admission.asked.batch is None:
                await self._release_whole(work, await self._made(work, signing.left))
            else:
                await self._by_parts(work)
        except Overtaken as fault:
            raise Unavailable("another change came first") from fault
        except Late:
            await self._ending.note_late(held)

    async def _by_parts(self, work: _Work) -> None:
        size, left = self._parts.limits.part, work.signing.left
        for start in range(0, len(left), size):
            part = left[start : start + size]
            await self._release_part(work, await self._made(work, part))
        await self._finish_parts(work)

    async def _made(self, work: _Work, items: Sequence[Item]) -> _Made:
        key = work.signing.by.value
        signatures = await self._parts.credentials.sign(work.signing, items)
        asked = [work.asked[item.index] for item in items]
        chain = proving.path_of(key)
        pairs = zip(asked, signatures, strict=True)
        finishing = [partial(self._result, entry, value, chain) for entry, value in pairs]
        finished = await together(finishing, AT_ONCE)
        results = {entry.item.index: one for entry, one in zip(asked, finished, strict=True)}
        return _Made(results, proving.signed(asked, signatures, key))

    async def _result(self, entry: Entry, signature: bytes, chain: tuple[bytes, ...]) -> Signed:
        made = prepared.of(entry)
        if made is None:
            return Signed(signature)
        finished = await self._parts.documents.complete(made, signature, chain)
        return Signed(signature, finished.digest.value, finished.size)

    async def _release_whole(self, work: _Work, made: _Made) -> None:
        """Write the results, consume the Activation and end the transaction: all or nothing, and only once."""
        p, held, signing = self._parts, work.held, work.signing
        kept = proving.kept_of(held, work.answered, signing.phone, work.channel_key, made.fruit)
        spent, stale = await p.credentials.spent(signing), await self._stale(work)
        async with p.database.write() as connection:
            await store.require_session(connection, held)
            event = await self._ending.sign_off(connection, held, kept)
            topics = await self._end_relocked(connection, work, stale)
            await entries.put_all_signed(connection, held.id, made.results)
            await p.credentials.release(connection, signing, len(made.results))
            await p.credentials.consume(connection, signing, spent, event)
        await p.bus.wake(*topics)

    async def _release_part(self, work: _Work, made: _Made) -> None:
        """Write the results of a part of a batch with what proves them, while the lease is this attempt's."""
        p, held = self._parts, work.held
        kept = proving.kept_part_of(held, work.answered, work.signing.phone, work.channel_key, made.fruit)
        async with p.database.write() as connection:
            await store.require_session(connection, held)
            await store.require_held(connection, held)
            await entries.put_all_signed(connection, held.id, made.results)
            await p.credentials.release(connection, work.signing, len(made.results))
            await p.evidence.keep_part(connection, kept, p.clock.now())
            await p.audit.record(connection, _part_event(held, kept, len(made.results)))
        await p.bus.wake(topic(held.id))

    async def _finish_parts(self, work: _Work) -> None:
        p, held, signing = self._parts, work.held, work.signing
        spent: Draft[Spending] = await p.credentials.spent(signing)
        stale = await self._stale(work)
        async with p.database.write() as connection:
            event = await self._ending.sign_off(connection, held, None)
            topics = await self._end_relocked(connection, work, stale)
            await p.credentials.consume(connection, signing, spent, event)
        await p.bus.wake(*topics)

    async def _stale(self, work: _Work) -> tuple[Change, ...]:
        """Return the end of what a key's new lock makes useless: shares, and what was handed over for codes."""
        if work.signing.relocked is None:
            return ()
        shares = await self._plans.stale_shares(work.held.user_id, work.held.key, "server")
        return (*shares, *await self._plans.codes_ended(work.held.key, "server"))

    async def _end_relocked(self, connection: AsyncConnection, work: _Work, stale: Sequence[Change]) -> list[str]:
        """Write what ends with the key's old lock; return the topics to wake."""
        if work.signing.relocked is None:
            return []
        ends = Ends("the key was locked anew", sharers=(work.held.user_id,))
        topics = await self._plans.end(connection, ends, "server", but=work.held.id)
        for change in stale:
            await self._parts.seals.write(connection, *change)
        return topics


def _answered(held: Transaction, session: Transaction | None) -> Answered:
    if session is not None:
        return Answered.in_session(session)
    if held.code:
        return Answered.by_code(held.code, Decision.CONFIRM, held.device_id or DeviceId(""))
    return Answered.confirmed(held)


def _part_event(held: Transaction, kept: KeptPart, count: int) -> Event:
    details = {"lease": str(held.lease), "first": str(kept.first), "count": str(count), **kept.details}
    return Event("transaction.part_signed", "server", f"transaction:{held.id}", details=details)
