"""The verbs by which a second phone comes to what opens the owner's keys: the server carries ciphertext.

Source: docs/device-protocol.md section 7.
"""

from typing import Any

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.credentials.activation import Activation
from dss.credentials.door import Admission
from dss.credentials.model import Credential
from dss.devices import store as devices
from dss.devices.model import Device, Share, ShareState
from dss.devices.registers import SHARES
from dss.devices.request import Kind
from dss.devices.stop_links import StopLinks
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import DeviceId, TransactionId
from dss.notify import letters
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.model import Transaction
from dss.transactions.opening import named
from dss.transactions.parts import Parts
from dss.transactions.performing import Changed
from dss.transactions.phones import Phones
from dss.transactions.plans import Plan


class Sharing:
    """Shares between the phones of one owner."""

    def __init__(self, parts: Parts, drafting: Drafting, phones: Phones, links: StopLinks) -> None:
        self._parts = parts
        self._drafting = drafting
        self._phones = phones
        self._links = links

    async def open(self, phone: Device, to: DeviceId) -> Transaction:
        """Ask a phone to share what it holds with another of its owner's.

        Raises NotFound for what is not the owner's, Conflict when nothing can be shared, Locked, TooMany.
        """
        p = self._parts
        p.devices.require_able(phone)
        other = (await self._phones.own(phone.user_id, to)).value
        if other.id == phone.id:
            raise Conflict("a phone shares with another phone")
        keys = [key.value for key in await p.credentials.living_of(phone.user_id) if phone.id in key.value.holders]
        if not keys:
            raise Conflict("this phone holds no share of a key")
        if any(key.relock for key in keys):
            raise Conflict("a key waits to be locked anew: confirm that change first")
        draft = Draft(
            kind=Kind.SHARE,
            user=await p.users.get(phone.user_id),
            phone=phone,
            credential=None,
            confirm_within=p.limits.confirm_within,
            more={"share": {"phone": _shown(other), "credentials": [named(key) for key in keys]}},
        )
        return await self._drafting.open(draft)

    async def perform(self, held: Transaction, activation: Activation) -> Changed:
        """Verify a confirmed share at the door, and plan to keep it for the other phone. Raises as `Door.admit`."""
        door = self._parts.door
        admission = await door.admit(activation, Kind.SHARE)
        hold = await door.hold(admission, activation.lease)
        await door.secrets(admission)
        other = await self._phones.own(admission.asked.signer, DeviceId(admission.asked.share["phone"]["id"]))
        plan = await self._plan(held, admission, activation, other.value)
        # A phone that is stopped while this is written is given nothing.
        return Changed(plan, await door.spent(hold), admission.phone, upon=(other,))

    async def waiting_for(self, phone: Device) -> list[Share]:
        """Return what other phones have shared with this one; nothing before its waiting time is over."""
        p = self._parts
        if not phone.may_answer(p.clock.now()):
            return []
        async with p.database.read() as connection:
            stored = await devices.shares_waiting(connection, phone.id)
        shares = [share.value for share in await p.seals.prove_all(stored)]
        open_to = {
            key.value.id for key in await p.credentials.living_of(phone.user_id) if phone.id in key.value.holders
        }
        # What was locked anew meanwhile is opened by none of what waits.
        return [share for share in shares if open_to & set(share.credentials)]

    async def taken(self, phone: Device, id: TransactionId) -> Share:
        """Note that a phone has taken a share, and forget the ciphertext; a second time changes nothing.

        Raises NotFound, also for another's.
        """
        p = self._parts
        p.devices.require_able(phone)
        async with p.database.read() as connection:
            stored = await devices.share(connection, id)
        share = await p.seals.prove(stored)
        if share.value.to_device != phone.id or share.value.state is ShareState.STOPPED:
            raise NotFound
        if share.value.state is ShareState.TAKEN:
            return share.value
        draft = await p.seals.draft(share, share.value.ended(ShareState.TAKEN))
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, Event("share.taken", f"device:{phone.id}", share.name))
        return draft.value

    async def _plan(self, held: Transaction, admission: Admission, activation: Activation, other: Device) -> Plan:
        p, asked = self._parts, admission.asked
        if _shown(other) != asked.share["phone"]:
            raise Conflict("the phone is not the one that was confirmed")
        keys = await self._keys(admission)
        if not keys:
            raise Conflict("none of the keys can be shared any more")
        row = {
            "id": held.id,
            "from_device_id": admission.phone.id,
            "to_device_id": other.id,
            "state": ShareState.WAITING.value,
            "credentials": [key.value.id for key in keys],
            "request_jws": held.request_jws,
            "answer_jws": activation.answer,
            "jwe": activation.share,
            "made_at": p.clock.now(),
        }
        made = (await p.seals.draft_new(SHARES, row), Event("share.made", admission.actor, f"share:{held.id}"))
        told = {"phone": other.id}
        holders = [
            (
                await p.seals.draft(key, key.value.shared_with(other.id)),
                Event("credential.shared", admission.actor, key.name, details=told),
            )
            for key in keys
        ]
        user = await p.users.get(asked.signer)
        letter = letters.shared_letter(user.reader, other.name, await self._links.url(other.id))
        return Plan(changes=(made, *holders), letters=(letter,))

    async def _keys(self, admission: Admission) -> list[Sealed[Credential]]:
        """Return the keys that were confirmed, as far as they exist and their lock is still the one that was shared."""
        asked, holder = admission.asked, admission.phone.id
        confirmed = {key["id"] for key in asked.share["credentials"]}
        living = await self._parts.credentials.living_of(asked.signer)
        return [key for key in living if key.value.id in confirmed and holder in key.value.holders]


def _shown(phone: Device) -> dict[str, Any]:
    keys = {"enc": phone.encryption_jwk, "sig": phone.signature_jwk}
    return {"id": phone.id, "name": phone.name, "keys": keys}
