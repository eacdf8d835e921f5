"""The door: an Activation is let in once, on what it proves by itself and on sealed rows; nothing else is asked.

Source: EN 419 241-1 (verification of signature activation data); docs/security.md.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.credentials import store
from dss.credentials.activation import Activation
from dss.credentials.code_door import Coded, CodeDoor, Trace
from dss.credentials.model import Spending
from dss.credentials.parts import Parts
from dss.credentials.registers import ACTIVATIONS, SESSIONS, row_of_session, row_of_spending
from dss.credentials.session import Session, bounds_of, require_within
from dss.devices.answer import Answer
from dss.devices.boxes import Opened
from dss.devices.items import Item
from dss.devices.model import Device
from dss.devices.request import Asked, Kind
from dss.devices.service import Attested, Examined
from dss.kernel.errors import AnswerRefused, Conflict
from dss.kernel.ids import DeviceId

ENDS = frozenset(f"transaction.{end}" for end in ("signed", "declined", "expired", "cancelled", "failed"))


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What a phone confirmed, with its verified answer and the box that came with it."""

    asked: Asked
    attested: Attested
    box: str = field(repr=False)

    @property
    def phone(self) -> Device:
        """The phone, as its proven row has it."""
        return self.attested.device

    @property
    def trace(self) -> Trace:
        """By what the log knows the answer."""
        return trace_of(self.attested.answer)


@dataclass(frozen=True, slots=True)
class Admission:
    """An Activation that the door let in: what was asked, by what it is confirmed, and its sealed record.

    by:    the confirmation of this very request, or of the session that it is in; or the code that was typed.
    items: what is to be signed, without what the person declined.
    """

    asked: Asked
    by: Confirmation | Coded
    items: tuple[Item, ...]
    spending: Sealed[Spending]

    @property
    def phone(self) -> Device:
        """The phone that confirmed, as its proven row has it."""
        return self.by.phone

    @property
    def confirmed(self) -> Asked:
        """The request that the person answered: that of the session for what is signed in one."""
        return self.by.asked if isinstance(self.by, Confirmation) else self.asked

    @property
    def actor(self) -> str:
        """The phone as the log names it."""
        return f"device:{self.phone.id}"


class Door:
    """Lets Activations in, and holds them for one attempt at a time."""

    def __init__(self, parts: Parts, codes: CodeDoor) -> None:
        self._parts = parts
        self._codes = codes

    async def record(self, examined: Examined, asked: Asked) -> Draft[Spending]:
        """Seal the record of an answer that is about to be accepted; nothing can be spent that has none.

        Its spending begins with its acceptance: should the HSM fail between the two, nothing is lost.
        """
        return await self._draft(trace_of(examined.answer), examined.device, asked)

    async def record_code(self, by: Coded, asked: Asked) -> Draft[Spending]:
        """Seal the record of a code that is about to be accepted."""
        return await self._draft(by.trace, by.phone, asked)

    async def begin_session(self, asked: Asked) -> Draft[Session]:
        """Seal the row of a session whose confirmation is about to be accepted."""
        now, bounds = self._parts.clock.now(), bounds_of(asked)
        ends_at = now + timedelta(minutes=bounds.minutes)
        session = Session(asked.transaction, asked.credential_id, bounds.signatures, 0, now, ends_at)
        return await self._parts.seals.draft_new(SESSIONS, row_of_session(session))

    async def record_in_session(self, session: Activation, known: Session, asked: Asked) -> Draft[Spending]:
        """Seal the record of what is to be signed in a session; known: its row as it will be. Raises as `admit`."""
        by = await self._of_session(session)
        require_within(known, by.asked, asked)
        return await self._draft(by.trace, by.phone, asked)

    async def admit(self, activation: Activation, *kinds: Kind) -> Admission:
        """Verify an Activation from its own bytes, the phone's sealed row, and the sealed record of its acceptance.

        The record must tell of an acceptance in time, and the log of no end: what was cancelled, declined or has
        expired is not taken up again, whatever its row says. The request must be signed by the channel key: without
        that nobody else could be shown what was confirmed. Raises AnswerRefused, Conflict when it is spent, Locked,
        Expired, Tampered.
        """
        asked = activation.asked()
        in_session = asked.kind is Kind.SIGN and bool(asked.session)
        if asked.kind not in kinds or asked.server != self._parts.server:
            raise AnswerRefused
        if in_session is not (activation.session is not None):
            raise AnswerRefused
        by, items = await self._by(activation, asked)
        spending = await self._unspent(by, asked)
        await self._parts.devices.require_shown(by.phone, activation.request_jws, asked)
        return Admission(asked, by, items, spending)

    async def _by(self, activation: Activation, asked: Asked) -> tuple[Confirmation | Coded, tuple[Item, ...]]:
        """Return by what an Activation is confirmed, and what is to be signed of it."""
        if activation.session is not None:
            by = await self._of_session(activation.session)
            require_within(await self._known_session(by.asked), by.asked, asked)
            return by, asked.items
        if activation.code:
            return await self._codes.check(activation, asked), asked.items
        confirmed = await self._confirmed(activation, asked)
        return confirmed, confirmed.attested.answer.chosen(asked.items)

    async def _confirmed(self, activation: Activation, asked: Asked) -> Confirmation:
        salt = activation.number_salt
        attested = await self._parts.devices.attest(activation.device, activation.came, asked, salt)
        return Confirmation(asked, attested, activation.box)

    async def _unspent(self, by: Confirmation | Coded, asked: Asked) -> Sealed[Spending]:
        """Return the proven record of what was asked; an end that the log tells of is one."""
        p = self._parts
        async with p.database.read() as connection:
            stored = await store.spending(connection, asked.transaction)
        if stored is None:
            raise AnswerRefused("the answer was never accepted")
        spending = await p.seals.prove(stored)
        accepted_at = spending.value.accepted_at
        spending.value.require_record_of(_record(by.trace, by.phone.id, asked, accepted_at))
        if accepted_at >= asked.expires:
            raise AnswerRefused("the answer came too late")
        if spending.value.consumed_at is not None:
            raise Conflict("the confirmation was used: it is good once")
        if await p.seals.audit.tells(f"transaction:{asked.transaction}", ENDS):
            raise Conflict("the transaction has ended")
        return spending

    async def _of_session(self, session: Activation) -> Confirmation:
        """Return the confirmation of a session that goes on. Raises as `admit`."""
        p, of = self._parts, session.asked()
        if of.kind is not Kind.SESSION or of.server != p.server or bounds_of(of).exceeds(p.session_ceiling):
            raise AnswerRefused
        by = await self._confirmed(session, of)
        accepted_at = (await self._unspent(by, of)).value.accepted_at
        await p.devices.require_shown(by.phone, session.request_jws, of)
        if any(phone.enrolled_at > accepted_at for phone in await p.devices.ever_of_user(of.signer)):
            raise Conflict("a phone was enrolled since the session was confirmed: it has ended")
        return by

    async def _known_session(self, of: Asked) -> Session:
        async with self._parts.database.read() as connection:
            stored = await store.session(connection, of.transaction)
        if stored is None:
            raise AnswerRefused("the session never began")
        return (await self._parts.seals.prove(stored)).value

    async def _draft(self, trace: Trace, phone: Device, asked: Asked) -> Draft[Spending]:
        now = self._parts.clock.now()
        spending = replace(_record(trace, phone.id, asked, now), reserved_at=now)
        return await self._parts.seals.draft_new(ACTIVATIONS, row_of_spending(spending))

    async def hold(self, admission: Admission, lease: int, items: Sequence[Item] = ()) -> Sealed[Spending]:
        """Take an admitted Activation, with a place for each of some digests, into the hands of one attempt.

        Raises Conflict when another attempt holds it, Expired a day after its acceptance.
        """
        p = self._parts
        held = await p.seals.draft(admission.spending, admission.spending.value.reserved(lease, p.clock.now()))
        subject = f"transaction:{admission.asked.transaction}"
        event = Event("activation.reserved", "server", subject, details={"lease": str(lease)})
        async with p.database.write() as connection:
            await p.seals.write(connection, held, event)
            await self._reserve(connection, admission.asked, items, lease)
        return held.sealed

    async def reserve(self, asked: Asked, items: Sequence[Item], lease: int) -> None:
        """Give each of some digests its place in the hands of one attempt, before the HSM is called.

        Raises Conflict when one was signed, or is in a later attempt's hands.
        """
        async with self._parts.database.write() as connection:
            await self._reserve(connection, asked, items, lease)

    async def _reserve(self, connection: AsyncConnection, asked: Asked, items: Sequence[Item], lease: int) -> None:
        if not items:
            return
        fixed = {"credential_id": asked.credential_id, "reserved_at": self._parts.clock.now(), "lease": lease}
        rows = [fixed | {"transaction_id": asked.transaction, "index": item.index} for item in items]
        if await store.reserve(connection, rows) != len(rows):
            raise Conflict("the digest was signed, or another attempt holds it")

    async def spent(self, held: Sealed[Spending]) -> Draft[Spending]:
        """Seal the record of an Activation that is spent when this is written."""
        return await self._parts.seals.draft(held, held.value.consumed(self._parts.clock.now()))

    async def secrets(self, admission: Admission) -> Opened:
        """Open the box of an admitted Activation, or of its session; or what stands in for one, where a code was typed.

        Raises AnswerRefused, HsmUnavailable.
        """
        by = admission.by
        if isinstance(by, Coded):
            return by.opened
        return await self._parts.devices.secrets_of(by.attested, by.box, by.asked)


def trace_of(answer: Answer) -> Trace:
    """Return by what the log knows a phone's answer."""
    return Trace(hashlib.sha256(answer.jws.text).digest(), answer.counter)


def _record(trace: Trace, device: DeviceId, asked: Asked, accepted_at: datetime) -> Spending:
    return Spending(
        transaction=asked.transaction,
        kind=asked.kind,
        device=device,
        binding=asked.binding,
        answer_sha256=trace.sha256,
        counter=trace.counter,
        accepted_at=accepted_at,
        lease=0,
        reserved_at=None,
        consumed_at=None,
    )
