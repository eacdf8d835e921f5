"""Setting up a phone to answer without a connection, and the end of it: changes that the signer confirms.

Source: docs/device-protocol.md sections 6 and 12.
"""

from dss.audit.event import Event
from dss.audit.seals import Sealed
from dss.credentials import locking, store
from dss.credentials.door import Admission
from dss.credentials.model import Credential
from dss.credentials.offline import OfflineKey, OfflineSecrets, OfflineStore
from dss.credentials.registers import OFFLINE_KEYS, row_of_offline
from dss.devices.boxes import Opened
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.policy import require_offline
from dss.notify import letters
from dss.transactions.parts import Parts
from dss.transactions.plans import Change, Plan, Plans


class OfflineSetting:
    """Plans what is kept of a phone that answers by codes."""

    def __init__(self, parts: Parts, plans: Plans, at_rest: OfflineStore) -> None:
        self._parts = parts
        self._plans = plans
        self._at_rest = at_rest

    def require_may_have(self, credential: Credential) -> None:
        """Raise Conflict unless codes may answer for a key."""
        require_offline(credential.policy)
        if credential.password is not None:
            raise Conflict("a key with a password has no codes")

    async def setting(self, admission: Admission, opened: Opened, key: Sealed[Credential]) -> Plan:
        """Plan to keep what a phone handed over; it takes the place of what another did. Raises Conflict."""
        p, credential, phone = self._parts, key.value, admission.phone
        self.require_may_have(credential)
        locking.unlock(credential, opened)
        handed_over = OfflineSecrets(opened.k_act, opened.k_offline)
        new = OfflineKey(
            credential_id=credential.id,
            device_id=phone.id,
            secrets=await self._at_rest.seal(credential.id, phone.id, handed_over),
            pin_check=phone.pin_check,
            failures=0,
            set_at=p.clock.now(),
            ended_at=None,
        )
        known = await self._known(credential)
        draft = (
            await p.seals.draft_new(OFFLINE_KEYS, row_of_offline(new))
            if known is None
            else await p.seals.draft(known, new)
        )
        event = Event("offline.set", admission.actor, draft.sealed.name)
        return await self._plan(key, ((draft, event),), "offline_set")

    async def ending(self, key: Sealed[Credential], actor: str) -> Plan:
        """Plan to forget what a phone handed over. Raises NotFound where there is nothing."""
        ended = await self._plans.codes_ended(key.value.id, actor)
        if not ended:
            raise NotFound("the key has no codes")
        return await self._plan(key, ended, "offline_ended")

    async def _plan(self, key: Sealed[Credential], changes: tuple[Change, ...], told: str) -> Plan:
        user = await self._parts.users.get(key.value.user_id)
        return Plan(changes, letters=(letters.key_changed_letter(user.reader, key.value.id, told),))

    async def _known(self, credential: Credential) -> Sealed[OfflineKey] | None:
        async with self._parts.database.read() as connection:
            stored = await store.offline_key(connection, credential.id)
        return None if stored is None else await self._parts.seals.prove(stored)
