"""Sessions: one confirmation for a counted and timed number of signatures, for one application by one key.

Source: docs/device-protocol.md section 11.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Self

from dss.devices.request import Asked
from dss.kernel.errors import AnswerRefused, Conflict, Expired
from dss.kernel.ids import CredentialId, TransactionId
from dss.kernel.policy import Bounds

WHOLE_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A session that was confirmed; used: how many of its places are taken."""

    transaction: TransactionId
    credential_id: CredentialId
    signatures: int
    used: int
    started_at: datetime
    ends_at: datetime

    def require_goes_on(self, now: datetime) -> None:
        """Raise Expired once its time is over."""
        if not self.started_at <= now < self.ends_at:
            raise Expired("the session's time is over")

    def taking(self, count: int, now: datetime) -> Self:
        """Return it with so many more places taken. Raises Expired, Conflict when there are not so many left."""
        self.require_goes_on(now)
        if self.used + count > self.signatures:
            left = self.signatures - self.used
            raise Conflict(f"the session has {left} of its {self.signatures} signatures left, not {count}")
        return replace(self, used=self.used + count)


def bounds_of(asked: Asked) -> Bounds:
    """Return the bounds of the session that a request asks for. Raises AnswerRefused where it asks for none."""
    if set(asked.session) != {"signatures", "minutes"}:
        raise AnswerRefused
    return Bounds(asked.session["signatures"], asked.session["minutes"])


def require_within(session: Session, of: Asked, asked: Asked) -> None:
    """Raise AnswerRefused unless a request to sign is within a session.

    of: what was asked by the session. asked: what is to be signed in it.
    """
    place = asked.session.get("place", 0)
    same = (of.transaction, of.signer, of.relying_application, of.credential) == (
        asked.session.get("id"),
        asked.signer,
        asked.relying_application,
        asked.credential,
    )
    in_time = session.started_at < asked.issued + WHOLE_SECOND and asked.issued < session.ends_at
    taken = 0 < place <= place + asked.count - 1 <= min(session.used, session.signatures)
    if not (same and in_time and taken) or asked.relock:
        raise AnswerRefused("what is to be signed is not within the session")
