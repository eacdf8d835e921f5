"""What keeps others from guessing: wrong tries in a row close a way in, for longer each time.

A way is named by what is tried, whose it is, and whether the browser signed in as them before: a stranger who guesses
closes the strangers' way only. What is tried of nobody is counted alike. Source: NIST SP 800-63B section 3.2.2.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import TooMany
from dss.kernel.ids import UserId
from dss.login import store
from dss.login.model import Where

IN_A_ROW = 5
AFTER_A_PAUSE = 3  # of passwords: who guesses once must not close at once what a pause has opened
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(minutes=15)
DOUBLINGS = 5  # until the longest
FORGOTTEN_AFTER = timedelta(hours=24)
PER_ADDRESS, ADDRESS_SPAN = 30, timedelta(minutes=1)
IPV6_SITE = 64  # the bits of an IPv6 address that its holder does not choose

Way = bytes
STRANGERS = b""


@dataclass(frozen=True, slots=True)
class Count:
    """Tries of one way, none of them right; a try is counted before it is checked.

    closed_until: no further one before. expires_at: when they are forgotten.
    """

    tries: int
    closed_until: datetime
    expires_at: datetime


def counted(count: Count, now: datetime, after_a_pause: int = 1) -> Count:
    """Return a way's count with one more try. Raises TooMany while the way is closed.

    after_a_pause: how many tries it takes then to close the way again.
    """
    _require_open(count, now)
    tries = 1 if now >= count.expires_at else count.tries + 1
    return Count(tries, now + pause_after(tries, after_a_pause), now + FORGOTTEN_AFTER)


def counted_of_address(count: Count, now: datetime) -> Count:
    """Return an address's count with one more try. Raises TooMany after 30 within a minute."""
    _require_open(count, now)
    fresh = now >= count.expires_at
    tries, ends = (1, now + ADDRESS_SPAN) if fresh else (count.tries + 1, count.expires_at)
    return Count(tries, ends if tries >= PER_ADDRESS else now, ends)


def given_back(count: Count, now: datetime) -> Count:
    """Return an address's count without a try that was right: it is open again."""
    return Count(max(count.tries - 1, 0), now, count.expires_at)


def pause_after(tries: int, after_a_pause: int = 1) -> timedelta:
    """Return for how long so many wrong tries in a row close a way: 30 s after five, then doubled up to 15 minutes."""
    pauses, more = divmod(tries - IN_A_ROW, after_a_pause)
    if pauses < 0 or more:
        return timedelta(0)
    return min(FIRST_PAUSE * (1 << min(pauses, DOUBLINGS)), LONGEST_PAUSE)


def way_of(kind: str, who: str, browser_sha256: bytes = STRANGERS) -> Way:
    """Return the name of a way, 32 bytes. browser_sha256: of a browser that is known, or of none."""
    parts = (kind.encode(), who.encode(errors="replace"), browser_sha256)
    return hashlib.sha256(b"".join(len(part).to_bytes(4) + part for part in parts)).digest()


class Tries:
    """Counts tries, exactly however many come at once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def way(self, kind: str, who: str, user_id: UserId | None, where: Where) -> Way:
        """Return the way in of a browser. who: what the person says they are; user_id: who that is, if anybody."""
        async with self._database.read() as connection:
            known = await store.knows_browser(connection, user_id or "", where.browser_sha256)
        return way_of(kind, who, where.browser_sha256 if known and where.browser else STRANGERS)

    async def ways(self, kind: str, who: str, user_id: UserId) -> list[Way]:
        """Return all ways in of a signer."""
        async with self._database.read() as connection:
            browsers = await store.browsers_of(connection, user_id)
        return [way_of(kind, who, browser) for browser in (STRANGERS, *browsers)]

    async def count(self, way: Way, after_a_pause: int = 1) -> None:
        """Count a try that is checked next. Raises TooMany when it may not be: the way is closed."""
        async with self._database.write() as connection:
            await self._change(connection, way, partial(counted, after_a_pause=after_a_pause))

    async def count_address(self, where: Where) -> None:
        """Count a try of whomever from an address. Raises TooMany after 30 within a minute."""
        async with self._database.write() as connection:
            await self._change(connection, _way_of_address(where), counted_of_address)

    async def give_back(self, connection: AsyncConnection, where: Where) -> None:
        """Take back the try of an address that was right, in the transaction of what it brings."""
        await self._change(connection, _way_of_address(where), given_back)

    async def reset(self, connection: AsyncConnection, *ways: Way) -> None:
        """Forget the wrong tries after a right one, in the transaction of what it brings."""
        await store.reset_counts(connection, ways, self._clock.now())

    async def _change(self, connection: AsyncConnection, way: Way, rule: Callable[[Count, datetime], Count]) -> None:
        now = self._clock.now()
        new = rule(Count(*await store.hold_count(connection, way, now)), now)
        await store.write_count(connection, way, (new.tries, new.closed_until, new.expires_at))


def _require_open(count: Count, now: datetime) -> None:
    if now < count.closed_until:
        wait = math.ceil((count.closed_until - now).total_seconds())
        raise TooMany(f"too many wrong tries: try again in {wait} s", retry_after=wait)


def _way_of_address(where: Where) -> Way:
    return way_of("address", site_of(where.address))


def site_of(address: str) -> str:
    """Return what one caller's addresses have in common."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, IPV6_SITE), strict=False)) if isinstance(known, IPv6Address) else str(known)
