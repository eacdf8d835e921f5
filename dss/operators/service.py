"""Two operators by policy: what undoes a protection is done once a second operator asks for it too."""

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed, Seals
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import Ids, ProposalId
from dss.operators import store
from dss.operators.model import Proposal
from dss.operators.store import PROPOSALS


class Approvals:
    """Keeps what one operator proposed until another agrees.

    There is one sealed row for each action on each subject, made anew by the next proposal: its change by
    compare-and-swap is what only one caller can win.
    two: the policy; when off, one operator is enough.
    """

    def __init__(self, database: Database, seals: Seals, clock: Clock, ids: Ids, *, two: bool) -> None:
        self._database = database
        self._seals = seals
        self._clock = clock
        self._ids = ids
        self._two = two

    async def second(self, action: str, subject: str, actor: str) -> Proposal | None:
        """Return None when the caller may act: the policy is off, or this operator agrees with another.

        Otherwise nothing may be done yet, and the operator's proposal is returned: a new one, or the one that is open.
        An agreement is good for one act, whatever comes of the act: one that fails is proposed again.
        Raises Conflict when a third operator agreed at the same moment and acts, Tampered, HsmUnavailable.
        """
        if not self._two:
            return None
        while True:
            last = await self._last(action, subject)
            if last is not None and last.value.is_open(self._clock.now()):
                if last.value.proposed_by == actor:
                    return last.value
                await self._approve(last, actor)
                return None
            try:
                return await self._propose(last, action, subject, actor)
            except (Overtaken, IntegrityError):  # another operator was first with a proposal: it is this one's to judge
                continue

    async def list_open(self) -> list[Proposal]:
        """Return what waits for a second operator, oldest first. Raises Tampered, HsmUnavailable."""
        async with self._database.read() as connection:
            stored = await store.find_open(connection, self._clock.now())
        return [sealed.value for sealed in await self._seals.prove_all(stored)]

    async def _last(self, action: str, subject: str) -> Sealed[Proposal] | None:
        async with self._database.read() as connection:
            stored = await store.find(connection, action, subject)
        return None if stored is None else await self._seals.prove(stored)

    async def _approve(self, over: Sealed[Proposal], actor: str) -> None:
        details = {"proposed_by": over.value.proposed_by}
        try:
            await self._write(await self._seals.draft(over, over.value.approved(actor)), "approved", actor, details)
        except Overtaken as fault:
            raise Conflict("another operator agreed at the same moment") from fault

    async def _propose(self, over: Sealed[Proposal] | None, action: str, subject: str, actor: str) -> Proposal:
        id = over.value.id if over else ProposalId(self._ids.new())
        new = Proposal.made(id, action, subject, actor, self._clock.now())
        seals = self._seals
        draft = await (seals.draft(over, new) if over else seals.draft_new(PROPOSALS, store.columns(new)))
        await self._write(draft, "made", actor, {})
        return new

    async def _write(self, draft: Draft[Proposal], step: str, actor: str, details: dict[str, str]) -> None:
        proposal = draft.value
        told = {"action": proposal.action, "proposal": proposal.id, **details}
        async with self._database.write() as connection:
            await self._seals.write(connection, draft, Event(f"proposal.{step}", actor, proposal.subject, details=told))
