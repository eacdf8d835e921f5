"""The verbs of signing in by phone: ask a person whether a sign-in is theirs, and tell whether they confirmed it.

The request names the one sign-in that it completes: no other confirmation, older or of another browser, will do.
Source: docs/authorization.md section 7, docs/device-protocol.md section 4.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from dss.credentials.activation import Activation
from dss.devices import request
from dss.devices.request import Asked, Kind
from dss.kernel.errors import BadRequest, Conflict, DssError, NotFound
from dss.kernel.ids import ClientId, LoginId, TransactionId, UserId
from dss.kernel.text import require_plain
from dss.transactions import asking_store, store
from dss.transactions.asking import GIVEN_UP
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.machine import State
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts, topic
from dss.transactions.performing import Changed
from dss.transactions.plans import Ends, Plan, Plans
from dss.transactions.policies import effective
from dss.transactions.spent import spent
from dss.transactions.tables import transactions

CONFIRM_WITHIN = timedelta(minutes=2)
LONGEST_SHOWN = 64  # characters of an address, and of what a browser says it is
ON_ITS_WAY = frozenset({State.AWAITING, State.CONFIRMED, State.SIGNING})


@dataclass(frozen=True, slots=True)
class OpenLogin:
    """A sign-in that waits for its person's phone.

    client_id: the application that wants them signed in; None where the server itself does.
    sign_in:   what is completed by it. address, agent: from where, and by what browser, as the person is shown.
    """

    user_id: UserId
    client_id: ClientId | None
    sign_in: LoginId
    address: str
    agent: str


class Logins:
    """Sign-ins that are confirmed on phones."""

    def __init__(self, parts: Parts, drafting: Drafting, plans: Plans) -> None:
        self._parts = parts
        self._drafting = drafting
        self._plans = plans

    async def can_confirm(self, user_id: UserId) -> bool:
        """Tell whether a person has a phone that can answer now."""
        now = self._parts.clock.now()
        return any(phone.may_answer(now) for phone in await self._parts.devices.of_user(user_id))

    async def open(self, wish: OpenLogin) -> Transaction:
        """Ask a person whether a sign-in is theirs; what waits for the same sign-in is given up.

        Raises Conflict without a phone that can answer now, TooMany, and Forbidden where the person stopped who asks.
        """
        p = self._parts
        if not await self.can_confirm(wish.user_id):
            raise Conflict("the signer has no phone that can answer now")
        await self.give_up(wish.user_id, wish.sign_in)
        policy = await effective(p, wish.client_id)
        shown = {"address": _shown(wish.address), "agent": _shown(wish.agent)}
        draft = Draft(
            kind=Kind.LOGIN,
            user=await p.users.get(wish.user_id),
            credential=None,
            confirm_within=CONFIRM_WITHIN,
            client_id=wish.client_id,
            operator="server",
            more={"login": {"id": wish.sign_in, **shown}},
            mode=policy.mode_of(Kind.LOGIN.value),
        )
        return await self._drafting.open(draft)

    async def standing(self, id: TransactionId, user_id: UserId, wait_s: float = 0) -> Transaction:
        """Return what was asked of a person; with a wait, once it is no longer on its way or the wait is over.

        Raises NotFound, also for another's.
        """
        found: Transaction

        async def look() -> Transaction | None:
            nonlocal found
            found = await self._of(id, user_id)
            return None if found.state in ON_ITS_WAY else found

        await self._parts.bus.until(topic(id), look, wait_s)
        return found

    async def proven(self, id: TransactionId, user_id: UserId, sign_in: LoginId) -> bool:
        """Tell whether a person confirmed a sign-in: by the sealed record of their answer, not by the row's state.

        Raises Tampered, HsmUnavailable.
        """
        asked = await spent(self._parts, id)
        named = asked and (asked.kind, asked.signer, asked.login.get("id"))
        return named == (Kind.LOGIN, user_id, sign_in)

    async def give_up(self, user_id: UserId, sign_in: LoginId) -> None:
        """End what waits for a sign-in that has ended or begins anew; nothing is no fault."""
        p, mine = self._parts, asking_store.logins_of(user_id)
        async with p.database.read() as connection:
            waiting = await store.live(connection, mine)
        ids = [one.id for one in waiting if (asked := _read(one.request)) and asked.login.get("id") == sign_in]
        if not ids:
            return
        ends = Ends(GIVEN_UP, which=mine & transactions.c.id.in_(ids))
        await self._plans.commit(Plan((), ends), f"user:{user_id}")

    async def perform(self, _: Transaction, activation: Activation) -> Changed:
        """Verify a confirmed sign-in at the door, and spend it: nothing else comes of it. Raises as `Door.admit`."""
        door = self._parts.door
        admission = await door.admit(activation, Kind.LOGIN)
        hold = await door.hold(admission, activation.lease)
        await door.secrets(admission)
        return Changed(Plan(()), await door.spent(hold), admission.phone)

    async def _of(self, id: TransactionId, user_id: UserId) -> Transaction:
        async with self._parts.database.read() as connection:
            found = await store.get(connection, id)
        if found.kind is not Kind.LOGIN or found.user_id != user_id:
            raise NotFound
        return found.as_of(self._parts.clock.now())


def _shown(text: str) -> str:
    """Return a text as the phone is given it: nothing, where no phone would show it."""
    with suppress(DssError):
        require_plain(text, LONGEST_SHOWN, "what is shown")
        return text
    return ""


def _read(payload: bytes) -> Asked | None:
    with suppress(BadRequest):
        return request.read(payload)
    return None
