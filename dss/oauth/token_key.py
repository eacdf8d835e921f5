"""The keys that sign access tokens, one after another, and the rules of their change.

A new key is shown for an hour before it signs, so that whoever keeps a copy of the key set has it by then. The one
before is shown until the last token that it signed has ended, and then destroyed.
Source: docs/authorization.md section 5.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from dss.hsm.token_keys import FIRST
from dss.infra.schema import EPOCH

SHOWN_BEFORE = timedelta(hours=1)
SHOWN_AFTER = timedelta(minutes=1)  # more than clocks differ


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs access tokens. number: of its label in the HSM. signs_from: until the next one does."""

    number: int
    signs_from: datetime


ONLY = (TokenKey(FIRST, EPOCH),)  # before there was a second


def in_use(keys: Sequence[TokenKey], now: datetime) -> TokenKey:
    """Return the key that signs; keys: in the order of their numbers, at least one."""
    return next((key for key in reversed(keys) if key.signs_from <= now), keys[0])


def over(keys: Sequence[TokenKey], now: datetime, lifetime: timedelta) -> list[TokenKey]:
    """Return the keys whose tokens have all ended; lifetime: of tokens."""
    return [key for key, after in pairwise(keys) if after.signs_from + lifetime + SHOWN_AFTER <= now]
