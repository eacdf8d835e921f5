"""Answering what was shown.

Source: docs/device-protocol.md section 5.
"""

from typing import Unpack

from mobile_mock import answering
from mobile_mock.answer import Answer, Choice, Refusal
from mobile_mock.choosing import chosen, require_fitting
from mobile_mock.errors import Difference, NothingToDo
from mobile_mock.misbehave import HONEST, Misbehaviour
from mobile_mock.owner import Owner
from mobile_mock.showing import Shown
from mobile_mock.vow import Intent, Typed, prove


class Decider(Owner):
    """The verbs that answer a request."""

    async def confirm(
        self,
        shown: Shown,
        pin: str | None = None,
        by: str = "pin",
        misbehave: Misbehaviour | None = None,
        **typed: Unpack[Typed],
    ) -> str:
        """Confirm what was shown, and return the transaction's state.

        by: `pin` (needs the PIN) or `biometric` (needs a phone enrolled with it).
        typed: what the request asks for beside the PIN, and the documents that are not to be signed.
        An answer whose reply was lost is sent again, byte for byte, if the owner decides the same; only if that is
        refused, one is made anew.
        """
        intent = Intent(pin, by, misbehave or HONEST, typed)
        if intent.wrong.replays:
            return await self.replay(shown.id, intent.wrong.replay_of)
        choice = chosen(shown.request, intent)
        await self._in_time(shown, intent.wrong)
        async with self._store.exclusive():
            if intent.wrong == HONEST and (state := await self._delivery.again(shown.id, choice.says())):
                return state
            return await self._delivery.deliver(await self._confirmation(shown, intent, choice))

    async def decline(self, shown: Shown, reason: str = "", cause: str | None = None) -> str:
        """Decline what was shown, and return the transaction's state.

        cause: `not_me`, `wrong_data`, or `code_differs` where the request has a code.
        """
        refusal = Refusal(reason, cause)
        require_fitting(refusal, shown.request)
        await self._in_time(shown, HONEST)
        async with self._store.exclusive():
            if state := await self._delivery.again(shown.id, refusal.says()):
                return state
            kept, answer = answering.decline(self._store.load(), shown.request, refusal, self._now())
            self._store.save(kept)
            return await self._delivery.deliver(answer)

    async def prepare(
        self,
        shown: Shown,
        pin: str | None = None,
        by: str = "pin",
        misbehave: Misbehaviour | None = None,
        **typed: Unpack[Typed],
    ) -> Answer:
        """Make and keep a confirmation without sending it: the first half of `confirm`, for testers of races."""
        intent = Intent(pin, by, misbehave or HONEST, typed)
        async with self._store.exclusive():
            return await self._confirmation(shown, intent, chosen(shown.request, intent))

    async def send(self, answer: Answer, transaction: str | None = None) -> str:
        """Send an answer as it is, to its own transaction or another, and return the state that the server tells."""
        return await self._delivery.send(answer, transaction)

    async def replay(self, id: str, of: str | None = None) -> str:
        """Send the kept answer to a transaction again, or to another that of `of`, and return the state."""
        sent = self._store.load().newest_answer(of or id)
        if sent is None:
            raise NothingToDo(f"no answer to {of or id} is kept")
        return await self.send(sent.answer, id)

    async def _in_time(self, shown: Shown, wrong: Misbehaviour) -> None:
        left = (shown.request.expires - self._now()).total_seconds()
        if wrong.late is not None:
            await self._sleep(max(left, 0) + wrong.late)
        elif left <= 0:
            raise Difference("the request has expired")

    async def _confirmation(self, shown: Shown, intent: Intent, choice: Choice) -> Answer:
        await self._delivery.settle(shown.request)
        vow = await prove(self._store.load(), shown.request, intent, choice)
        held = [one.id for one in await self.credentials() if one.held] if shown.request.share else []
        kept, answer = answering.confirm(self._store.load(), shown.request, vow, self._now(), held)
        self._store.save(kept)
        return answer
