"""What is asked of confirmations for each relying application: a sealed row each, once something is."""

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.audit.seals import Sealed, Seals
from dss.clients import store
from dss.clients.registers import CLIENT_POLICIES
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.errors import Overtaken, Tampered
from dss.kernel.ids import ClientId
from dss.kernel.policy import SAYS_NOTHING, Policy

CHANGED = "client.policy_changed"


class ClientPolicies:
    """Keeps applications' policies. What the log tells of and is gone is not taken for one that says nothing."""

    def __init__(self, database: Database, seals: Seals) -> None:
        self._database = database
        self._seals = seals

    async def of(self, id: ClientId) -> Policy:
        """Return an application's policy. Raises Tampered, HsmUnavailable."""
        known = await self._find(id)
        return SAYS_NOTHING if known is None else known.value

    async def change(self, id: ClientId, policy: Policy, actor: str) -> None:
        """Set an application's policy. Raises Overtaken, Tampered, HsmUnavailable."""
        known, seals = await self._find(id), self._seals
        if known is None:
            draft = await seals.draft_new(CLIENT_POLICIES, {"client_id": id, "policy": policy.member()})
        else:
            draft = await seals.draft(known, policy)
        event = Event(CHANGED, actor, f"client:{id}", details=told(known.value if known else SAYS_NOTHING, policy))
        try:
            async with self._database.write() as connection:
                await seals.write(connection, draft, event)
        except IntegrityError as fault:
            raise Overtaken("another change came first; try again") from fault

    async def _find(self, id: ClientId) -> Sealed[Policy] | None:
        async with self._database.read() as connection:
            stored = await store.policy(connection, id)
        if stored is not None:
            return await self._seals.prove(stored)
        if await self._seals.audit.tells(f"client:{id}", (CHANGED,)):
            await self._seals.audit.alarm(f"client_policy:{id}", "the log tells of the policy, and the row is gone")
            raise Tampered("a stored record is gone; the operators are told", audited=True)
        return None


def told(old: Policy, new: Policy) -> dict[str, str]:
    """Return how the log tells of a policy in another's place."""
    return {name: canonical.encode(policy.member()).decode() for name, policy in (("old", old), ("new", new))}
