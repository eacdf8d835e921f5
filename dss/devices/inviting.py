"""The verb invite: the two letters that bring a new phone to a user."""

import asyncio
import secrets
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.seals import Draft, Sealed, Seals
from dss.audit.service import Audit
from dss.devices import enrolment as rules
from dss.devices import store
from dss.devices.boxes import Boxes
from dss.devices.enrolment_keys import EnrolmentKeys
from dss.devices.model import Enrolment, EnrolmentState, Invitation, Limits
from dss.devices.registers import ENROLMENTS
from dss.devices.stop_links import StopLinks
from dss.hsm.servicekeys import ServiceKeys
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict, Overtaken
from dss.kernel.ids import EnrolmentId, Ids, UserId
from dss.notify import letters
from dss.notify.model import Letter
from dss.notify.service import Notify
from dss.users.model import User
from dss.users.service import Users


@dataclass(frozen=True, slots=True)
class Parts:
    """What enrolling is made of; server is the base URL that phones know it by."""

    server: str
    database: Database
    keys: ServiceKeys
    boxes: Boxes
    stop_links: StopLinks
    users: Users
    notify: Notify
    audit: Audit
    seals: Seals
    clock: Clock
    ids: Ids
    limits: Limits


class Inviting:
    """Brings a new phone to a user: QR by one letter, activation code by another."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keys = EnrolmentKeys(parts.keys)

    async def invite(self, user: User, actor: str) -> Invitation:
        """Make an enrolment and send its two letters; it ends any other open one of the user.

        The letters are written to the outbox with the enrolment, in one database transaction. Raises Conflict when the
        user has as many phones as one may have, Overtaken when another invitation was made meanwhile.
        """
        p = self._parts
        async with p.database.read() as connection:
            await require_room(connection, user.id, p.limits)
            earlier = await store.open_enrolments(connection, user.id)
        id = EnrolmentId(p.ids.new())
        code = rules.new_activation_code()
        expires = p.clock.now() + p.limits.enrolment_lifetime
        invitation = Invitation(id, rules.qr_text(p.server, id, await self._keys.channel_key_hash()), code, expires)
        post = [
            await p.notify.seal(await asyncio.to_thread(_qr_letter, user, invitation)),
            await p.notify.seal(letters.code_letter(user.reader, code, expires)),
        ]
        ended = [await self._ended(known, EnrolmentState.DEAD) for known in await p.seals.prove_all(earlier)]
        opened = await p.seals.draft_new(ENROLMENTS, await self._new_enrolment(user, invitation))
        async with p.database.write() as connection:
            await p.users.hold(connection, user.id)
            if await store.count_open(connection, user.id) != len(earlier):
                raise Overtaken("another invitation was made meanwhile; try again")
            for draft in ended:
                await p.seals.write(connection, draft, Event("enrolment.superseded", actor, draft.sealed.name))
            for letter in post:
                await p.notify.enqueue(connection, letter)
            event = Event("enrolment.opened", actor, f"user:{user.id}", details={"id": id})
            await p.seals.write(connection, opened, event)
        return invitation

    async def _new_enrolment(self, user: User, invitation: Invitation) -> dict[str, Any]:
        id = invitation.enrolment_id
        secret = rules.secret_of(invitation.activation_code, id)
        return {
            "id": id,
            "user_id": user.id,
            "state": EnrolmentState.OPEN.value,
            "sealed_secret": (await self._keys.secret_box(id)).seal(secret, id.encode()),
            "nonce": b64.url_encode(secrets.token_bytes(16)),
            "attempts": 0,
            "created_at": self._parts.clock.now(),
            "expires_at": invitation.expires_at,
        }

    async def _ended(self, known: Sealed[Enrolment], state: EnrolmentState) -> Draft[Enrolment]:
        return await self._parts.seals.draft(known, known.value.ended(state))


async def require_room(connection: AsyncConnection, user_id: UserId, limits: Limits) -> None:
    """Raise Conflict when a user has as many phones as one may have."""
    _, kept = await store.count_devices(connection, user_id)
    if kept >= limits.phones:
        raise Conflict(f"a signer has at most {limits.phones} phones: remove one first")


def _qr_letter(user: User, invitation: Invitation) -> Letter:
    return letters.qr_letter(user.reader, invitation.qr_text, invitation.expires_at)
