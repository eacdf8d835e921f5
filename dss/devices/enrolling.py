"""The verbs of enrolment: invite, offer, enrol."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sqlalchemy.exc import IntegrityError

from dss.audit.event import Event, Outcome
from dss.audit.service import Audit
from dss.devices import channel, store
from dss.devices import enrolment as rules
from dss.devices.boxes import OFFER_LIFETIME, Boxes
from dss.devices.model import DeviceState, Enrolment, EnrolmentState, Invitation, Limits
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.infra.db import Database
from dss.infra.secretbox import SecretBox
from dss.kernel import b64, canonical
from dss.kernel.clock import Clock, timestamp
from dss.kernel.errors import (
    ActivationRefused,
    AnswerRefused,
    BadRequest,
    Conflict,
    DssError,
    Expired,
    KeyInUse,
    NotFound,
)
from dss.kernel.ids import DeviceId, EnrolmentId, Ids
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
    users: Users
    notify: Notify
    audit: Audit
    clock: Clock
    ids: Ids
    limits: Limits


class Enrolling:
    """Brings a new phone to a user: QR by one letter, activation code by another."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def invite(self, user: User, actor: str) -> Invitation:
        """Make an enrolment and send its two letters; it ends any other open one of the user.

        The letters are written to the outbox with the enrolment, in one database transaction.
        """
        p = self._parts
        id = EnrolmentId(p.ids.new())
        code = rules.new_activation_code()
        sealed = (await self._secret_box(id)).seal(rules.secret_of(code, id), id.encode())
        expires = p.clock.now() + p.limits.enrolment_lifetime
        nonce = b64.url_encode(secrets.token_bytes(16))
        enrolment = Enrolment(id, user.id, EnrolmentState.OPEN, sealed, nonce, 0, expires, None)
        invitation = Invitation(id, rules.qr_text(p.server, id, await self._channel_key_hash()), code, expires)
        post = [
            await p.notify.seal(await asyncio.to_thread(_qr_letter, user, invitation)),
            await p.notify.seal(letters.code_letter(user.email, user.locale, user.name, code, expires)),
        ]
        async with p.database.write() as connection:
            await store.add_enrolment(connection, enrolment, p.clock.now())
            for letter in post:
                await p.notify.enqueue(connection, letter)
            await p.audit.record(connection, Event("enrolment.opened", actor, f"user:{user.id}", details={"id": id}))
        return invitation

    async def offer(self, id: EnrolmentId) -> str:
        """Return the signed offer that a phone reads before it enrols; the same one until it expires.

        Raises NotFound, Expired.
        """
        async with self._refusals_told(id):
            return await self._offer(id)

    async def _offer(self, id: EnrolmentId) -> str:
        p = self._parts
        enrolment = await self._open_enrolment(id)
        if enrolment.offer is not None and rules.read_offer(enrolment.offer).expires > p.clock.now():
            return enrolment.offer
        made = await self._new_offer(enrolment)
        async with p.database.write() as connection:
            if not await store.set_offer(connection, enrolment, made):
                made = (await store.enrolment(connection, id)).offer or made
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
        return await self._signed(rules.OFFER, payload)

    async def enrol(self, id: EnrolmentId, jws: str, box: str) -> str:
        """Register a phone and return the signed receipt.

        Raises NotFound, Expired, BadRequest, ActivationRefused (counted), KeyInUse.
        """
        if receipt := await self._repeated(id, jws):
            return receipt
        async with self._refusals_told(id):
            try:
                return await self._enrol(id, jws, box)
            except (Expired, Conflict):
                # The same enrolment may have been taken while this one was looked at.
                if receipt := await self._repeated(id, jws):
                    return receipt
                raise

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
        enrolment = await self._open_enrolment(id)
        request = rules.read_request(jws, p.server, id)
        if request.nonce != enrolment.nonce:
            raise BadRequest("the enrolment carries the offer's nonce")
        if not request.proves(await self._secret(enrolment), await self._channel_key_hash()):
            await self._refuse_code(enrolment)
        if hashlib.sha256(box.encode()).digest() != request.sealed_sha256:
            raise BadRequest("sealed_sha256 is not the hash of the box")
        device = DeviceId(p.ids.new())
        pin_check = await self._pin_check(device, box, enrolment)
        user = await p.users.get(enrolment.user_id)
        receipt = await self._receipt(enrolment, device, user, jws)
        row = _row(request, enrolment) | {"id": device, "pin_check": pin_check, "receipt_jws": receipt}
        await self._register(row | {"enrolment_jws": jws}, user)
        return receipt

    async def _register(self, row: dict[str, Any], user: User) -> None:
        p = self._parts
        letter = await p.notify.seal(letters.new_device_letter(user.email, user.locale, user.name, row["name"]))
        event = Event("device.enrolled", f"device:{row['id']}", f"user:{user.id}", details={"name": row["name"]})
        try:
            async with p.database.write() as connection:
                await store.end_enrolment(connection, row["enrolment_id"], EnrolmentState.USED)
                await store.add_device(connection, row | {"enrolled_at": p.clock.now()})
                await p.notify.enqueue(connection, letter)
                await p.audit.record(connection, event)
        except IntegrityError as fault:
            raise KeyInUse("one of the phone's keys is registered already; a phone makes new keys to enrol") from fault

    async def _refuse_code(self, enrolment: Enrolment) -> None:
        p = self._parts
        limit = p.limits.enrolment_attempts
        subject = f"enrolment:{enrolment.id}"
        async with p.database.write() as connection:
            attempts = await store.count_attempt(connection, enrolment.id, limit)
            event = Event("enrolment.code_refused", "phone", subject, Outcome.REFUSED, {"attempts": str(attempts)})
            await p.audit.record(connection, event)
        left = limit - attempts
        ended = f"{left} tries are left" if left else "no try is left: ask for new letters"
        raise ActivationRefused(f"the activation code is wrong; {ended}", audited=True)

    async def _open_enrolment(self, id: EnrolmentId) -> Enrolment:
        async with self._parts.database.read() as connection:
            enrolment = await store.enrolment(connection, id)
        if enrolment.state is not EnrolmentState.OPEN or self._parts.clock.now() >= enrolment.expires_at:
            raise Expired("the QR code was used or has ended: ask for new letters")
        return enrolment

    async def _pin_check(self, device: DeviceId, box: str, enrolment: Enrolment) -> bytes:
        if enrolment.offer is None:
            raise BadRequest("an offer is read before the enrolment")
        offer = rules.read_offer(enrolment.offer)
        try:
            opened = await self._parts.boxes.open(box, offer.box_key, offer.binding)
        except AnswerRefused as fault:
            raise BadRequest("the box does not open: it is sealed to the offer's box key and bound to it") from fault
        return await self._parts.boxes.pin_check(device, opened.pin_proof)

    async def _receipt(self, enrolment: Enrolment, device: DeviceId, user: User, jws: str) -> str:
        payload = {
            "server": self._parts.server,
            "enrolment": enrolment.id,
            "enrolment_sha256": b64.url_encode(hashlib.sha256(jws.encode()).digest()),
            "device": device,
            "user": {"id": user.id, "login": user.login, "name": user.name},
            "counter": 0,
            "enrolled": timestamp(self._parts.clock.now()),
        }
        return await self._signed(rules.RECEIPT, payload)

    async def _signed(self, typ: str, payload: dict[str, Any]) -> str:
        return await channel.sign(self._parts.keys, typ, canonical.encode(payload))

    async def _channel_key_hash(self) -> str:
        key = await self._parts.keys.public_key(KeyName.DEVICE_CHANNEL)
        return rules.key_hash(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    async def _secret(self, enrolment: Enrolment) -> bytes:
        return (await self._secret_box(enrolment.id)).open(enrolment.sealed_secret or b"", enrolment.id.encode())

    async def _secret_box(self, id: EnrolmentId) -> SecretBox:
        return SecretBox(await self._parts.keys.hmac(KeyName.ENROLMENT, b"dss/enrol-store/v1\x00" + id.encode()))


def _qr_letter(user: User, invitation: Invitation) -> Letter:
    return letters.qr_letter(user.email, user.locale, user.name, invitation.qr_text, invitation.expires_at)


def _row(request: rules.Request, enrolment: Enrolment) -> dict[str, Any]:
    return {
        "user_id": enrolment.user_id,
        "enrolment_id": enrolment.id,
        "name": request.name,
        "platform": request.platform,
        "state": DeviceState.ACTIVE,
        "signature_jwk": request.signature_jwk,
        "encryption_jwk": request.encryption_jwk,
        "signature_thumbprint": jose.thumbprint(request.signature_jwk),
        "encryption_thumbprint": jose.thumbprint(request.encryption_jwk),
        "pin_failures": 0,
        "counter": 0,
    }
