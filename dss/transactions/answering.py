"""The verb answer: take what a phone signed, once."""

from contextlib import suppress
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft
from dss.credentials.model import Spending
from dss.devices import request
from dss.devices.answer import Came, Decision
from dss.devices.counting import Verdict
from dss.devices.model import Device, LockReason, Standing
from dss.devices.request import Asked
from dss.devices.service import Examined, Weighed
from dss.evidence.service import Kept
from dss.kernel.errors import AnswerRefused, Locked, NotFound, Overtaken, Unavailable
from dss.kernel.ids import TransactionId
from dss.notify import letters
from dss.notify.model import Sealed
from dss.transactions import proving, store
from dss.transactions.machine import State, Work, as_of, require_answerable
from dss.transactions.model import Transaction
from dss.transactions.parts import WORK, Parts, topic

MOST_AT_ONCE = 100
SpendingDraft = Draft[Spending]


class Answering:
    """Takes answers from phones."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, device: Device, id: TransactionId, came: Came) -> State:
        """Take a phone's answer and return the transaction's state.

        An answer equal to the stored one changes nothing. An answer to an ended transaction is refused without a look
        at its counter. Raises NotFound, AnswerRefused, Conflict, Expired, Locked, Tampered, HsmUnavailable.
        """
        p = self._parts
        async with p.database.read() as connection:
            transaction = await store.get(connection, id)
        if not transaction.is_for(device):
            raise NotFound
        if _is_repeated(transaction, device, came):
            return transaction.state
        require_answerable(transaction.state, transaction.expires_at, p.clock.now())
        p.devices.require_able(device)
        asked = request.read(transaction.request)
        require_answerable(transaction.state, asked.expires, p.clock.now())
        examined = await p.credentials.examine(await p.devices.examine(device, came, asked), asked)
        return await self._take_once(_Answer(transaction, asked, examined, came))

    async def _take_once(self, answer: "_Answer") -> State:
        """Take an answer upon the phone's row as it is: each other answer of the phone that came first is seen."""
        for _ in range(MOST_AT_ONCE):
            with suppress(Overtaken):
                return await self._take(answer)
        raise Unavailable("the phone answers too much at once", retry_after=1)

    async def _take(self, answer: "_Answer") -> State:
        p, transaction, examined = self._parts, answer.transaction, answer.examined
        weighed = await p.devices.weigh(examined)
        record = await self._record(answer, weighed)
        tried = await p.credentials.count_password(examined, answer.asked, weighed)
        post = await self._letter_of_lock(weighed)
        async with p.database.write() as connection:
            current = await store.get(connection, transaction.id, locked=True)
            if _is_repeated(current, examined.device, answer.came):
                return current.state
            require_answerable(current.state, current.expires_at, p.clock.now())
            await p.devices.count(connection, weighed)
            if tried is not None:
                await p.seals.write(connection, *tried)
            for letter in post:
                await p.notify.enqueue(connection, letter)
            await self._write(connection, answer, weighed.verdict, record)
        if weighed.verdict is Verdict.LOCKED:
            raise Locked("the phone is locked", audited=True)
        if weighed.verdict is Verdict.REFUSED:
            raise AnswerRefused(audited=True)
        await p.bus.wake(topic(transaction.id), WORK)
        return as_of(_outcome(examined), transaction.expires_at, p.clock.now())

    async def _letter_of_lock(self, weighed: Weighed) -> list[Sealed]:
        """Return the letter that tells the owner of a lock that an answer brings about, or nothing."""
        p, after = self._parts, None if weighed.draft is None else weighed.draft.value
        if after is None or after.standing(p.clock.now()) is not Standing.LOCKED:
            return []
        user = await p.users.get(after.user_id)
        why = after.lock_reason or LockReason.PIN
        letter = letters.phone_locked_letter(user.reader, after.name, why.value, after.locked_until)
        return [await p.notify.seal(letter)]

    async def _record(self, answer: "_Answer", weighed: Weighed) -> SpendingDraft | Kept | None:
        """Return what is kept of an accepted answer: the record of a confirmation, or the evidence of a decline.

        Raises Tampered, with an alarm, where the signed request is not the one that was declined.
        """
        p, examined, transaction = self._parts, answer.examined, answer.transaction
        if weighed.verdict is not Verdict.ACCEPTED:
            return None
        if _outcome(examined) is State.CONFIRMED:
            return await p.door.record(examined, answer.asked)
        await p.devices.require_shown(examined.device, transaction.request_jws, answer.asked)
        channel_key = await p.evidence.channel_key()
        return proving.kept_of(transaction, answer.came.answer, examined.device, channel_key)

    async def _write(
        self, connection: AsyncConnection, answer: "_Answer", verdict: Verdict, record: SpendingDraft | Kept | None
    ) -> None:
        """Write what an answer came to: its event, with the seal of its record, or with what proves a decline."""
        p, event = self._parts, _event(answer, verdict)
        if verdict is Verdict.ACCEPTED:
            await self._move(connection, answer)
        if isinstance(record, Draft):
            await p.seals.write(connection, record, event)
            return
        if record is not None:
            await p.evidence.keep(connection, record, p.clock.now())
            event = replace(event, details={**event.details, **record.details})
        await p.audit.record(connection, event)

    async def _move(self, connection: AsyncConnection, answer: "_Answer") -> None:
        now, examined, came = self._parts.clock.now(), answer.examined, answer.came
        values = {"answer": came.answer, "device_id": examined.device.id, "changed_at": now}
        if _outcome(examined) is State.CONFIRMED:
            lapses = now + self._parts.credentials.sad_lifetime
            values |= {"box": came.box, "share": came.share, "work": Work.KEY, "sad_expires_at": lapses}
        else:
            values |= {"why": examined.answer.reason}
        await store.answered(connection, answer.transaction, _outcome(examined), values)


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer on its way: to what, what was asked, what was found in it, and what came."""

    transaction: Transaction
    asked: Asked
    examined: Examined
    came: Came


def _event(answer: _Answer, verdict: Verdict) -> Event:
    examined, accepted = answer.examined, verdict is Verdict.ACCEPTED
    kind = f"transaction.{_outcome(examined)}" if accepted else "transaction.answer_refused"
    outcome = Outcome.DONE if accepted else Outcome.REFUSED
    details = {"verification": examined.answer.verification, "counter": str(examined.answer.counter)}
    return Event(kind, f"device:{examined.device.id}", f"transaction:{answer.transaction.id}", outcome, details)


def _outcome(examined: Examined) -> State:
    return State.CONFIRMED if examined.answer.decision is Decision.CONFIRM else State.DECLINED


def _is_repeated(transaction: Transaction, device: Device, came: Came) -> bool:
    return transaction.answer == came.answer and transaction.device_id == device.id
