"""Delivering answers, and learning what became of them: which share and which PIN hold now.

Source: docs/device-protocol.md section 5.
"""

from collections.abc import Mapping
from typing import Any

from mobile_mock.answer import Answer
from mobile_mock.errors import NothingToDo, Refused
from mobile_mock.link import Link, transaction_path
from mobile_mock.matter import PIN
from mobile_mock.request import Request

ON_THE_WAY = {"awaiting", "confirmed", "signing"}
SIGNED = "signed"
FORBIDDEN, SERVER_ERROR = 403, 500


class Delivery:
    """The answers of one phone; its caller holds the store alone, except for `send`."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._store = link.store

    async def send(self, answer: Answer, transaction: str | None = None) -> str:
        """Send an answer as it is, to its own transaction or another, and return the state that the server tells."""
        return await self._link.told_state(
            f"{transaction_path(transaction or answer.transaction)}/answer", answer.body()
        )

    async def deliver(self, answer: Answer) -> str:
        """Send an answer, keep what became of it, and return the transaction's state."""
        try:
            state = await self.send(answer)
        except Refused as fault:
            if fault.status < SERVER_ERROR:
                self._note_refusal(answer)
            raise
        self._store.save(self._store.load().with_reply(answer, taken=True))
        self.note_end(answer.transaction, state)
        return state

    async def again(self, transaction: str, says: Mapping[str, Any]) -> str | None:
        """Send an answer again whose reply was lost, if it says the same, and return the state.

        says: the members of the answer that the owner decides on. None if there is no such answer, or the server
        refuses it, as it may have done before.
        """
        lost = self._unanswered(transaction, says)
        if lost is None:
            return None
        try:
            return await self.deliver(lost)
        except Refused as refusal:
            if refusal.status != FORBIDDEN:
                raise
            return None

    async def settle(self, request: Request) -> None:
        """Learn which PIN and shares hold, for an answer to this request. Raises NothingToDo while that is open."""
        shared = request.share.credentials if request.share else ()
        # A change of the PIN ends the offline secrets of all keys.
        offline = self._store.load().offline if request.action == PIN else ()
        credentials = [*(one.id for one in (request.credential, *shared) if one), *offline]
        for transaction in sorted(self._store.load().unsettled(credentials) - {request.transaction}):
            state, _ = await self._link.fetch(transaction)
            if state in ON_THE_WAY:
                raise NothingToDo(
                    f"transaction {transaction} changes this key's share or the PIN and has not ended yet"
                )
            self.note_end(transaction, state)

    def note_end(self, transaction: str, state: str) -> None:
        """Keep what holds once a transaction has ended."""
        kept = self._store.load()
        if state not in ON_THE_WAY and transaction in kept.unsettled(kept.shares):
            self._store.save(kept.with_end(transaction, signed=state == SIGNED))

    def _note_refusal(self, answer: Answer) -> None:
        kept = self._store.load().with_reply(answer, taken=False)
        # Where an earlier answer to it may have been taken, what it offered may hold.
        open_yet = kept.may_be_taken(answer.transaction)
        self._store.save(kept if open_yet else kept.with_end(answer.transaction, signed=False))

    def _unanswered(self, transaction: str, says: Mapping[str, Any]) -> Answer | None:
        """Return an answer whose reply was lost, unless another has overtaken it: its counter would go back."""
        kept = self._store.load()
        sent = kept.newest_answer(transaction)
        if sent is None or sent != kept.answers[-1] or sent.taken is not None:
            return None
        return sent.answer if sent.answer.says() == says else None
