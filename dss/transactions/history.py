"""The verbs by which signers look back: what of theirs has ended, and the evidence of it.

All of it is the owner's, whichever phone answered: a phone that takes another's place sees the same.
Source: docs/device-protocol.md section 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dss.devices.model import Device
from dss.evidence.record import Record
from dss.evidence.service import Standing
from dss.kernel import canonical
from dss.kernel.errors import NotFound
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode
from dss.transactions import leaves, store
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.outcome import Outcome
from dss.transactions.parts import Parts


@dataclass(frozen=True, slots=True)
class Past:
    """A transaction that has ended, as its owner is told of it.

    asked:   the request that phones were shown, as it was written.
    session: what became of the session that it was signed in; None outside of one.
    phone:   that answered, or that confirmed the session; None where none did.
    """

    outcome: Outcome
    asked: Mapping[str, Any]
    session: Outcome | None
    phone: Device | None
    evidence: Standing

    @property
    def transaction(self) -> Transaction:
        """The transaction."""
        return self.outcome.transaction

    @property
    def verification(self) -> str | None:
        """By what the owner confirmed it, or its session; None where they did not."""
        return (self.session or self.outcome).by

    @property
    def mode(self) -> Mode | None:
        """How the owner made sure that it, or its session, is theirs; None where they did not confirm by numbers."""
        mode = (self.session or self.outcome).transaction.mode
        return None if self.verification is None or mode is Mode.NONE else mode

    @property
    def ended(self) -> datetime:
        """When it ended: what nobody answered ended with its time, whenever that was written down."""
        unanswered = self.transaction.state is State.EXPIRED and self.transaction.answer is None
        return self.transaction.expires_at if unanswered else self.transaction.changed_at


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a history, newest first; after: the id behind which it goes on, None at its end."""

    entries: tuple[Past, ...]
    after: TransactionId | None


class History:
    """What has ended, as phones see it."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def page(self, phone: Device, after: TransactionId | None, limit: int) -> Page:
        """Return up to `limit` of what has ended of a phone's owner, newest first, older than `after`.

        Raises Tampered.
        """
        p = self._parts
        now = p.clock.now()
        async with p.database.read() as connection:
            found = await store.ended_of(connection, phone.user_id, after, now, limit + 1)
            within = {transaction.session_id for transaction in found if transaction.session_id}
            sessions = {session.id: Outcome.of(session) for session in await store.among(connection, within)}
        told = [transaction.as_of(now) for transaction in found[:limit]]
        standings = await p.evidence.standing([transaction.id for transaction in told])
        phones = {one.id: one for one in await p.devices.ever_of_user(phone.user_id)}
        entries = [
            Past(
                outcome=Outcome.of(transaction),
                asked=canonical.decode(transaction.request),
                session=sessions.get(transaction.session_id) if transaction.session_id else None,
                phone=phones.get(transaction.device_id) if transaction.device_id else None,
                evidence=standings[transaction.id],
            )
            for transaction in told
        ]
        return Page(tuple(entries), told[-1].id if len(found) > limit else None)

    async def evidence(
        self, phone: Device, id: TransactionId, kept_size: int | None, index: int | None = None
    ) -> Record | None:
        """Return the evidence of a transaction of a phone's owner; None while it is not sealed yet.

        kept_size: of the checkpoint that the owner kept, to which the log is to be proven consistent. index: of one
        document of a batch.
        Raises NotFound, also for another's and for a size that the log does not have, Conflict where there is none,
        Tampered.
        """
        p = self._parts
        async with p.database.read() as connection:
            transaction = (await store.get(connection, id)).as_of(p.clock.now())
        if transaction.user_id != phone.user_id:
            raise NotFound
        return await leaves.evidence_of(p, transaction, kept_size, index)
