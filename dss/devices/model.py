"""What the server knows of phones, and the pure rules over it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from dss.kernel.ids import BoxKeyId, CredentialId, DeviceId, EnrolmentId, TransactionId, UserId

Jwk = dict[str, str]


class EnrolmentState(StrEnum):
    """Where an enrolment stands."""

    OPEN = "open"
    USED = "used"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An invitation for one phone of one user.

    sealed_secret: the HKDF of the activation code, under a key of the HSM; None once the enrolment has ended.
    attempts:      wrong activation codes so far.
    offer:         the signed offer that was given out last, if any.
    """

    id: EnrolmentId
    user_id: UserId
    state: EnrolmentState
    sealed_secret: bytes | None
    nonce: str
    attempts: int
    expires_at: datetime
    offer: str | None

    def ended(self, state: EnrolmentState) -> Self:
        """Return the enrolment used up or dead: its secret is forgotten."""
        return replace(self, state=state, sealed_secret=None)

    def with_wrong_code(self, limit: int) -> Self:
        """Return the enrolment after one more wrong activation code; the last one kills it."""
        counted = replace(self, attempts=self.attempts + 1)
        return counted.ended(EnrolmentState.DEAD) if counted.attempts >= limit else counted


class DeviceState(StrEnum):
    """What was decided of a phone."""

    ACTIVE = "active"
    LOCKED = "locked"
    REMOVED = "removed"


class LockReason(StrEnum):
    """Why a phone is locked: wrong PINs, two phones with its keys, or because a person said so."""

    PIN = "pin"
    CLONE = "clone"
    OWNER = "owner"
    OPERATOR = "operator"


class Standing(StrEnum):
    """Where a phone stands at a moment: only an active one may answer."""

    ACTIVE = "active"
    WAITING = "waiting"
    LOCKED = "locked"
    REMOVED = "removed"


@dataclass(frozen=True, slots=True)
class Counted:
    """An answer as the phone's row remembers it; answer_sha256: of the JWS's text."""

    counter: int
    answer_sha256: bytes


@dataclass(frozen=True, slots=True)
class Introduction:
    """How a phone and the server came to know each other: what the phone said (JWS by its key), and the receipt of it.

    enrolment: the receipt names its hash. receipt: JWS by the channel key, which the phone pinned.
    """

    enrolment: str
    receipt: str


@dataclass(frozen=True, slots=True)
class Device:
    """A registered phone.

    pin_check:    HMAC by the HSM over the PIN proof, 32 bytes.
    pin_failures: wrong PINs in a row.
    locked_until: when a lock ends by itself; None for one that does not.
    counter:      the greatest in any answer so far.
    recent:       the latest answers, the newest last.
    active_from:  when a further phone's waiting time ends; None for an owner's first.
    """

    id: DeviceId
    user_id: UserId
    name: str
    platform: str
    state: DeviceState
    signature_jwk: Jwk
    encryption_jwk: Jwk
    pin_check: bytes = field(repr=False)
    pin_failures: int
    lock_reason: LockReason | None
    locked_until: datetime | None
    counter: int
    recent: tuple[Counted, ...]
    active_from: datetime | None
    enrolled_at: datetime
    introduction: Introduction = field(repr=False)

    def standing(self, now: datetime) -> Standing:
        """Return where the phone stands now."""
        if self.state is DeviceState.REMOVED:
            return Standing.REMOVED
        if self.state is DeviceState.LOCKED and (self.locked_until is None or now < self.locked_until):
            return Standing.LOCKED
        if self.active_from is not None and now < self.active_from:
            return Standing.WAITING
        return Standing.ACTIVE

    def until(self, now: datetime) -> datetime | None:
        """Return when the phone's lock or waiting time ends by itself, where it stands so now and does."""
        return {Standing.LOCKED: self.locked_until, Standing.WAITING: self.active_from}.get(self.standing(now))

    @property
    def is_removed(self) -> bool:
        """True for a phone that was removed for good."""
        return self.state is DeviceState.REMOVED

    @property
    def is_locked_for_good(self) -> bool:
        """True for a lock that does not end by itself."""
        return self.state is DeviceState.LOCKED and self.locked_until is None

    def may_answer(self, now: datetime) -> bool:
        """Return True while the phone may answer."""
        return self.standing(now) is Standing.ACTIVE

    def locked(self, reason: LockReason, until: datetime | None = None) -> Self:
        """Return the phone locked until a time, or for good."""
        return replace(self, state=DeviceState.LOCKED, lock_reason=reason, locked_until=until)

    def unlocked(self) -> Self:
        """Return the phone with no lock and no wrong PIN counted."""
        return replace(self, state=DeviceState.ACTIVE, lock_reason=None, locked_until=None, pin_failures=0)

    def removed(self) -> Self:
        """Return the phone removed for good."""
        return replace(self, state=DeviceState.REMOVED, lock_reason=None, locked_until=None)


@dataclass(frozen=True, slots=True)
class BoxKey:
    """A key that phones seal their boxes to: its private half is in the HSM until it is destroyed."""

    id: BoxKeyId
    jwk: Jwk
    superseded_at: datetime
    destroyed_at: datetime | None = None


class ShareState(StrEnum):
    """Where a share between two phones stands: it waits for the new phone, was taken, or was stopped."""

    WAITING = "waiting"
    TAKEN = "taken"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Share:
    """What one phone gave to another: ciphertext to the server.

    id:   of the transaction that confirmed it. request_jws, answer_jws: what was shown and answered.
    jwe:  sealed to the new phone; None once taken or stopped.
    """

    id: TransactionId
    from_device: DeviceId
    to_device: DeviceId
    state: ShareState
    credentials: tuple[CredentialId, ...]
    request_jws: str
    answer_jws: str
    jwe: str | None = field(repr=False)

    def ended(self, state: ShareState) -> Self:
        """Return the share taken or stopped: its ciphertext is forgotten."""
        return replace(self, state=state, jwe=None)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides about phones.

    enrolment_lifetime: from the letters to the end of the activation code.
    enrolment_attempts: wrong activation codes before the enrolment is dead.
    pin_attempts:       wrong PINs on each rung of the ladder.
    pin_ladder:         how long the lock of each rung lasts; the one after the last is for good.
    box_key_lifetime:   how long one box key is given out.
    new_phone_wait:     how long a further phone of an owner waits before it may do anything.
    phones:             how many phones one owner may have.
    """

    enrolment_lifetime: timedelta = timedelta(days=7)
    enrolment_attempts: int = 3
    pin_attempts: int = 3
    pin_ladder: tuple[timedelta, ...] = (timedelta(hours=3), timedelta(hours=24))
    box_key_lifetime: timedelta = timedelta(hours=1)
    new_phone_wait: timedelta = timedelta(hours=1)
    phones: int = 5


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the two letters of an enrolment say, each its own part."""

    enrolment_id: EnrolmentId
    qr_text: str
    activation_code: str = field(repr=False)
    expires_at: datetime
