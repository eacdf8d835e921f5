"""The verb answer, by a code that a person types where they are asked: their phone has no connection.

Source: docs/device-protocol.md section 12.
"""

import hmac
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft
from dss.credentials.code_door import Coded, Typed
from dss.credentials.model import Credential, Spending
from dss.credentials.offline import OfflineKey
from dss.devices import offline, request
from dss.devices.answer import Decision
from dss.devices.items import LISTED
from dss.devices.request import Asked
from dss.evidence.service import Kept
from dss.kernel.errors import AnswerRefused, Conflict, Overtaken, Unavailable
from dss.kernel.ids import ClientId, DeviceId, TransactionId
from dss.kernel.policy import require_offline
from dss.notify import letters
from dss.notify.model import Sealed as SealedLetter
from dss.transactions import offline_store, proving, store
from dss.transactions.asked import of_client
from dss.transactions.asking import WRONG_CODES, WRONG_NUMBER
from dss.transactions.machine import State, Work, require_answerable
from dss.transactions.model import Reach, Transaction
from dss.transactions.offline_store import TRIES
from dss.transactions.parts import WORK, Parts, inbox, topic
from dss.transactions.policies import effective
from dss.transactions.proving import Answered

AT_ONCE = 16


class OfflineAnswers:
    """Shows requests to phones without a connection, and takes their codes."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def qr_text(self, client_id: ClientId, id: TransactionId) -> str:
        """Return the text of the QR that such a phone scans. Raises NotFound, Conflict where no code can answer."""
        transaction, _ = await self._answerable(client_id, id)
        text = offline.qr_text(transaction.request_jws)
        if text is None:
            raise Conflict(f"the request is longer than a QR of {offline.LONGEST} characters")
        return text

    async def answer(self, client_id: ClientId, id: TransactionId, code: str) -> State:
        """Take a code, and return the transaction's state.

        Three wrong ones cancel the transaction, and so does a wrong number; the code that answered it changes nothing
        more. Raises NotFound, AnswerRefused, Conflict, Expired, Tampered, HsmUnavailable.
        """
        known = await of_client(self._parts, client_id, id)
        if _is_repeated(known, code):
            return known.state
        for _ in range(AT_ONCE):
            try:
                return await self._take(client_id, id, code)
            except Overtaken:
                continue
            except Conflict:
                # The same code may have answered it between the look above and the one that was refused.
                known = await of_client(self._parts, client_id, id)
                if not _is_repeated(known, code):
                    raise
                return known.state
        raise Unavailable("too much changes at once", retry_after=1)

    async def _answerable(self, client_id: ClientId, id: TransactionId) -> tuple[Transaction, Asked]:
        p = self._parts
        transaction = await of_client(p, client_id, id)
        require_answerable(transaction.state, transaction.expires_at, p.clock.now())
        asked = request.read(transaction.request)
        require_answerable(transaction.state, asked.expires, p.clock.now())
        if transaction.reach is Reach.LINK:
            raise Conflict("the signer opens this request by the link of the page first: a code cannot take its place")
        if asked.batch is not None:
            raise Conflict(f"a batch of more than {LISTED} is confirmed on a phone with a connection only")
        if not offline.takes_code(asked):
            raise Conflict("a code answers requests to sign that need no more than the PIN, and no others")
        credential = await p.credentials.get(asked.credential_id)
        require_offline(await effective(p, client_id, credential.policy))
        key = await p.codes.key_of(asked.credential_id)
        if key is None or not _opens(credential, key.value.device_id):
            raise Conflict("no code can answer this request: the signer has set none up for the key as it is")
        return transaction, asked

    async def _take(self, client_id: ClientId, id: TransactionId, code: str) -> State:
        """Weigh a code, and write what it comes to in one piece: an outage before that costs no try.

        The set-up stays as it was weighed until the commit, and the phone free: an end of either goes before or after.
        """
        p = self._parts
        transaction, asked = await self._answerable(client_id, id)
        coded = await p.codes.examine(Typed(code, transaction.number, transaction.number_salt), asked)
        taken = _Taken(transaction, asked, code, coded)
        record, count = await self._record(taken), await self._count(taken)
        async with p.database.write() as connection:
            current = await store.get(connection, id, locked=True)
            if _is_repeated(current, code):
                return current.state
            require_answerable(current.state, current.expires_at, p.clock.now())
            number = await offline_store.take_try(connection, id, p.clock.now())
            await p.devices.require_still_free(connection, coded.phone)
            state = await self._write(connection, taken, record, number)
            await self._write_count(connection, coded, count)
        await p.bus.wake(topic(id), inbox(transaction.user_id), WORK)
        if taken.is_wrong:
            raise AnswerRefused(f"the code is wrong; {TRIES - number} of {TRIES} tries are left", audited=True)
        return state

    async def _record(self, taken: "_Taken") -> "_Record":
        """Return what is kept of a right code: the record of a confirmation, or the evidence of a decline."""
        p, coded, transaction = self._parts, taken.coded, taken.transaction
        if coded.decision is Decision.CONFIRM:
            return _Record(spending=await p.door.record_code(coded, taken.asked))
        if coded.decision is Decision.DECLINE:
            await p.devices.require_shown(coded.phone, transaction.request_jws, taken.asked)
            answered = Answered.by_code(taken.code, Decision.DECLINE, coded.phone.id)
            channel_key = await p.evidence.channel_key()
            return _Record(kept=proving.kept_of(transaction, answered, coded.phone, channel_key))
        return _Record()

    async def _count(self, taken: "_Taken") -> "_Count":
        """Return what a code makes of the count of wrong ones, with the letter to the owner where it ends the codes."""
        p, key = self._parts, taken.coded.key
        after = key.value.tried(right=not taken.is_wrong, now=p.clock.now())
        if after == key.value:
            return _Count()
        draft = await p.seals.draft(key, after)
        if after.ended_at is None:
            return _Count(draft)
        user = await p.users.get(taken.transaction.user_id)
        letter = letters.key_changed_letter(user.reader, after.credential_id, "offline_ended")
        return _Count(draft, await p.notify.seal(letter))

    async def _write(self, connection: AsyncConnection, taken: "_Taken", record: "_Record", number: int) -> State:
        """Write what a code comes to, with its event; number: which of the tries it was. Return the state."""
        p, transaction, state = self._parts, taken.transaction, taken.outcome(number)
        if taken.is_wrong:
            tries = {"try": str(number), "of": str(TRIES)}
            actor, kind = f"client:{transaction.client_id}", "transaction.code_refused"
            await p.audit.record(connection, Event(kind, actor, taken.subject, Outcome.REFUSED, tries))
        if state is State.AWAITING:
            return state
        await store.answered(connection, transaction, state, self._values(taken, state))
        if record.spending is not None:
            await p.seals.write(connection, record.spending, taken.event(state))
            return state
        proof = {} if record.kept is None else record.kept.details
        if record.kept is not None:
            await p.evidence.keep(connection, record.kept, p.clock.now())
        await p.audit.record(connection, taken.event(state, **proof))
        return state

    def _values(self, taken: "_Taken", state: State) -> dict[str, Any]:
        p, now = self._parts, self._parts.clock.now()
        if state is State.CANCELLED:
            return {"changed_at": now, "why": taken.why}
        values = {"code": taken.code, "device_id": taken.coded.phone.id, "changed_at": now}
        if state is State.CONFIRMED:
            values |= {"work": Work.KEY, "sad_expires_at": now + p.credentials.sad_lifetime}
        return values

    async def _write_count(self, connection: AsyncConnection, coded: Coded, count: "_Count") -> None:
        p = self._parts
        if count.draft is None:
            await p.seals.require_unchanged(connection, coded.key)
            return
        verb = "counted" if count.letter is None else "ended"
        await p.seals.write(connection, count.draft, Event(f"offline.{verb}", "server", coded.key.name))
        if count.letter is not None:
            await p.notify.enqueue(connection, count.letter)


@dataclass(frozen=True, slots=True)
class _Record:
    """What is kept of a right code: of a confirmation, or the evidence of a decline."""

    spending: Draft[Spending] | None = None
    kept: Kept | None = None


@dataclass(frozen=True, slots=True)
class _Count:
    """The new count of wrong codes, None where it stays; the letter where codes end by it."""

    draft: Draft[OfflineKey] | None = None
    letter: SealedLetter | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """A code that was weighed, and what it is to answer."""

    transaction: Transaction
    asked: Asked
    code: str
    coded: Coded

    @property
    def is_wrong(self) -> bool:
        """True where neither the code nor any that the phone could have shown for the request is this one."""
        return self.coded.decision is None and not self.coded.wrong_number

    @property
    def why(self) -> str:
        """Why it cancels the transaction."""
        return WRONG_NUMBER if self.coded.wrong_number else WRONG_CODES

    @property
    def subject(self) -> str:
        """The transaction as the log names it."""
        return f"transaction:{self.transaction.id}"

    def outcome(self, number: int) -> State:
        """Return the state that it leads to; number: which of the tries it was."""
        if self.coded.decision is not None:
            return State.CONFIRMED if self.coded.decision is Decision.CONFIRM else State.DECLINED
        return State.CANCELLED if self.coded.wrong_number or number >= TRIES else State.AWAITING

    def event(self, state: State, **proof: str) -> Event:
        """Return the event of the step that it makes."""
        mode = {"mode": self.asked.verification.mode.value} if self.transaction.number else {}
        by = {"verification": "code", **mode}
        kind, phone = f"transaction.{state}", f"device:{self.coded.phone.id}"
        if state is State.CANCELLED:
            actor = phone if self.coded.wrong_number else "server"
            return Event(kind, actor, self.subject, Outcome.REFUSED, {**by, "why": self.why})
        return Event(kind, phone, self.subject, details={**by, **proof})


def _is_repeated(transaction: Transaction, code: str) -> bool:
    return bool(transaction.code) and hmac.compare_digest(transaction.code.encode(), code.encode())


def _opens(credential: Credential, phone: DeviceId) -> bool:
    return credential.password is None and phone in credential.holders
