"""The verbs by which signers change what is theirs: open a change on a phone, and perform it once it is confirmed.

Source: docs/device-protocol.md section 6.
"""

import secrets
from dataclasses import dataclass, replace
from typing import Any

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.ca.model import Reason
from dss.credentials import locking
from dss.credentials.activation import Activation
from dss.credentials.door import Admission
from dss.credentials.model import LIVING, Authority, Credential
from dss.devices.boxes import Opened
from dss.devices.model import Device
from dss.devices.request import OF_KEYS, OPENS_KEY, Action, Kind
from dss.kernel import b64
from dss.kernel.errors import Conflict, Invalid
from dss.kernel.ids import ClientId, DeviceId
from dss.notify import letters
from dss.transactions.asking import Pair
from dss.transactions.blocking import Blocking
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.keys import Keys
from dss.transactions.model import OpenChange, Transaction
from dss.transactions.offline_setting import OfflineSetting
from dss.transactions.opening import named, named_to_open
from dss.transactions.parts import Parts
from dss.transactions.performing import Changed
from dss.transactions.phones import Phones
from dss.transactions.plans import Ends, Plan, Plans

# The second recommended option of RFC 9106 section 4.
ARGON2 = {"memory_kib": 65536, "passes": 3, "lanes": 4}
SALT_BYTES = 16
SIGNERS_REASONS = frozenset(
    {
        Reason.UNSPECIFIED,
        Reason.KEY_COMPROMISE,
        Reason.AFFILIATION_CHANGED,
        Reason.SUPERSEDED,
        Reason.CESSATION_OF_OPERATION,
    }
)


@dataclass(frozen=True, slots=True)
class Owned:
    """The verbs over what a person owns."""

    keys: Keys
    phones: Phones
    offline: OfflineSetting
    blocks: Blocking


class Changing:
    """Changes of PINs, passwords, keys, phones and who may ask, each confirmed on the phone that asks for it."""

    def __init__(self, parts: Parts, drafting: Drafting, plans: Plans, owned: "Owned") -> None:
        self._parts = parts
        self._drafting = drafting
        self._plans = plans
        self._keys = owned.keys
        self._phones = owned.phones
        self._offline = owned.offline
        self._blocks = owned.blocks

    async def open(self, phone: Device, wish: OpenChange) -> Transaction:
        """Open a change that only this phone may confirm.

        Raises Invalid where something is missing or too much, NotFound for what is not the owner's, Conflict, Locked,
        TooMany.
        """
        p = self._parts
        p.devices.require_able(phone)
        _require_whole(wish)
        credential = await self._credential(phone, wish)
        draft = Draft(
            kind=Kind.CHANGE,
            user=await p.users.get(phone.user_id),
            phone=phone,
            credential=credential,
            confirm_within=p.limits.confirm_within,
            more={"change": {"action": wish.action.value, **await self._details(phone, wish)}},
        )
        return await self._drafting.open(draft)

    async def _credential(self, phone: Device, wish: OpenChange) -> dict[str, Any] | None:
        if wish.credential_id is None:
            return None
        credential = (await self._keys.own(phone.user_id, wish.credential_id)).value
        if wish.action is Action.RESUME:
            credential.resumed(Authority.SIGNER)
        elif credential.state not in LIVING:
            raise Conflict(f"the credential is {credential.state}")
        if wish.action in OPENS_KEY and phone.id not in credential.holders:
            raise Conflict("this phone holds no share of the key")
        if wish.action is Action.OFFLINE:
            self._offline.require_may_have(credential)
        return named_to_open(credential) if wish.action in OPENS_KEY else named(credential)

    async def _details(self, phone: Device, wish: OpenChange) -> dict[str, Any]:
        if wish.action is Action.PASSWORD:
            return {"password": {"salt": b64.url_encode(secrets.token_bytes(SALT_BYTES)), **ARGON2}}
        if wish.reason is not None:
            return {"reason": wish.reason.value}
        if wish.client_id is not None:
            block = (await self._blocks.get(Pair(phone.user_id, wish.client_id))).value
            return {"relying_application": {"id": block.pair.client_id, "name": block.name}}
        if wish.phone_id is not None:
            if wish.phone_id == phone.id:
                raise Conflict("a phone removes another phone, not itself")
            other = (await self._phones.own(phone.user_id, wish.phone_id)).value
            return {"phone": {"id": other.id, "name": other.name}}
        return {}

    async def perform(self, _: Transaction, activation: Activation) -> Changed:
        """Verify a confirmed change at the door, and plan it. Raises as `Door.admit`, and Conflict."""
        door = self._parts.door
        admission = await door.admit(activation, Kind.CHANGE)
        hold = await door.hold(admission, activation.lease)
        opened = await door.secrets(admission)
        plan = await self._plan(admission, opened)
        return Changed(plan, await door.spent(hold), admission.phone)

    async def _plan(self, admission: Admission, opened: Opened) -> Plan:
        action = admission.asked.action
        if action is Action.PIN:
            return await self._new_pin(admission, opened)
        if action is Action.REMOVE:
            phone = DeviceId(admission.asked.change["phone"]["id"])
            return await self._phones.removing(await self._phones.own(admission.asked.signer, phone), admission.actor)
        if action is Action.ALLOW:
            client = ClientId(admission.asked.change["relying_application"]["id"])
            return await self._blocks.lifting(Pair(admission.asked.signer, client), admission.actor)
        return await self._change_of_key(admission, opened)

    async def _new_pin(self, admission: Admission, opened: Opened) -> Plan:
        p = self._parts
        phone = await p.devices.sealed(admission.phone.id)
        device = phone.value
        check = await p.devices.pin_check(device.id, opened.pin_proof_next)
        draft = await p.seals.draft(phone, replace(device, pin_check=check))
        event = Event("device.pin_changed", admission.actor, phone.name)
        user = await p.users.get(device.user_id)
        return Plan(
            changes=((draft, event), *await self._plans.codes_ended(device.id, admission.actor)),
            # What was confirmed by the old PIN and is on its way would be looked at by the new one.
            ends=Ends("the phone's PIN was changed", phones=(device.id,)),
            letters=(letters.pin_changed_letter(user.reader, device.name, await self._phones.stop_url(device.id)),),
        )

    async def _change_of_key(self, admission: Admission, opened: Opened) -> Plan:
        asked, actor = admission.asked, admission.actor
        key = await self._keys.own(asked.signer, asked.credential_id)
        if named(key.value)["certificate_sha256"] != asked.credential.get("certificate_sha256"):
            raise Conflict("the credential is not the one that was confirmed")
        if asked.action in OPENS_KEY:
            return await self._change_of_lock(key, admission, opened)
        if asked.action is Action.RESUME:
            return await self._keys.resuming(key, Authority.SIGNER, actor)
        if asked.action is Action.REVOKE:
            return await self._keys.revoking(key, Reason(asked.change["reason"]), actor)
        if asked.action is Action.OFFLINE_END:
            return await self._offline.ending(key, actor)
        return await self._keys.destroying(key, actor)

    async def _change_of_lock(self, key: Sealed[Credential], admission: Admission, opened: Opened) -> Plan:
        asked, actor = admission.asked, admission.actor
        if asked.action is Action.OFFLINE:
            return await self._offline.setting(admission, opened, key)
        if asked.action is Action.RELOCK:
            anew = locking.under_new_share(key.value, opened, admission.phone.id)
            plan = await self._locked_anew(key, anew, Event("credential.relocked", actor, key.name))
            stale = await self._plans.stale_shares(anew.user_id, anew.id, actor)
            return replace(plan, changes=(*plan.changes, *stale))
        anew = locking.under_new_password(key.value, opened, asked.change["password"])
        plan = await self._locked_anew(key, anew, Event("credential.password_set", actor, key.name))
        user = await self._parts.users.get(anew.user_id)
        return replace(plan, letters=(letters.key_changed_letter(user.reader, anew.id, "password"),))

    async def _locked_anew(self, key: Sealed[Credential], anew: Credential, event: Event) -> Plan:
        """Plan a new lock; what was confirmed with the old secrets and is on its way could not open it."""
        draft = await self._parts.seals.draft(key, anew)
        ends = Ends("the key was locked anew", credentials=(anew.id,), sharers=(anew.user_id,))
        return Plan(((draft, event), *await self._plans.codes_ended(anew.id, event.actor)), ends)


def _require_whole(wish: OpenChange) -> None:
    """Raise Invalid unless a wish names what its action needs, and nothing else."""
    needs = {
        "credential": (wish.credential_id is not None, wish.action in OF_KEYS),
        "phone": (wish.phone_id is not None, wish.action is Action.REMOVE),
        "relying_application": (wish.client_id is not None, wish.action is Action.ALLOW),
        "reason": (wish.reason is not None, wish.action is Action.REVOKE),
    }
    for name, (given, needed) in needs.items():
        if given is not needed:
            raise Invalid(f"the change {wish.action} needs {'a' if needed else 'no'} {name}")
    if wish.reason is not None and wish.reason not in SIGNERS_REASONS:
        raise Invalid(f"the reason is one of {', '.join(sorted(SIGNERS_REASONS))}")
