"""The verb answer: take what a phone signed, once."""

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.devices import request
from dss.devices.answer import Decision
from dss.devices.model import Device
from dss.devices.service import Examined, Verdict
from dss.kernel.errors import AnswerRefused, Locked, NotFound
from dss.kernel.ids import TransactionId
from dss.transactions import store
from dss.transactions.machine import State, Work, as_of, require_answerable
from dss.transactions.model import Transaction
from dss.transactions.parts import WORK, Parts, topic


class Answering:
    """Takes answers from phones."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, device: Device, id: TransactionId, answer_jws: str, box: str | None) -> State:
        """Take a phone's answer and return the transaction's state.

        An answer equal to the stored one changes nothing. An answer to an ended transaction is refused without a look
        at its counter. Raises NotFound, AnswerRefused, Conflict, Expired, Locked, HsmUnavailable.
        """
        p = self._parts
        async with p.database.read() as connection:
            transaction = await store.get(connection, id)
        if transaction.user_id != device.user_id:
            raise NotFound
        if _is_repeated(transaction, device, answer_jws):
            return transaction.state
        require_answerable(transaction.state, transaction.expires_at, p.clock.now())
        if device.is_locked(p.clock.now()):
            raise Locked("the phone is locked")
        examined = await self._examine(device, transaction, answer_jws, box)
        return await self._take(transaction, examined, answer_jws, box)

    async def _examine(self, device: Device, transaction: Transaction, answer_jws: str, box: str | None) -> Examined:
        asked = request.read(transaction.request)
        return await self._parts.devices.examine(device, answer_jws, box, asked)

    async def _take(self, transaction: Transaction, examined: Examined, answer_jws: str, box: str | None) -> State:
        p = self._parts
        async with p.database.write() as connection:
            current = await store.get(connection, transaction.id, locked=True)
            if _is_repeated(current, examined.device, answer_jws):
                return current.state
            require_answerable(current.state, current.expires_at, p.clock.now())
            verdict = await p.devices.count(connection, examined)
            await self._record(connection, transaction, examined, verdict)
            if verdict is Verdict.ACCEPTED:
                await self._move(connection, transaction, examined, answer_jws, box)
        if verdict is Verdict.LOCKED:
            raise Locked("the phone is locked", audited=True)
        if verdict is Verdict.REFUSED:
            raise AnswerRefused(audited=True)
        await p.bus.wake(topic(transaction.id), WORK)
        return as_of(_outcome(examined), transaction.expires_at, p.clock.now())

    async def _move(
        self,
        connection: AsyncConnection,
        transaction: Transaction,
        examined: Examined,
        answer_jws: str,
        box: str | None,
    ) -> None:
        now = self._parts.clock.now()
        values = {"answer": answer_jws, "device_id": examined.device.id, "changed_at": now}
        if _outcome(examined) is State.CONFIRMED:
            values |= {"box": box, "work": Work.KEY, "sad_expires_at": now + self._parts.credentials.sad_lifetime}
        else:
            values |= {"why": examined.answer.reason}
        await store.answered(connection, transaction, _outcome(examined), values)

    async def _record(
        self, connection: AsyncConnection, transaction: Transaction, examined: Examined, verdict: Verdict
    ) -> None:
        accepted = verdict is Verdict.ACCEPTED
        kind = f"transaction.{_outcome(examined)}" if accepted else "transaction.answer_refused"
        outcome = Outcome.DONE if accepted else Outcome.REFUSED
        details = {"verification": examined.answer.verification, "counter": str(examined.answer.counter)}
        actor, subject = f"device:{examined.device.id}", f"transaction:{transaction.id}"
        await self._parts.audit.record(connection, Event(kind, actor, subject, outcome, details))


def _outcome(examined: Examined) -> State:
    return State.CONFIRMED if examined.answer.decision is Decision.CONFIRM else State.DECLINED


def _is_repeated(transaction: Transaction, device: Device, answer_jws: str) -> bool:
    return transaction.answer == answer_jws and transaction.device_id == device.id
