"""The verbs offer and enrol: what the phone does with the two letters."""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Sealed
from dss.devices import enrolment as rules
from dss.devices import store
from dss.devices.boxes import OFFER_LIFETIME, Sealing
from dss.devices.enrolment_keys import EnrolmentKeys
from dss.devices.inviting import Parts, require_room
from dss.devices.model import DeviceState, Enrolment, EnrolmentState
from dss.devices.registers import DEVICES
from dss.infra import jose, once
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.errors import (
    ActivationRefused,
    AnswerRefused,
    BadRequest,
    Conflict,
    DssError,
    Expired,
    KeyInUse,
    NotFound,
    Overtaken,
)
from dss.kernel.ids import DeviceId, EnrolmentId
from dss.notify import letters
from dss.notify.model import Letter
from dss.users.model import User

IN_BOX = frozenset({"pin_proof"})
IN_USE = "one of the phone's keys is registered already; a phone makes new keys to enrol"
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)


class Enrolling:
    """Registers the phones of those who were invited."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._keys = EnrolmentKeys(parts.keys)

    async def offer(self, id: EnrolmentId) -> str:
        """Return the signed offer that a phone reads before it enrols; the same one until it expires.

        Raises NotFound, Expired.
        """
        async with self._refusals_told(id):
            return await self._offer(id)

    async def _offer(self, id: EnrolmentId) -> str:
        p = self._parts
        known = await self._open_enrolment(id)
        offered = known.value.offer
        if offered is not None and rules.read_offer(offered).expires > p.clock.now():
            return offered
        made = await self._new_offer(known.value)
        draft = await p.seals.draft(known, replace(known.value, offer=made))
        try:
            async with p.database.write() as connection:
                await p.seals.write(connection, draft, Event("enrolment.offered", "phone", known.name))
        except Overtaken:  # another call made one first, or the enrolment has ended
            return await self._offer(id)
        return made

    async def _new_offer(self, enrolment: Enrolment) -> str:
        p = self._parts
        now = p.clock.now()
        key = await p.boxes.current()
        payload = {
            "server": p.server,
            "enrolment": enrolment.id,
            "nonce": enrolment.nonce,
            "box_key": {"kid": key.id, "jwk": key.jwk},
            "pin": {"digits": rules.PIN_DIGITS, "iterations": rules.PIN_ITERATIONS},
            "issued": timestamp(now),
            "expires": timestamp(min(now + OFFER_LIFETIME, enrolment.expires_at)),
        }
        return await self._keys.signed(rules.OFFER, payload)

    async def enrol(self, id: EnrolmentId, jws: str, box: str) -> str:
        """Register a phone and return the signed receipt.

        Raises NotFound, Expired, BadRequest, ActivationRefused (counted), KeyInUse.
        """
        if receipt := await self._repeated(id, jws):
            return receipt
        async with self._refusals_told(id):
            try:
                return await self._enrol_once(id, jws, box)
            except (Expired, Conflict):
                # The same enrolment may have been taken while this one was looked at.
                if receipt := await self._repeated(id, jws):
                    return receipt
                raise

    async def _enrol_once(self, id: EnrolmentId, jws: str, box: str) -> str:
        """Enrol upon the enrolment as it is: each other try that came first is seen, and an ended one is refused."""
        while True:
            with suppress(Overtaken):
                return await self._enrol(id, jws, box)

    async def _repeated(self, id: EnrolmentId, jws: str) -> str | None:
        """Return the receipt of an enrolment that is sent again because its reply was lost."""
        async with self._parts.database.read() as connection:
            return await store.receipt_of(connection, id, jws)

    @asynccontextmanager
    async def _refusals_told(self, id: EnrolmentId) -> AsyncIterator[None]:
        """Record what was refused to the holder of a QR; what names no enrolment leaves no trace."""
        try:
            yield
        except NotFound:
            raise
        except DssError as error:
            await self._parts.audit.refused("phone", f"enrolment:{id}", error)
            raise

    async def _enrol(self, id: EnrolmentId, jws: str, box: str) -> str:
        p = self._parts
        known = await self._open_enrolment(id)
        enrolment = known.value
        request = rules.read_request(jws, p.server, id)
        rules.require_plain_names(request)
        if request.nonce != enrolment.nonce:
            raise BadRequest("the enrolment carries the offer's nonce")
        if not request.proves(await self._keys.secret(enrolment), await self._keys.channel_key_hash()):
            await self._refuse_code(known)
        if hashlib.sha256(box.encode()).digest() != request.sealed_sha256:
            raise BadRequest("sealed_sha256 is not the hash of the box")
        device = DeviceId(p.ids.new())
        pin_check = await self._pin_check(device, box, enrolment)
        user = await p.users.get(enrolment.user_id)
        active_from = await self._active_from(user)
        receipt = await self._receipt(enrolment, Newcomer(device, user, active_from), jws)
        row = _row(request, enrolment) | {"id": device, "pin_check": pin_check, "receipt_jws": receipt}
        await self._register(known, row | {"enrolment_jws": jws, "active_from": active_from}, user)
        return receipt

    async def _active_from(self, user: User) -> datetime | None:
        """Return when a new phone may act: at once if it is the owner's first. Raises Conflict."""
        p = self._parts
        async with p.database.read() as connection:
            await require_room(connection, user.id, p.limits)
            ever, _ = await store.count_devices(connection, user.id)
        # The log remembers phones whose rows are gone.
        ever = ever or await p.audit.tells(f"user:{user.id}", {"device.enrolled"})
        return (p.clock.now() + p.limits.new_phone_wait).replace(microsecond=0) if ever else None

    async def _register(self, known: Sealed[Enrolment], row: dict[str, Any], user: User) -> None:
        p = self._parts
        letter = await p.notify.seal(_arrival_letter(user, row, await p.stop_links.url(row["id"])))
        used = await p.seals.draft(known, known.value.ended(EnrolmentState.USED))
        device = await p.seals.draft_new(DEVICES, row | {"enrolled_at": p.clock.now()})
        actor = f"device:{row['id']}"
        try:
            async with p.database.write() as connection:
                await self._require_as_counted(connection, row)
                await p.seals.write(connection, used, Event("enrolment.used", actor, known.name))
                await _take_keys(connection, row)
                await p.notify.enqueue(connection, letter)
                event = Event("device.enrolled", actor, f"user:{user.id}", details={"name": row["name"]})
                await p.seals.write(connection, device, event)
        except IntegrityError as fault:
            raise KeyInUse(IN_USE) from fault

    async def _require_as_counted(self, connection: AsyncConnection, row: dict[str, Any]) -> None:
        """Raise Overtaken when another phone of the owner came first, Conflict when there is no room for one more."""
        await self._parts.users.hold(connection, row["user_id"])
        await require_room(connection, row["user_id"], self._parts.limits)
        ever, _ = await store.count_devices(connection, row["user_id"])
        if ever and row["active_from"] is None:
            raise Overtaken("another phone was enrolled first")

    async def _refuse_code(self, known: Sealed[Enrolment]) -> None:
        """Count a wrong activation code. Raises ActivationRefused, or Overtaken when another try came first."""
        p = self._parts
        limit = p.limits.enrolment_attempts
        draft = await p.seals.draft(known, known.value.with_wrong_code(limit))
        attempts = draft.value.attempts
        event = Event("enrolment.code_refused", "phone", known.name, Outcome.REFUSED, {"attempts": str(attempts)})
        async with p.database.write() as connection:
            await p.seals.write(connection, draft, event)
        left = limit - attempts
        ended = f"{left} tries are left" if left else "no try is left: ask for new letters"
        raise ActivationRefused(f"the activation code is wrong; {ended}", audited=True)

    async def _open_enrolment(self, id: EnrolmentId) -> Sealed[Enrolment]:
        async with self._parts.database.read() as connection:
            stored = await store.enrolment(connection, id)
        known = await self._parts.seals.prove(stored)
        if known.value.state is not EnrolmentState.OPEN or self._parts.clock.now() >= known.value.expires_at:
            raise Expired("the QR code was used or has ended: ask for new letters")
        return known

    async def _pin_check(self, device: DeviceId, box: str, enrolment: Enrolment) -> bytes:
        if enrolment.offer is None:
            raise BadRequest("an offer is read before the enrolment")
        offer = rules.read_offer(enrolment.offer)
        try:
            opened = await self._parts.boxes.open(box, Sealing(offer.box_key, offer.binding, IN_BOX))
        except AnswerRefused as fault:
            raise BadRequest("the box does not open: it is sealed to the offer's box key and bound to it") from fault
        return await self._parts.boxes.pin_check(device, opened.pin_proof)

    async def _receipt(self, enrolment: Enrolment, new: "Newcomer", jws: str) -> str:
        user, waits = new.user, {} if new.active_from is None else {"active": timestamp(new.active_from)}
        payload = waits | {
            "server": self._parts.server,
            "enrolment": enrolment.id,
            "enrolment_sha256": b64.url_encode(hashlib.sha256(jws.encode()).digest()),
            "device": new.device,
            "user": {"id": user.id, "login": user.login, "name": user.name},
            "counter": 0,
            "enrolled": timestamp(self._parts.clock.now()),
        }
        return await self._keys.signed(rules.RECEIPT, payload)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A phone that is about to be registered; active_from: the end of its waiting time, None for a first phone."""

    device: DeviceId
    user: User
    active_from: datetime | None


async def _take_keys(connection: AsyncConnection, row: dict[str, Any]) -> None:
    """Take a phone's keys for it alone: a key of one is no key of another, in whatever role. Raises KeyInUse."""
    for name in ("signature_thumbprint", "encryption_thumbprint"):
        if not await once.use(connection, "device_key", row[name], FOR_EVER):
            raise KeyInUse(IN_USE)


def _arrival_letter(user: User, row: dict[str, Any], stop_url: str) -> Letter:
    if row["active_from"] is None:
        return letters.new_device_letter(user.reader, row["name"], stop_url)
    return letters.waiting_phone_letter(user.reader, row["name"], row["active_from"], stop_url)


def _row(request: rules.Request, enrolment: Enrolment) -> dict[str, Any]:
    return {
        "user_id": enrolment.user_id,
        "enrolment_id": enrolment.id,
        "name": request.name,
        "platform": request.platform,
        "state": DeviceState.ACTIVE.value,
        "signature_jwk": request.signature_jwk,
        "encryption_jwk": request.encryption_jwk,
        "signature_thumbprint": jose.thumbprint(request.signature_jwk),
        "encryption_thumbprint": jose.thumbprint(request.encryption_jwk),
        "pin_failures": 0,
        "counter": 0,
    }
