"""Policies of confirmation: which holds for a transaction, and the verbs by which operators change them."""

import hashlib
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event
from dss.clients.policies import told
from dss.kernel import canonical
from dss.kernel.errors import Invalid, Overtaken
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import SAYS_NOTHING, Policy, strictest, weakens
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions.parts import Parts
from dss.transactions.plans import TRIES, Ends, Plan, Plans


async def effective(parts: Parts, client_id: ClientId | None, key: Policy = SAYS_NOTHING) -> Policy:
    """Return what holds for what an application asks: the strictest of the operator's, its own and the key's policy.

    client_id: None where the operator asks. key: the key's policy, where one is concerned that is there.
    Raises Tampered, HsmUnavailable.
    """
    of_client = SAYS_NOTHING if client_id is None else await parts.client_policies.of(client_id)
    return strictest((parts.least, of_client, key.of_key()))


@dataclass(frozen=True, slots=True)
class _Wish:
    """What an operator wishes to set; kind: `client` or `credential`, and its id."""

    kind: str
    id: str
    policy: Policy
    actor: str


@dataclass(frozen=True, slots=True)
class _Change:
    """A plan that writes a policy over a sealed row; old: what that row says. weakens: the new one asks for less."""

    old: Policy
    weakens: bool
    plan: Plan


class Policies:
    """Changes policies: by one operator to ask more, and by two, where that is the rule, to ask less in any part."""

    def __init__(self, parts: Parts, plans: Plans, approvals: Approvals) -> None:
        self._parts = parts
        self._plans = plans
        self._approvals = approvals

    async def of_client(self, id: ClientId) -> Policy:
        """Return an application's policy. Raises NotFound, Tampered."""
        return await self._parts.client_policies.of((await self._parts.clients.get(id)).id)

    async def change_client(self, id: ClientId, policy: Policy, actor: str) -> Policy | Proposal:
        """Set an application's policy: it holds for what is opened from now on.

        Raises NotFound, Invalid, Overtaken, Tampered.
        """
        await self._parts.clients.get(id)
        self._require_below_ceiling(policy)

        async def over() -> _Change:
            new = await self._parts.client_policies.changed(id, policy, actor)
            return _Change(new.old, weakens(new.old, policy), Plan(((new.draft, new.event),)))

        return await self._carry_out(_Wish("client", id, policy, actor), over)

    async def change_credential(self, id: CredentialId, policy: Policy, actor: str) -> Policy | Proposal:
        """Set a key's policy; where it asks more than before, what is on its way with the key ends.

        Raises NotFound, Invalid, Conflict for a key that is gone, Tampered.
        """
        self._require_below_ceiling(policy)
        return await self._carry_out(_Wish("credential", id, policy, actor), lambda: self._changing(id, policy, actor))

    async def _carry_out(self, wish: _Wish, over: Callable[[], Awaitable[_Change]]) -> Policy | Proposal:
        """Write a policy over the row that it was judged against; when another change came first, judge anew.

        What somebody raised meanwhile is lowered by two operators once more, where that is the rule.
        """
        agreed: Policy | None = None
        for _ in range(TRIES):
            change = await over()
            if change.weakens and change.old != agreed:
                if proposal := await self._second(wish):
                    return proposal
                agreed = change.old
            with suppress(Overtaken, IntegrityError):
                await self._plans.commit(change.plan, wish.actor)
                return wish.policy
        raise Overtaken("too much changes at once; try again")

    async def _changing(self, id: CredentialId, policy: Policy, actor: str) -> _Change:
        p = self._parts
        key = await p.credentials.sealed(id)
        old = key.value.policy
        event = Event("credential.policy_changed", actor, key.name, details=told(old, policy))
        draft = await p.seals.draft(key, key.value.under(policy))
        asks_more = weakens(policy.of_key(), old.of_key())
        ends = Ends("the key's policy asks for more", credentials=(id,)) if asks_more else None
        codes = () if policy.offline else await self._plans.codes_ended(id, actor)
        plan = Plan(changes=((draft, event), *codes), ends=ends)
        return _Change(old, weakens(old.of_key(), policy.of_key()), plan)

    def _require_below_ceiling(self, policy: Policy) -> None:
        most = self._parts.least.session
        if policy.session is not None and most is not None and policy.session.exceeds(most):
            raise Invalid(f"a session gives at most {most.signatures} signatures within {most.minutes} minutes")

    async def _second(self, wish: _Wish) -> Proposal | None:
        """Two operators agree to one policy, not to any."""
        digest = hashlib.sha256(canonical.encode(wish.policy.member())).hexdigest()[:32]
        return await self._approvals.second(f"{wish.kind}.policy", f"{wish.kind}-policy:{wish.id}/{digest}", wish.actor)
