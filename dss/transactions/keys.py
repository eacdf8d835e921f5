"""The verbs over the state of keys: suspend, resume, revoke, destroy. What is on its way with the key ends with it."""

from collections.abc import Awaitable, Callable

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.ca.model import Reason
from dss.credentials.model import Authority, Credential, CredentialState
from dss.credentials.verifying import serial_of
from dss.devices.model import Device
from dss.kernel.errors import NotFound
from dss.kernel.ids import CredentialId, UserId
from dss.notify import letters
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions.parts import Parts
from dss.transactions.plans import Ends, Plan, Plans


class Keys:
    """Changes what keys may do, by the word of their owners and of operators."""

    def __init__(self, parts: Parts, plans: Plans, approvals: Approvals) -> None:
        self._parts = parts
        self._plans = plans
        self._approvals = approvals

    async def suspend(self, id: CredentialId, actor: str) -> Credential:
        """Block a key at once, by an operator; a second time changes nothing. Raises NotFound, Conflict."""
        return await self._suspend(await self._parts.credentials.sealed(id), Authority.OPERATOR, actor)

    async def suspend_own(self, phone: Device, id: CredentialId) -> Credential:
        """Block a key of a phone's owner at once; a second time changes nothing.

        Raises NotFound, also for another's, Conflict, Locked.
        """
        self._parts.devices.require_able(phone)
        return await self._suspend(await self.own(phone.user_id, id), Authority.SIGNER, f"device:{phone.id}")

    async def _suspend(self, known: Sealed[Credential], by: Authority, actor: str) -> Credential:
        if known.value.suspended(by) == known.value:
            return known.value
        return await self._carry_out(known.value.id, lambda key: self._suspending(key, by, actor), actor)

    async def resume(self, id: CredentialId, actor: str) -> Credential | Proposal:
        """Free a suspended key, by an operator, or by two where that is the policy. Raises NotFound, Conflict."""
        key = await self._parts.credentials.sealed(id)
        key.value.resumed(Authority.OPERATOR)
        if proposal := await self._approvals.second("credential.resume", key.name, actor):
            return proposal
        return await self._carry_out(id, lambda key: self.resuming(key, Authority.OPERATOR, actor), actor)

    async def revoke(self, id: CredentialId, reason: Reason, actor: str) -> Credential:
        """Revoke a key's certificate and destroy the key, for good. Raises NotFound, Conflict."""
        return await self._carry_out(id, lambda key: self.revoking(key, reason, actor), actor)

    async def destroy(self, id: CredentialId, actor: str) -> Credential:
        """Destroy a key for good; its certificate stands, for what it signed before. Raises NotFound, Conflict."""
        return await self._carry_out(id, lambda key: self.destroying(key, actor), actor)

    async def own(self, owner: UserId, id: CredentialId) -> Sealed[Credential]:
        """Return a person's own key. Raises NotFound, also for another's."""
        key = await self._parts.credentials.sealed(id)
        if key.value.user_id != owner:
            raise NotFound("there is no such credential")
        return key

    async def _suspending(self, key: Sealed[Credential], by: Authority, actor: str) -> Plan:
        return await self._plan(key, key.value.suspended(by), Event("credential.suspended", actor, key.name))

    async def resuming(self, key: Sealed[Credential], by: Authority, actor: str) -> Plan:
        """Plan to free a key. Raises Conflict."""
        return await self._plan(key, key.value.resumed(by), Event("credential.resumed", actor, key.name))

    async def revoking(self, key: Sealed[Credential], reason: Reason, actor: str) -> Plan:
        """Plan to revoke a certificate and destroy the key. Raises Conflict."""
        event = Event("credential.revoked", actor, key.name, details={"reason": reason.value})
        return await self._plan(key, key.value.ended(CredentialState.REVOKED), event, reason)

    async def destroying(self, key: Sealed[Credential], actor: str) -> Plan:
        """Plan to destroy a key. Raises Conflict."""
        ended = key.value.ended(CredentialState.DESTROYED)
        return await self._plan(key, ended, Event("credential.destroyed", actor, key.name))

    async def _plan(self, key: Sealed[Credential], new: Credential, event: Event, reason: Reason | None = None) -> Plan:
        p = self._parts
        verb = event.kind.removeprefix("credential.")
        user = await p.users.get(new.user_id)
        revoked = () if reason is None or new.certificate is None else ((serial_of(new.certificate), reason),)
        return Plan(
            changes=((await p.seals.draft(key, new), event),),
            ends=None if new.state is CredentialState.ACTIVE else Ends(f"the key was {verb}", credentials=(new.id,)),
            revokes=revoked,
            letters=(letters.key_changed_letter(user.reader, new.id, verb),),
        )

    async def _carry_out(
        self, id: CredentialId, plan: Callable[[Sealed[Credential]], Awaitable[Plan]], actor: str
    ) -> Credential:
        async def make() -> Plan:
            return await plan(await self._parts.credentials.sealed(id))

        done = await self._plans.carry_out(make, actor)
        changed: Credential = done.changes[0][0].value
        return changed
