"""The verbs over phones that concern keys and transactions: block, unlock, remove, and the link that stops one."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.credentials.model import Credential, CredentialState
from dss.devices import store as devices
from dss.devices.model import Device, DeviceState, LockReason, Share, Standing
from dss.devices.stop_links import StopLinks
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import DeviceId, UserId
from dss.notify import letters
from dss.operators.model import Proposal
from dss.operators.service import Approvals
from dss.transactions.parts import Parts
from dss.transactions.plans import Change, Ends, Plan, Plans

STOPPED_BY_LINK = "owner:letter"


@dataclass(frozen=True, slots=True)
class StopView:
    """What the page of a stop link tells: the phone's name, where it stands, and the owner's language."""

    name: str
    state: str
    locale: str


class Phones:
    """Stops, frees and removes phones."""

    def __init__(self, parts: Parts, plans: Plans, links: StopLinks, approvals: Approvals) -> None:
        self._parts = parts
        self._plans = plans
        self._links = links
        self._approvals = approvals

    async def block(self, id: DeviceId, actor: str) -> Device:
        """Stop a phone at once, by an operator: one that waits is removed. Raises NotFound, Conflict."""
        return await self._carry_out(id, lambda phone: self._blocking(phone, LockReason.OPERATOR, actor), actor)

    async def block_own(self, by: Device, id: DeviceId) -> Device:
        """Stop a phone of a phone's owner at once: one that waits is removed.

        Raises NotFound, also for another's, Conflict, Locked.
        """
        self._parts.devices.require_able(by)
        await self.own(by.user_id, id)
        actor = f"device:{by.id}"
        return await self._carry_out(id, lambda phone: self._blocking(phone, LockReason.OWNER, actor), actor)

    async def unlock(self, id: DeviceId, actor: str) -> Device | Proposal:
        """Lift a phone's lock and forget its wrong PINs, by an operator, or by two where that is the policy.

        Nobody can tell or set the PIN. A phone whose keys another holds too stays locked. Raises NotFound, Conflict.
        """
        phone = await self._parts.devices.sealed(id)
        why = _require_unlockable(phone.value)
        if proposal := await self._approvals.second(f"device.unlock.{why}", phone.name, actor):
            return proposal
        return await self._carry_out(id, lambda phone: self._unlocking(phone, actor), actor)

    async def remove(self, id: DeviceId, actor: str) -> Device:
        """Remove a phone for good. Keys that others open are locked anew; those that none opens are destroyed.

        Raises NotFound, Conflict.
        """
        return await self._carry_out(id, lambda phone: self.removing(phone, actor), actor)

    async def lost_without(self, device: Device) -> list[Credential]:
        """Return the keys that are destroyed with a phone when it is removed."""
        held = [key.value for key in await self._keys_of(device)]
        return [key for key in held if key.without(device.id).state is CredentialState.DESTROYED]

    async def own(self, owner: UserId, id: DeviceId) -> Sealed[Device]:
        """Return a person's own phone. Raises NotFound, also for another's and for one that was removed."""
        phone = await self._parts.devices.sealed(id)
        if phone.value.user_id != owner or phone.value.is_removed:
            raise NotFound
        return phone

    async def stop_url(self, id: DeviceId) -> str:
        """Return the link of a letter that stops a phone."""
        return await self._links.url(id)

    async def stop_page(self, id: DeviceId, code: str) -> StopView:
        """Return what the page of a stop link tells. Raises NotFound for a code that is not the phone's."""
        if not await self._links.is_right(id, code):
            raise NotFound
        return await self._view(await self._parts.devices.get(id))

    async def stop_by_link(self, id: DeviceId, code: str) -> StopView:
        """Stop a phone by the link of a letter; one that is stopped stays so. Raises NotFound."""
        view = await self.stop_page(id, code)
        if view.state in (Standing.LOCKED, Standing.REMOVED):
            return view
        with suppress(Conflict):  # somebody pressed at the same moment
            await self._carry_out(
                id, lambda phone: self._blocking(phone, LockReason.OWNER, STOPPED_BY_LINK), STOPPED_BY_LINK
            )
        return await self._view(await self._parts.devices.get(id))

    async def removing(self, phone: Sealed[Device], actor: str) -> Plan:
        """Plan to remove a phone. Raises Conflict when it is removed already."""
        p, device = self._parts, phone.value
        if device.is_removed:
            raise Conflict("the phone is removed")
        removed = (await p.seals.draft(phone, device.removed()), Event("device.removed", actor, phone.name))
        keys = await self._plans.without(await self._keys_of(device), device.id, actor)
        lost = tuple(draft.value.id for draft, _ in keys if draft.value.state is CredentialState.DESTROYED)
        user = await p.users.get(device.user_id)
        return Plan(
            changes=(removed, *keys, *await self._ending_with(device, actor)),
            ends=Ends("the phone was removed", credentials=lost, phones=(device.id,)),
            letters=(letters.phone_removed_letter(user.reader, device.name, len(lost)),),
        )

    async def _blocking(self, phone: Sealed[Device], reason: LockReason, actor: str) -> Plan:
        p, device = self._parts, phone.value
        standing = device.standing(p.clock.now())
        if standing is Standing.WAITING:
            return await self.removing(phone, actor)
        for_good = device.state is DeviceState.LOCKED and device.locked_until is None
        # A lock for good keeps its reason: one of two phones with the same keys is not made an ordinary one by it.
        if standing is Standing.REMOVED or for_good:
            raise Conflict(f"the phone is {standing}")
        user = await p.users.get(device.user_id)
        event = Event("device.locked", actor, phone.name, details={"why": reason.value})
        others = [one for one in await p.devices.of_user(user.id) if one.id != device.id]
        alone = not any(one.may_answer(p.clock.now()) for one in others)
        return Plan(
            changes=((await p.seals.draft(phone, device.locked(reason)), event),),
            ends=Ends("the phone was stopped", phones=(device.id,), people=(user.id,) if alone else ()),
            letters=(letters.phone_locked_letter(user.reader, device.name, reason.value, None),),
        )

    async def _unlocking(self, phone: Sealed[Device], actor: str) -> Plan:
        _require_unlockable(phone.value)
        unlocked = phone.value.unlocked()
        event = Event("device.unlocked", actor, phone.name)
        user = await self._parts.users.get(unlocked.user_id)
        return Plan(
            changes=((await self._parts.seals.draft(phone, unlocked), event),),
            letters=(letters.phone_unlocked_letter(user.reader, unlocked.name, await self.stop_url(unlocked.id)),),
        )

    async def _keys_of(self, device: Device) -> list[Sealed[Credential]]:
        living = await self._parts.credentials.living_of(device.user_id, CredentialState.REQUESTED)
        return [key for key in living if device.id in key.value.holders]

    async def _ending_with(self, device: Device, actor: str) -> tuple[Change, ...]:
        """Return the end of what waits for a phone, and of what it handed over."""
        stopped = await self._plans.stopping(await self._waiting_shares(device), actor)
        return (*stopped, *await self._plans.codes_ended(device.id, actor))

    async def _waiting_shares(self, device: Device) -> list[Sealed[Share]]:
        async with self._parts.database.read() as connection:
            waiting = await devices.shares_waiting(connection, device.id)
        return await self._parts.seals.prove_all(waiting)

    async def _view(self, device: Device) -> StopView:
        user = await self._parts.users.get(device.user_id)
        return StopView(device.name, _told(device, device.standing(self._parts.clock.now())), user.locale)

    async def _carry_out(self, id: DeviceId, plan: Callable[[Sealed[Device]], Awaitable[Plan]], actor: str) -> Device:
        async def make() -> Plan:
            return await plan(await self._parts.devices.sealed(id))

        done = await self._plans.carry_out(make, actor)
        changed: Device = done.changes[0][0].value
        return changed


def _told(device: Device, standing: Standing) -> str:
    """Return where a phone stands for its owner: a lock that ends by itself can still be made one that does not."""
    passing = standing is Standing.LOCKED and device.locked_until is not None
    return (Standing.ACTIVE if passing else standing).value


def _require_unlockable(device: Device) -> LockReason:
    if device.state is not DeviceState.LOCKED or device.lock_reason is None:
        raise Conflict(f"the phone is {device.state}, not locked")
    if device.lock_reason is LockReason.CLONE:
        raise Conflict("two phones hold the same keys: remove the phone, and enrol it anew")
    return device.lock_reason
