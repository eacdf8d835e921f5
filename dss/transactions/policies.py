"""Policies of confirmation: which holds for a transaction, and the verbs by which operators change them."""

import hashlib

from dss.audit.event import Event
from dss.clients.policies import told
from dss.kernel import canonical
from dss.kernel.errors import Invalid
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import SAYS_NOTHING, Policy, strictest, weakens
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions.parts import Parts
from dss.transactions.plans import Ends, Plan, Plans


async def effective(parts: Parts, client_id: ClientId | None, key: Policy = SAYS_NOTHING) -> Policy:
    """Return what holds for what an application asks: the strictest of the operator's, its own and the key's policy.

    client_id: None where the operator asks. key: the key's policy, where one is concerned that is there.
    Raises Tampered, HsmUnavailable.
    """
    of_client = SAYS_NOTHING if client_id is None else await parts.client_policies.of(client_id)
    return strictest((parts.least, of_client, key.of_key()))


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
        old = await self.of_client(id)
        self._require_below_ceiling(policy)
        if weakens(old, policy) and (proposal := await self._second("client", id, policy, actor)):
            return proposal
        await self._parts.client_policies.change(id, policy, actor)
        return policy

    async def change_credential(self, id: CredentialId, policy: Policy, actor: str) -> Policy | Proposal:
        """Set a key's policy; where it asks more than before, what is on its way with the key ends.

        Raises NotFound, Invalid, Conflict for a key that is gone, Tampered.
        """
        old = (await self._parts.credentials.get(id)).policy
        self._require_below_ceiling(policy)
        if weakens(old.of_key(), policy.of_key()) and (proposal := await self._second("credential", id, policy, actor)):
            return proposal
        await self._plans.carry_out(lambda: self._changing(id, policy, actor), actor)
        return policy

    async def _changing(self, id: CredentialId, policy: Policy, actor: str) -> Plan:
        p = self._parts
        key = await p.credentials.sealed(id)
        old = key.value.policy
        event = Event("credential.policy_changed", actor, key.name, details=told(old, policy))
        draft = await p.seals.draft(key, key.value.under(policy))
        asks_more = weakens(policy.of_key(), old.of_key())
        ends = Ends("the key's policy asks for more", credentials=(id,)) if asks_more else None
        codes = () if policy.offline else await self._plans.codes_ended(id, actor)
        return Plan(changes=((draft, event), *codes), ends=ends)

    def _require_below_ceiling(self, policy: Policy) -> None:
        most = self._parts.least.session
        if policy.session is not None and most is not None and policy.session.exceeds(most):
            raise Invalid(f"a session gives at most {most.signatures} signatures within {most.minutes} minutes")

    async def _second(self, kind: str, id: str, policy: Policy, actor: str) -> Proposal | None:
        """Two operators agree to one policy, not to any."""
        digest = hashlib.sha256(canonical.encode(policy.member())).hexdigest()[:32]
        return await self._approvals.second(f"{kind}.policy", f"{kind}-policy:{id}/{digest}", actor)
