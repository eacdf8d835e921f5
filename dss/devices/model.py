"""What the server knows of phones, and the pure rules over it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from dss.kernel.ids import BoxKeyId, DeviceId, EnrolmentId, UserId

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


class DeviceState(StrEnum):
    """Whether a phone may answer."""

    ACTIVE = "active"
    LOCKED = "locked"


@dataclass(frozen=True, slots=True)
class Device:
    """A registered phone.

    pin_check:    HMAC by the HSM over the PIN proof, 32 bytes.
    locked_until: when a lock ends by itself; None for one that does not.
    counter:      the greatest in any answer so far.
    """

    id: DeviceId
    user_id: UserId
    name: str
    platform: str
    state: DeviceState
    signature_jwk: Jwk
    pin_check: bytes = field(repr=False)
    pin_failures: int
    locked_until: datetime | None
    counter: int
    enrolled_at: datetime

    def is_locked(self, now: datetime) -> bool:
        """Return True while the phone may not answer."""
        if self.state is not DeviceState.LOCKED:
            return False
        return self.locked_until is None or now < self.locked_until


@dataclass(frozen=True, slots=True)
class Counted:
    """An answer as the phone's row remembers it; answer_sha256: of the JWS's text."""

    counter: int
    answer_sha256: bytes


@dataclass(frozen=True, slots=True)
class BoxKey:
    """A key that phones seal their boxes to: its private half is in the HSM until it is destroyed."""

    id: BoxKeyId
    jwk: Jwk
    superseded_at: datetime


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides about phones.

    enrolment_lifetime: from the letters to the end of the activation code.
    enrolment_attempts: wrong activation codes before the enrolment is dead.
    pin_attempts:       wrong PINs in a row before the phone is locked.
    pin_lock:           how long that lock lasts.
    box_key_lifetime:   how long one box key is given out.
    """

    enrolment_lifetime: timedelta = timedelta(days=7)
    enrolment_attempts: int = 3
    pin_attempts: int = 3
    pin_lock: timedelta = timedelta(hours=3)
    box_key_lifetime: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the two letters of an enrolment say, each its own part."""

    enrolment_id: EnrolmentId
    qr_text: str
    activation_code: str = field(repr=False)
    expires_at: datetime
