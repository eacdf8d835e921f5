"""The door: an Activation is let in once, on what it proves by itself and on sealed rows; nothing else is asked.

Source: EN 419 241-1 (verification of signature activation data); docs/security.md.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.credentials import store
from dss.credentials.activation import Activation
from dss.credentials.model import Spending
from dss.credentials.parts import Parts
from dss.credentials.registers import ACTIVATIONS, row_of_spending
from dss.devices.answer import Answer
from dss.devices.boxes import Opened
from dss.devices.request import Asked, Kind
from dss.devices.service import Attested, Examined
from dss.kernel.errors import AnswerRefused, Conflict
from dss.kernel.ids import DeviceId

ENDS = frozenset(f"transaction.{end}" for end in ("signed", "declined", "expired", "cancelled", "failed"))


@dataclass(frozen=True, slots=True)
class Admission:
    """An Activation that the door let in: what was asked, who answered, and its sealed record."""

    asked: Asked
    attested: Attested
    spending: Sealed[Spending]

    @property
    def actor(self) -> str:
        """The phone as the log names it."""
        return f"device:{self.attested.device.id}"


class Door:
    """Lets Activations in, and holds them for one attempt at a time."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def record(self, examined: Examined, asked: Asked) -> Draft[Spending]:
        """Seal the record of an answer that is about to be accepted; nothing can be spent that has none.

        Its spending begins with its acceptance: should the HSM fail between the two, nothing is lost.
        """
        now = self._parts.clock.now()
        spending = replace(_record(examined.answer, examined.device.id, asked, now), reserved_at=now)
        return await self._parts.seals.draft_new(ACTIVATIONS, row_of_spending(spending))

    async def admit(self, activation: Activation, *kinds: Kind) -> Admission:
        """Verify an Activation from its own bytes, the phone's sealed row, and the sealed record of its acceptance.

        The record must tell of an acceptance in time, and the log of no end: what was cancelled, declined or has
        expired is not taken up again, whatever its row says. The request must be signed by the channel key: without
        that nobody else could be shown what was confirmed. Raises AnswerRefused, Conflict when it is spent, Locked,
        Tampered.
        """
        p = self._parts
        asked = activation.asked()
        if asked.kind not in kinds or asked.server != p.server:
            raise AnswerRefused
        attested = await p.devices.attest(activation.device, activation.came, asked)
        async with p.database.read() as connection:
            stored = await store.spending(connection, asked.transaction)
        if stored is None:
            raise AnswerRefused("the answer was never accepted")
        spending = await p.seals.prove(stored)
        accepted_at = spending.value.accepted_at
        spending.value.require_record_of(_record(attested.answer, attested.device.id, asked, accepted_at))
        if accepted_at >= asked.expires:
            raise AnswerRefused("the answer came too late")
        if spending.value.consumed_at is not None:
            raise Conflict("the confirmation was used: it is good once")
        if await p.seals.audit.tells(f"transaction:{asked.transaction}", ENDS):
            raise Conflict("the transaction has ended")
        await p.devices.require_shown(attested.device, activation.request_jws, asked)
        return Admission(asked, attested, spending)

    async def hold(self, admission: Admission, lease: int) -> Sealed[Spending]:
        """Take an admitted Activation, with a place for each of its digests, into the hands of one attempt.

        Raises Conflict when another attempt holds it, Expired a day after its acceptance.
        """
        p, asked = self._parts, admission.asked
        now = p.clock.now()
        held = await p.seals.draft(admission.spending, admission.spending.value.reserved(lease, now))
        event = Event(
            "activation.reserved", "server", f"transaction:{asked.transaction}", details={"lease": str(lease)}
        )
        async with p.database.write() as connection:
            await p.seals.write(connection, held, event)
            for index in range(len(asked.to_sign)):
                row = {"index": index, "credential_id": asked.credential_id, "reserved_at": now, "lease": lease}
                if not await store.reserve(connection, asked.transaction, row):
                    raise Conflict("the digest was signed, or another attempt holds it")
        return held.sealed

    async def spent(self, held: Sealed[Spending]) -> Draft[Spending]:
        """Seal the record of an Activation that is spent when this is written."""
        return await self._parts.seals.draft(held, held.value.consumed(self._parts.clock.now()))

    async def secrets(self, admission: Admission, activation: Activation) -> Opened:
        """Open the box of an admitted Activation. Raises AnswerRefused, HsmUnavailable."""
        return await self._parts.devices.secrets_of(admission.attested, activation.box, admission.asked)


def _record(answer: Answer, device: DeviceId, asked: Asked, accepted_at: datetime) -> Spending:
    return Spending(
        transaction=asked.transaction,
        kind=asked.kind,
        device=device,
        binding=asked.binding,
        answer_sha256=hashlib.sha256(answer.jws.text).digest(),
        counter=answer.counter,
        accepted_at=accepted_at,
        lease=0,
        reserved_at=None,
        consumed_at=None,
    )
