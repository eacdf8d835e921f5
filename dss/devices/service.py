"""The verbs over registered phones: know them by their key, show them requests, check and count their answers."""

import hashlib
import hmac
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, Outcome
from dss.audit.seals import Draft, Sealed, Seals
from dss.devices import answer as answers
from dss.devices import channel, counting, proof, store
from dss.devices.answer import Answer, Came, Decision
from dss.devices.boxes import Boxes, Opened, Sealing
from dss.devices.counting import Try, Verdict
from dss.devices.model import Counted, Device, Limits
from dss.devices.own_requests import OwnRequests
from dss.devices.request import REQUEST, Asked, is_shown
from dss.hsm.servicekeys import ServiceKeys
from dss.infra import once
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import AnswerRefused, Locked, NotFound, Overtaken, Tampered, Unauthenticated
from dss.kernel.ids import DeviceId, UserId


@dataclass(frozen=True, slots=True)
class Examined:
    """An answer whose signature verified with the phone's key, not yet counted.

    device:       the phone as it was when the answer was examined.
    fits:         every member, and the box, fit the request.
    secret_right: PIN, and the key's password where there is one, are right; True where there was nothing to look at.
    password_wrong: it was the key's password that is not right.
    number_right: whether the person compared or chose what stood on the requester's page.
    opened:       what was in the box of a confirmation that fits.
    """

    answer: Answer
    device: Device
    fits: bool
    secret_right: bool = True
    password_wrong: bool = False
    number_right: bool = True
    opened: Opened | None = field(default=None, repr=False)

    @property
    def is_confirmation(self) -> bool:
        """True for a confirmation that nothing is wrong with so far."""
        return self.fits and self.secret_right and self.confirms

    @property
    def confirms(self) -> bool:
        """True where the person confirmed what was asked, and not what another asks."""
        return self.number_right and self.answer.decision is Decision.CONFIRM

    @property
    def answer_sha256(self) -> bytes:
        """The hash by which this answer is remembered."""
        return hashlib.sha256(self.answer.jws.text).digest()


@dataclass(frozen=True, slots=True)
class Weighed:
    """What an answer comes to, and the phone's row after it; None where that does not change."""

    verdict: Verdict
    draft: Draft[Device] | None


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
    seals: Seals
    clock: Clock
    limits: Limits


class Devices:
    """Registered phones. requests: what was signed for them."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.requests = OwnRequests(parts.keys)

    async def authenticate(self, proof_jws: str, call: proof.Call) -> Device:
        """Return the phone that made a DPoP proof for this call; it may be waiting or locked, but not removed.

        Raises Unauthenticated; a proof is good once.
        """
        now = self._parts.clock.now()
        thumbprint, jti = proof.check(proof_jws, call, now)
        device = await self._known_by(thumbprint)
        async with self._parts.database.write() as connection:
            if not await once.use(connection, "dpop", f"{device.id}:{jti}", proof.expiry(now)):
                raise Unauthenticated("the DPoP proof was used before")
        return device

    async def _known_by(self, thumbprint: str) -> Device:
        p = self._parts
        try:
            async with p.database.read() as connection:
                stored = await store.device_by_key(connection, thumbprint)
        except NotFound as fault:
            raise Unauthenticated("the DPoP proof is by no registered key") from fault
        device = (await p.seals.prove(stored)).value
        if device.is_removed:
            raise Unauthenticated("the phone was removed")
        return device

    async def sealed(self, id: DeviceId) -> Sealed[Device]:
        """Return a phone with its seal, to change it. Raises NotFound, Tampered."""
        async with self._parts.database.read() as connection:
            stored = await store.device(connection, id)
        return await self._parts.seals.prove(stored)

    async def get(self, id: DeviceId) -> Device:
        """Return a phone. Raises NotFound, Tampered."""
        return (await self.sealed(id)).value

    async def of_user(self, user_id: UserId) -> list[Device]:
        """Return a user's phones, oldest first, without those that were removed. Raises Tampered."""
        return [device for device in await self.ever_of_user(user_id) if not device.is_removed]

    async def ever_of_user(self, user_id: UserId) -> list[Device]:
        """Return all the phones that a user has or had, oldest first. Raises Tampered."""
        async with self._parts.database.read() as connection:
            stored = await store.devices_of(connection, user_id)
        return [sealed.value for sealed in await self._parts.seals.prove_all(stored)]

    async def sign_request(self, payload: bytes) -> str:
        """Sign a confirmation request for phones. Raises HsmUnavailable."""
        return await channel.sign(self._parts.keys, REQUEST, payload)

    async def examine(self, device: Device, came: Came, asked: Asked, salt: bytes = b"") -> Examined:
        """Check all of an answer that came in but its counter.

        salt: of the commitment to the number to be chosen. A wrong number ends the transaction, and nothing else of the
        answer is looked at: it is no try of the PIN.
        Raises AnswerRefused when its form, its signature or its time is wrong: such an answer does not count as a try.
        """
        answer = _signed_answer(device, came.answer)
        if abs(self._parts.clock.now().timestamp() - answer.iat) > proof.SKEW_S:
            raise AnswerRefused
        fits = answer.answers(asked, came)
        examined = Examined(answer, device, fits=fits, number_right=not fits or _is_matched(answer, asked, salt))
        if not examined.is_confirmation:
            return examined
        try:
            opened = await self._open(came.box or "", asked)
        except AnswerRefused:
            return replace(examined, fits=False)
        right = await self._is_pin_of(device, opened.pin_proof)
        return replace(examined, secret_right=right, opened=opened)

    async def weigh(self, examined: Examined) -> Weighed:
        """Decide what an answer comes to, upon the phone's row as it is now, and seal what the row becomes.

        Raises Locked when the phone may not answer, Tampered, AnswerRefused when its PIN was changed meanwhile.
        """
        p = self._parts
        sealed = await self.sealed(examined.device.id)
        self.require_able(sealed.value)
        if sealed.value.pin_check != examined.device.pin_check:
            raise AnswerRefused
        tried = Try(
            Counted(examined.answer.counter, examined.answer_sha256),
            fits=examined.fits,
            secret_right=examined.secret_right,
            confirms=examined.confirms,
        )
        verdict, after = counting.count(sealed.value, tried, p.limits, p.clock.now())
        return Weighed(verdict, None if after is sealed.value else await p.seals.draft(sealed, after))

    async def count(self, connection: AsyncConnection, weighed: Weighed) -> None:
        """Write what a weighed answer made of its phone, in the caller's transaction. Raises Overtaken."""
        draft = weighed.draft
        if draft is not None:
            await self._parts.seals.write(connection, draft, _counted_event(draft))

    async def require_still_free(self, connection: AsyncConnection, device: Device) -> None:
        """Keep a phone from being locked or removed until the caller's commit. Raises Overtaken when it was."""
        if await store.state_of(connection, device.id) is not device.state:
            raise Overtaken("the phone was stopped; try again")

    def require_able(self, device: Device) -> None:
        """Raise Locked unless the phone may answer now."""
        standing = device.standing(self._parts.clock.now())
        if not device.may_answer(self._parts.clock.now()):
            raise Locked(f"the phone is {standing}")

    async def attest(self, device_id: DeviceId, came: Came, asked: Asked, salt: bytes = b"") -> Attested:
        """Verify a stored confirmation again from its bytes, without opening its box.

        salt: of the commitment to the number to be chosen.

        Takes nothing on trust from any state: the signature and every member are checked anew against the phone's
        sealed row, and the counter against the greatest that was counted. Raises AnswerRefused, Locked, Tampered.
        """
        device = await self.get(device_id)
        self.require_able(device)
        answer = _signed_answer(device, came.answer)
        in_time = answer.iat <= asked.expires.timestamp() + proof.SKEW_S
        right = answer.decision is Decision.CONFIRM and answer.answers(asked, came) and in_time
        right = right and _is_matched(answer, asked, salt)
        if not right or answer.counter > device.counter or device.user_id != asked.signer:
            raise AnswerRefused
        return Attested(device, answer)

    async def require_shown(self, device: Device, request_jws: str, asked: Asked) -> None:
        """Raise Tampered, with an alarm, unless a JWS is what was asked, signed by the channel key that a phone pinned.

        What was confirmed or declined is proven by it, to those who do not ask the server.
        """
        if is_shown(request_jws, asked, device.introduction.receipt):
            return
        audit = self._parts.seals.audit
        await audit.alarm(f"transaction:{asked.transaction}", "the signed request is not the one that was answered")
        raise Tampered("the signed request is not the one that was answered", audited=True)

    async def secrets_of(self, attested: Attested, box: str, asked: Asked) -> Opened:
        """Open the box of an attested confirmation, and check its PIN proof. Raises AnswerRefused, HsmUnavailable."""
        opened = await self._open(box, asked)
        if not await self._is_pin_of(attested.device, opened.pin_proof):
            raise AnswerRefused
        return opened

    async def pin_check(self, device: DeviceId, pin_proof: bytes) -> bytes:
        """Return what the server keeps of a new PIN."""
        return await self._parts.boxes.pin_check(device, pin_proof)

    async def _open(self, box: str, asked: Asked) -> Opened:
        return await self._parts.boxes.open(box, Sealing(asked.box_key, asked.binding, asked.sealed))

    async def _is_pin_of(self, device: Device, pin_proof: bytes) -> bool:
        return hmac.compare_digest(await self._parts.boxes.pin_check(device.id, pin_proof), device.pin_check)


def _counted_event(draft: Draft[Device]) -> Event:
    device, actor = draft.value, f"device:{draft.value.id}"
    details = {"counter": str(device.counter), "wrong_tries": str(device.pin_failures)}
    if device.lock_reason is None:
        return Event("device.answer_counted", actor, draft.sealed.name, details=details)
    return Event("device.locked", "server", draft.sealed.name, Outcome.REFUSED, details | {"why": device.lock_reason})


def _is_matched(answer: Answer, asked: Asked, salt: bytes) -> bool:
    return answer.decision is Decision.DECLINE or asked.verification.is_right(answer.number, salt)


def _signed_answer(device: Device, answer_jws: str) -> Answer:
    answer = answers.read(answer_jws)
    if answer.device != device.id or not answer.is_signed_by(device.signature_jwk):
        raise AnswerRefused
    return answer
