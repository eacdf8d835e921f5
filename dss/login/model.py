"""What a signer's session is, and the pure rules over it. Source: docs/authorization.md section 7."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from dss.kernel.errors import Forbidden
from dss.kernel.ids import LoginId, UserId

AFTER_FIRST = timedelta(minutes=10)  # how long a session waits for its second factor
FRESH = timedelta(minutes=5)  # how young a sign-in is that may change how its signer signs in


class NotFresh(Forbidden):
    """What is asked for takes a sign-in of the last minutes: sign in again, and ask once more."""

    code, title = "not_fresh", "The sign-in is too old for this"


class Factor(StrEnum):
    """By what a person proves who they are."""

    PASSWORD = "password"  # noqa: S105  a factor
    CERTIFICATE = "certificate"
    PHONE = "phone"
    TOTP = "totp"
    PASSKEY = "passkey"


FIRST = frozenset({Factor.PASSWORD, Factor.CERTIFICATE})
SECOND = (Factor.PHONE, Factor.TOTP, Factor.PASSKEY)


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides about signing in.

    second:   the second factors that are taken. idle: how long a session lives without use. lifetime: in all.
    """

    second: tuple[Factor, ...] = SECOND
    idle: timedelta = timedelta(minutes=30)
    lifetime: timedelta = timedelta(hours=12)


class Standing(StrEnum):
    """How far a session is."""

    HALF = "half"
    FULL = "full"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Where:
    """From where somebody signs in.

    address: of the network. agent: what the browser says it is, cut to what is shown. browser: 43 characters that
    stand for the browser, kept there in a cookie.
    """

    address: str
    agent: str
    browser: str

    @property
    def browser_sha256(self) -> bytes:
        """What is kept of the browser's cookie."""
        return hashlib.sha256(self.browser.encode()).digest()


@dataclass(frozen=True, slots=True)
class Session:
    """A signer who signs in, or has.

    first, second: by what; second is None until then.
    browser_sha256: of the browser's own cookie. renewals: how often the session's cookie was written anew.
    used_at:        the latest use that was written down. ends_at: at the latest.
    """

    id: LoginId
    user_id: UserId
    standing: Standing
    first: Factor
    second: Factor | None
    browser_sha256: bytes
    address: str
    agent: str
    renewals: int
    created_at: datetime
    used_at: datetime
    ends_at: datetime

    @property
    def actor(self) -> str:
        """The signer as the log names them."""
        return f"user:{self.user_id}"

    def lives(self, now: datetime, idle: timedelta) -> bool:
        """Return True until its end, or until it was not used for so long."""
        return self.standing is not Standing.ENDED and now < self.ends_at and now < self.used_at + idle

    def require_fresh(self, now: datetime) -> None:
        """Raise NotFresh unless the signer has proven who they are, with both factors, in the last 5 minutes.

        A session in other hands must not grow into a way of signing in. The first factor's time counts.
        """
        if self.standing is not Standing.FULL or now >= self.created_at + FRESH:
            minutes = int(FRESH.total_seconds()) // 60
            raise NotFresh(f"this needs a sign-in of the last {minutes} minutes: sign in again")

    def completed(self, second: Factor, now: datetime, lifetime: timedelta) -> Self:
        """Return the session after its second factor."""
        return replace(
            self,
            standing=Standing.FULL,
            second=second,
            renewals=self.renewals + 1,
            used_at=now,
            ends_at=now + lifetime,
        )

    def used(self, now: datetime) -> Self:
        """Return the session with a use written down."""
        return replace(self, used_at=now)

    def ended(self) -> Self:
        """Return the session at its end."""
        return replace(self, standing=Standing.ENDED)


@dataclass(frozen=True, slots=True)
class Signed:
    """A session as it begins, and the text of its cookie: told now and never again."""

    session: Session
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Password:
    """What is kept of a signer's password.

    hash: of Argon2id as it encodes it; empty where the password must be set anew.
    """

    user_id: UserId
    hash: str = field(repr=False)
    set_at: datetime


@dataclass(frozen=True, slots=True)
class SignerCertificate:
    """A certificate by which a signer signs in.

    sha256:     of its DER, in lower-case hexadecimal. subject: as RFC 4514 writes it, cut to 500 characters.
    removed_at: since when it opens nothing, or None.
    """

    id: str
    sha256: str
    user_id: UserId
    subject: str
    added_at: datetime
    removed_at: datetime | None = None
