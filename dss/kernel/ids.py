"""Typed, sortable identifiers: 26 characters, a 48-bit time in milliseconds and 80 random bits (the ULID form)."""

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NewType

from dss.kernel.clock import Clock

UserId = NewType("UserId", str)
ClientId = NewType("ClientId", str)
DeviceId = NewType("DeviceId", str)
EnrolmentId = NewType("EnrolmentId", str)
CredentialId = NewType("CredentialId", str)
TransactionId = NewType("TransactionId", str)
DocumentId = NewType("DocumentId", str)
BoxKeyId = NewType("BoxKeyId", str)
ProposalId = NewType("ProposalId", str)
EventId = NewType("EventId", str)
GrantId = NewType("GrantId", str)
LoginId = NewType("LoginId", str)
PasskeyId = NewType("PasskeyId", str)

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
LENGTH = 26
RANDOM_BITS = 80
ID = re.compile(f"[{CROCKFORD}]{{{LENGTH}}}")


class Ids:
    """Makes identifiers that sort by the order in which they were made here, and by time between makers."""

    def __init__(self, clock: Clock, random: Callable[[int], bytes] = secrets.token_bytes) -> None:
        self._clock = clock
        self._random = random
        self._last = 0

    def new(self) -> str:
        """Return a new identifier of 26 Crockford base32 characters, greater than every one before."""
        milliseconds = int(self._clock.now().timestamp() * 1000)
        fresh = milliseconds << RANDOM_BITS | int.from_bytes(self._random(RANDOM_BITS // 8))
        self._last = number = max(fresh, self._last + 1)
        return _written(number)


def is_id(text: str) -> bool:
    """Return whether a text has the form of an identifier; one that has not is nowhere in a database."""
    return ID.fullmatch(text) is not None


def least_at(moment: datetime) -> str:
    """Return the least identifier that can be made at a moment: those made before it sort before."""
    return _written(int(moment.timestamp() * 1000) << RANDOM_BITS)


def made_at(id: str) -> datetime:
    """Return when an identifier was made, to the millisecond. Raises ValueError on what is not an identifier."""
    number = 0
    for character in id:
        number = number << 5 | CROCKFORD.index(character)
    return datetime.fromtimestamp((number >> RANDOM_BITS) / 1000, UTC)


def _written(number: int) -> str:
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(LENGTH)))
