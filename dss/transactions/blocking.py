"""The verbs over blocks: a person who did not ask for a request stops its application, and lets it ask again.

Operators are told of each such decline, by the log and by a letter where they have an address.
"""

from dataclasses import dataclass, replace

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed
from dss.devices.model import Device
from dss.devices.request import Kind
from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, UserId
from dss.notify import letters, model
from dss.notify.model import Reader
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions import asking_store
from dss.transactions.admitting import block_of
from dss.transactions.asking import Block, Pair
from dss.transactions.asking_store import BLOCKS
from dss.transactions.model import Transaction
from dss.transactions.parts import Parts
from dss.transactions.plans import Ends, Plan, Plans

NOT_ASKED_FOR = "the signer said of another request that it was not theirs"
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Disowned:
    """A decline with `not_me`, ready to be written.

    block:  None where no application asked, or it only passed a sign-in on, or the block stands already.
    letter: to the operators, where they have an address.
    """

    transaction: Transaction
    event: Event
    block: Draft[Block] | None
    letter: model.Sealed | None

    @property
    def pair(self) -> Pair | None:
        """The person and the relying application that is to ask no more.

        None where no application asked, and where one passed a sign-in on: it is not behind it.
        """
        client_id = self.transaction.client_id
        if client_id is None or self.transaction.kind is Kind.LOGIN:
            return None
        return Pair(self.transaction.user_id, client_id)

    @property
    def ends(self) -> Ends | None:
        """What else ends: all that the application has asked, or every other sign-in that waits."""
        if self.pair is not None:
            return Ends(NOT_ASKED_FOR, which=asking_store.unfinished(self.pair))
        if self.transaction.kind is Kind.LOGIN:
            return Ends(NOT_ASKED_FOR, which=asking_store.unfinished_logins(self.transaction.user_id))
        return None


class Blocking:
    """Stops relying applications from asking a person, and lets them ask again.

    operators: whom to write to, or None.
    """

    def __init__(self, parts: Parts, plans: Plans, approvals: Approvals, operators: Reader | None) -> None:
        self._parts = parts
        self._plans = plans
        self._approvals = approvals
        self._operators = operators

    async def draft(self, transaction: Transaction, phone: Device) -> Disowned:
        """Make ready what a phone's decline with `not_me` brings about. Raises Tampered, HsmUnavailable.

        Not to be called inside a database transaction.
        """
        actor, name = f"device:{phone.id}", self._parts.name
        details: dict[str, str] = {"signer": transaction.user_id}
        if transaction.client_id is not None:
            name = (await self._parts.clients.get(transaction.client_id)).name
            details["client"] = transaction.client_id
        event = Event("alarm.not_me", actor, f"transaction:{transaction.id}", details=details)
        disowned = Disowned(transaction, event, None, None)
        block = None if disowned.pair is None else await self._drafted(disowned.pair, name, actor)
        return replace(disowned, block=block, letter=await self._letter(disowned, name))

    async def hold(self, connection: AsyncConnection, disowned: Disowned) -> None:
        """Let nobody ask the person until the caller's commit, and lock what will end: before any other row."""
        await asking_store.take_turn(connection, disowned.transaction.user_id)
        if disowned.ends is not None and disowned.ends.which is not None:
            await asking_store.hold(connection, disowned.ends.which)

    async def write(self, connection: AsyncConnection, disowned: Disowned) -> list[str]:
        """Write it with the decline, end what the application has asked besides, and return the topics to wake.

        Raises Overtaken when the block was changed meanwhile.
        """
        p, event = self._parts, disowned.event
        log.warning("a signer declined a request as not theirs", subject=event.subject, **event.details)
        topics: list[str] = []
        if disowned.ends is not None:
            topics = await self._plans.end(connection, disowned.ends, event.actor, but=disowned.transaction.id)
        await p.audit.record(connection, event)
        if disowned.block is not None:
            # An event of its own: the block stays when the transaction and all events on it have grown old.
            placed = Event("block.set", event.actor, disowned.block.sealed.name)
            await p.seals.write(connection, disowned.block, placed)
        if disowned.letter is not None:
            await p.notify.enqueue(connection, disowned.letter)
        return topics

    async def standing(self, user_id: UserId) -> list[Block]:
        """Return the blocks of a person that stand, oldest first. Raises Tampered, HsmUnavailable."""
        async with self._parts.database.read() as connection:
            found = await asking_store.standing_of(connection, user_id)
        return [sealed.value for sealed in await self._parts.seals.prove_all(found)]

    async def get(self, pair: Pair) -> Sealed[Block]:
        """Return the block of a pair that stands. Raises NotFound, Tampered, HsmUnavailable."""
        block = await block_of(self._parts, pair)
        if block is None or not block.value.stands:
            raise NotFound("the signer has not stopped this application")
        return block

    async def lifting(self, pair: Pair, actor: str) -> Plan:
        """Plan to let an application ask a person again. Raises NotFound where it may."""
        block, p = await self.get(pair), self._parts
        draft = await p.seals.draft(block, block.value.lifted(actor, p.clock.now()))
        return Plan(changes=((draft, Event("block.lifted", actor, block.name)),))

    async def allow(self, user_id: UserId, client_id: ClientId, actor: str) -> Block | Proposal:
        """Let an application ask a person again, by an operator, or by two where that is the policy. Raises NotFound.

        The person is written to.
        """
        pair = Pair(user_id, client_id)
        block = await self.get(pair)
        if proposal := await self._approvals.second("block.lift", block.name, actor):
            return proposal
        user = await self._parts.users.get(user_id)
        letter = letters.application_allowed_letter(user.reader, block.value.name)

        async def make() -> Plan:
            return replace(await self.lifting(pair, actor), letters=(letter,))

        await self._plans.carry_out(make, actor)
        return block.value

    async def _drafted(self, pair: Pair, name: str, actor: str) -> Draft[Block] | None:
        p, known = self._parts, await block_of(self._parts, pair)
        now = p.clock.now()
        if known is None:
            new = Block(pair, name, now, actor)
            return await p.seals.draft_new(BLOCKS, asking_store.row_of(new))
        return None if known.value.stands else await p.seals.draft(known, known.value.anew(name, actor, now))

    async def _letter(self, disowned: Disowned, application: str) -> model.Sealed | None:
        if self._operators is None or disowned.transaction.kind is Kind.LOGIN:  # of a sign-in others tell them
            return None
        signer = (await self._parts.users.get(disowned.transaction.user_id)).login
        letter = letters.not_me_letter(self._operators, signer, application, stopped=disowned.pair is not None)
        return await self._parts.notify.seal(letter)
