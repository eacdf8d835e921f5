"""The verbs over registered phones: know them by their key, show them requests, check and count their answers."""

import hashlib
import hmac
from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.service import Audit
from dss.devices import answer as answers
from dss.devices import channel, proof, store
from dss.devices.answer import Answer, Decision
from dss.devices.boxes import Boxes
from dss.devices.model import Counted, Device, Limits
from dss.devices.request import REQUEST, Asked
from dss.hsm.servicekeys import ServiceKeys
from dss.infra import once
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import AnswerRefused, Locked, NotFound, Unauthenticated
from dss.kernel.ids import DeviceId, UserId


class Verdict(StrEnum):
    """What a counted answer came to; a wrong PIN is refused like everything else, also the one that locks."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Examined:
    """An answer whose signature verified with the phone's key, not yet counted.

    fits:      every member, and the box, fit the request.
    pin_right: the PIN proof is the phone's; True where there was none to look at.
    k_act:     32 bytes from the box of a confirmation.
    """

    answer: Answer
    device: Device
    fits: bool
    pin_right: bool = True
    k_act: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Attested:
    """A confirmation whose signature and members were verified again from the stored bytes."""

    device: Device
    answer: Answer


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of."""

    database: Database
    keys: ServiceKeys
    boxes: Boxes
    audit: Audit
    clock: Clock
    limits: Limits


class Devices:
    """Registered phones."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def authenticate(self, proof_jws: str, call: proof.Call) -> Device:
        """Return the phone that made a DPoP proof for this call. Raises Unauthenticated; a proof is good once."""
        now = self._parts.clock.now()
        thumbprint, jti = proof.check(proof_jws, call, now)
        async with self._parts.database.read() as connection:
            try:
                device = await store.device_by_key(connection, thumbprint)
            except NotFound as fault:
                raise Unauthenticated("the DPoP proof is by no registered key") from fault
        async with self._parts.database.write() as connection:
            if not await once.use(connection, "dpop", f"{device.id}:{jti}", proof.expiry(now)):
                raise Unauthenticated("the DPoP proof was used before")
        return device

    async def get(self, id: DeviceId) -> Device:
        """Return a phone. Raises NotFound."""
        async with self._parts.database.read() as connection:
            return await store.device(connection, id)

    async def of_user(self, user_id: UserId) -> list[Device]:
        """Return a user's phones, oldest first."""
        async with self._parts.database.read() as connection:
            return await store.devices_of(connection, user_id)

    async def sign_request(self, payload: bytes) -> str:
        """Sign a confirmation request for phones. Raises HsmUnavailable."""
        return await channel.sign(self._parts.keys, REQUEST, payload)

    async def examine(self, device: Device, answer_jws: str, box: str | None, asked: Asked) -> Examined:
        """Check all of an answer that came in but its counter.

        Raises AnswerRefused when its form, its signature or its time is wrong: such an answer does not count as a try.
        """
        answer = _signed_answer(device, answer_jws)
        if abs(self._parts.clock.now().timestamp() - answer.iat) > proof.SKEW_S:
            raise AnswerRefused
        if not answer.answers(asked, box):
            return Examined(answer, device, fits=False)
        if box is None:
            return Examined(answer, device, fits=True)
        return await self._look_into(box, answer, device, asked)

    async def _look_into(self, box: str, answer: Answer, device: Device, asked: Asked) -> Examined:
        try:
            opened = await self._parts.boxes.open(box, asked.box_key, asked.binding)
        except AnswerRefused:
            return Examined(answer, device, fits=False)
        check = await self._parts.boxes.pin_check(device.id, opened.pin_proof)
        right = hmac.compare_digest(check, device.pin_check)
        return Examined(answer, device, fits=opened.k_act is not None, pin_right=right, k_act=opened.k_act)

    async def count(self, connection: AsyncConnection, examined: Examined) -> Verdict:
        """Count an answer in the caller's transaction, and lock the phone where that is due.

        The counter must rise: one that goes back means that two phones hold the same keys. The last answer that was
        counted may come again, as its reply may have been lost: it is refused again, and not counted. Raises Locked.
        """
        p, device = self._parts, examined.device
        counted = Counted(examined.answer.counter, hashlib.sha256(examined.answer.jws.text).digest())
        if await store.was_counted(connection, device.id, counted):
            return Verdict.REFUSED
        if not await store.raise_counter(connection, device.id, counted, p.clock.now()):
            await store.lock(connection, device.id, None)
            await self._record_lock(connection, device, "the counter went back")
            return Verdict.LOCKED
        if not examined.pin_right:
            return await self._count_wrong_pin(connection, device)
        if not examined.fits:
            return Verdict.REFUSED
        if examined.answer.decision is Decision.CONFIRM:
            await store.forget_wrong_pins(connection, device.id)
        return Verdict.ACCEPTED

    async def _count_wrong_pin(self, connection: AsyncConnection, device: Device) -> Verdict:
        p = self._parts
        if await store.count_wrong_pin(connection, device.id) >= p.limits.pin_attempts:
            await store.lock(connection, device.id, p.clock.now() + p.limits.pin_lock)
            await self._record_lock(connection, device, "too many wrong PINs")
        return Verdict.REFUSED

    async def _record_lock(self, connection: AsyncConnection, device: Device, why: str) -> None:
        event = Event("device.locked", "server", f"device:{device.id}", Outcome.REFUSED, {"why": why})
        await self._parts.audit.record(connection, event)

    async def attest(self, device_id: DeviceId, answer_jws: str, box: str, asked: Asked) -> Attested:
        """Verify a stored confirmation again from its bytes, without opening its box.

        Takes nothing on trust from any state: the signature and every member are checked anew against the phone's row.
        The counter was spent when the answer came in, so it is not looked at here. Raises AnswerRefused, Locked.
        """
        device = await self.get(device_id)
        if device.is_locked(self._parts.clock.now()):
            raise Locked("the phone is locked")
        answer = _signed_answer(device, answer_jws)
        in_time = answer.iat <= asked.expires.timestamp() + proof.SKEW_S
        right = answer.decision is Decision.CONFIRM and answer.answers(asked, box) and in_time
        if not right or device.user_id != asked.signer:
            raise AnswerRefused
        return Attested(device, answer)

    async def share_of(self, attested: Attested, box: str, asked: Asked) -> bytes:
        """Open the box of an attested confirmation, check its PIN proof, and return k_act, 32 bytes.

        Raises AnswerRefused, HsmUnavailable.
        """
        examined = await self._look_into(box, attested.answer, attested.device, asked)
        if not (examined.fits and examined.pin_right) or examined.k_act is None:
            raise AnswerRefused
        return examined.k_act


def _signed_answer(device: Device, answer_jws: str) -> Answer:
    answer = answers.read(answer_jws)
    if answer.device != device.id or not answer.is_signed_by(device.signature_jwk):
        raise AnswerRefused
    return answer
