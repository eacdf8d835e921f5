"""The verb answer: take what a phone signed, once."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft
from dss.credentials.model import Spending
from dss.credentials.session import Session, bounds_of
from dss.devices import request
from dss.devices.answer import Came, Cause, Decision
from dss.devices.counting import Verdict
from dss.devices.model import Device, LockReason, Standing
from dss.devices.request import Asked, Kind
from dss.devices.service import Examined, Weighed
from dss.evidence.service import Kept
from dss.kernel.errors import AnswerRefused, Locked, NotFound, Overtaken, Unavailable
from dss.kernel.ids import TransactionId, UserId
from dss.notify import letters
from dss.notify.model import Sealed
from dss.transactions import linking_store, proving, store
from dss.transactions.asking import WRONG_NUMBER
from dss.transactions.blocking import Blocking, Disowned
from dss.transactions.machine import State, Work, as_of, require_answerable
from dss.transactions.model import Transaction
from dss.transactions.parts import WORK, Parts, inbox, topic
from dss.transactions.proving import Answered

MOST_AT_ONCE = 100
Distrust = Callable[[UserId, str], Awaitable[None]]


class Answering:
    """Takes answers from phones.

    distrust: ends whatever a person's first factor opened, and what it may open; and tells them and the operators.
    """

    def __init__(self, parts: Parts, blocking: Blocking, distrust: Distrust | None = None) -> None:
        self._parts = parts
        self._blocking = blocking
        self._distrust = distrust

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
        examined = await p.credentials.examine(
            await p.devices.examine(device, came, asked, transaction.number_salt), asked
        )
        return await self._take_once(_Answer(transaction, asked, examined, came))

    async def _take_once(self, answer: "_Answer") -> State:
        """Take an answer upon the phone's row as it is: each other answer of the phone that came first is seen."""
        await self._heed(answer)
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
            if record.disowned is not None:
                await self._blocking.hold(connection, record.disowned)
            current = await store.get(connection, transaction.id, locked=True)
            if _is_repeated(current, examined.device, answer.came):
                return current.state
            require_answerable(current.state, current.expires_at, p.clock.now())
            await p.devices.count(connection, weighed)
            if tried is not None:
                await p.seals.write(connection, *tried)
            for letter in post:
                await p.notify.enqueue(connection, letter)
            ended = await self._write(connection, answer, weighed.verdict, record)
        if weighed.verdict is Verdict.LOCKED:
            raise Locked("the phone is locked", audited=True)
        if weighed.verdict is Verdict.REFUSED:
            raise AnswerRefused(audited=True)
        await p.bus.wake(topic(transaction.id), inbox(transaction.user_id), WORK, *ended)
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

    async def _record(self, answer: "_Answer", weighed: Weighed) -> "_Record":
        """Return what is kept of an accepted answer: the record of a confirmation, or the evidence of a decline.

        Raises Tampered, with an alarm, where the signed request is not the one that was declined.
        """
        p, examined, transaction = self._parts, answer.examined, answer.transaction
        outcome = _outcome(examined)
        if weighed.verdict is not Verdict.ACCEPTED or outcome is State.CANCELLED:
            return NOTHING
        if outcome is State.CONFIRMED:
            session = await p.door.begin_session(answer.asked) if answer.asked.kind is Kind.SESSION else None
            return _Record(await p.door.record(examined, answer.asked), session)
        await p.devices.require_shown(examined.device, transaction.request_jws, answer.asked)
        declined, channel_key = Answered.declined(answer.came.answer), await p.evidence.channel_key()
        kept = proving.kept_of(transaction, declined, examined.device, channel_key)
        not_me = examined.answer.cause is Cause.NOT_ME
        disowned = await self._blocking.draft(transaction, examined.device) if not_me else None
        return _Record(kept=kept if transaction.leaves_evidence else None, disowned=disowned)

    async def _heed(self, answer: "_Answer") -> None:
        """Let a person's first factor open nothing more, where they say that a sign-in by it is not theirs.

        Before the answer is written: one that is written is not looked at again, should this come to nothing.
        """
        examined, not_me = answer.examined, answer.examined.answer.cause is Cause.NOT_ME
        if answer.asked.kind is Kind.LOGIN and not_me and examined.fits and self._distrust is not None:
            await self._distrust(answer.asked.signer, f"device:{examined.device.id}")

    async def _write(
        self, connection: AsyncConnection, answer: "_Answer", verdict: Verdict, record: "_Record"
    ) -> list[str]:
        """Write what an answer came to: its event, with the seal of its record, or with what proves a decline.

        Return the topics of what ended by it besides.
        """
        p, event = self._parts, _event(answer, verdict)
        if verdict is Verdict.ACCEPTED:
            await self._move(connection, answer)
        if record.session is not None:
            began = Event("session.began", event.actor, record.session.sealed.name)
            await p.seals.write(connection, record.session, began)
        if record.spending is not None:
            await p.seals.write(connection, record.spending, event)
            return []
        if record.kept is not None:
            await p.evidence.keep(connection, record.kept, p.clock.now())
            event = replace(event, details={**event.details, **record.kept.details})
        await p.audit.record(connection, event)
        return [] if record.disowned is None else await self._blocking.write(connection, record.disowned)

    async def _move(self, connection: AsyncConnection, answer: "_Answer") -> None:
        now, examined, came = self._parts.clock.now(), answer.examined, answer.came
        said, outcome = examined.answer, _outcome(examined)
        values = {"answer": came.answer, "device_id": examined.device.id, "changed_at": now}
        if outcome is State.CONFIRMED:
            lasts, work = self._taken_up(answer.asked)
            values |= {"box": came.box, "share": came.share, "work": work, "sad_expires_at": now + lasts}
        else:
            why = WRONG_NUMBER if outcome is State.CANCELLED else said.reason
            values |= {"why": why, "cause": said.cause.value if said.cause else ""}
        await store.answered(connection, answer.transaction, outcome, values)
        if outcome is State.CONFIRMED:
            await linking_store.remember_browser(connection, answer.transaction, now)

    def _taken_up(self, asked: Asked) -> tuple[timedelta, Work | None]:
        """Return how long a confirmation waits, and for which work: a session waits for what is signed in it."""
        if asked.kind is Kind.SESSION:
            return timedelta(minutes=bounds_of(asked).minutes), None
        return self._parts.credentials.sad_lifetime, Work.KEY


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept of an answer: of a confirmation, of a session that it begins, or the evidence of a decline.

    disowned: what a decline with `not_me` brings about besides.
    """

    spending: Draft[Spending] | None = None
    session: Draft[Session] | None = None
    kept: Kept | None = None
    disowned: Disowned | None = None


NOTHING = _Record()


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
    said = examined.answer
    details = {"verification": said.verification, "counter": str(said.counter)}
    if said.number:
        details |= {"mode": answer.asked.verification.mode.value}
    if said.cause is not None:
        details |= {"cause": said.cause.value}
    if not examined.number_right:
        outcome, details = Outcome.REFUSED, details | {"why": WRONG_NUMBER}
    return Event(kind, f"device:{examined.device.id}", f"transaction:{answer.transaction.id}", outcome, details)


def _outcome(examined: Examined) -> State:
    """Return what an answer makes of its transaction; a wrong number ends it, whoever chose it."""
    if examined.confirms:
        return State.CONFIRMED
    return State.DECLINED if examined.answer.decision is Decision.DECLINE else State.CANCELLED


def _is_repeated(transaction: Transaction, device: Device, came: Came) -> bool:
    return transaction.answer == came.answer and transaction.device_id == device.id
