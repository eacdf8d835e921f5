"""What is asked of confirmations for each relying application: a sealed row each, once something is."""

from dataclasses import dataclass

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed, Seals
from dss.clients import store
from dss.clients.registers import CLIENT_POLICIES
from dss.infra.db import Database
from dss.kernel import canonical
from dss.kernel.errors import Tampered
from dss.kernel.ids import ClientId
from dss.kernel.policy import SAYS_NOTHING, Policy

CHANGED = "client.policy_changed"


@dataclass(frozen=True, slots=True)
class Replacing:
    """A policy in the place of another, and how the log tells of it; old: what the row says that it is written over."""

    old: Policy
    draft: Draft[Policy]
    event: Event


class ClientPolicies:
    """Keeps applications' policies. What the log tells of and is gone is not taken for one that says nothing."""

    def __init__(self, database: Database, seals: Seals) -> None:
        self._database = database
        self._seals = seals

    async def of(self, id: ClientId) -> Policy:
        """Return an application's policy. Raises Tampered, HsmUnavailable."""
        known = await self._find(id)
        return SAYS_NOTHING if known is None else known.value

    async def changed(self, id: ClientId, policy: Policy, actor: str) -> Replacing:
        """Seal an application's policy, to be written. Raises Tampered, HsmUnavailable."""
        known, seals = await self._find(id), self._seals
        old = SAYS_NOTHING if known is None else known.value
        if known is None:
            draft = await seals.draft_new(CLIENT_POLICIES, {"client_id": id, "policy": policy.member()})
        else:
            draft = await seals.draft(known, policy)
        return Replacing(old, draft, Event(CHANGED, actor, f"client:{id}", details=told(old, policy)))

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
