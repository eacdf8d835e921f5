"""What keeps others from guessing: wrong tries in a row close a way in, for longer each time.

A way is named by what is tried, whose it is, and whether the browser signed in as them before: a stranger who guesses
closes the strangers' way only. What is tried of nobody is counted alike. Source: NIST SP 800-63B section 3.2.2.
"""

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import TooMany
from dss.kernel.ids import UserId
from dss.login import store
from dss.login.model import Where

IN_A_ROW = 5
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


def counted(count: Count, now: datetime) -> Count:
    """Return a way's count with one more try. Raises TooMany while the way is closed."""
    _require_open(count, now)
    tries = 1 if now >= count.expires_at else count.tries + 1
    return Count(tries, now + pause_after(tries), now + FORGOTTEN_AFTER)


def counted_of_address(count: Count, now: datetime) -> Count:
    """Return an address's count with one more try. Raises TooMany after 30 within a minute."""
    _require_open(count, now)
    fresh = now >= count.expires_at
    tries, ends = (1, now + ADDRESS_SPAN) if fresh else (count.tries + 1, count.expires_at)
    return Count(tries, ends if tries >= PER_ADDRESS else now, ends)


def pause_after(tries: int) -> timedelta:
    """Return for how long so many wrong tries in a row close a way: 30 s after five, then doubled up to 15 minutes."""
    if tries < IN_A_ROW:
        return timedelta(0)
    return min(FIRST_PAUSE * (1 << min(tries - IN_A_ROW, DOUBLINGS)), LONGEST_PAUSE)


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

    async def count(self, way: Way) -> None:
        """Count a try that is checked next. Raises TooMany when it may not be: the way is closed."""
        await self._count(way, counted)

    async def count_address(self, where: Where) -> None:
        """Count a try of whomever from an address. Raises TooMany after 30 within a minute."""
        await self._count(way_of("address", _site(where.address)), counted_of_address)

    async def reset(self, connection: AsyncConnection, *ways: Way) -> None:
        """Forget the wrong tries after a right one, in the transaction of what it brings."""
        await store.reset_counts(connection, ways, self._clock.now())

    async def _count(self, way: Way, rule: Callable[[Count, datetime], Count]) -> None:
        now = self._clock.now()
        async with self._database.write() as connection:
            held = Count(*await store.hold_count(connection, way, now))
            new = rule(held, now)
            await store.write_count(connection, way, (new.tries, new.closed_until, new.expires_at))


def _require_open(count: Count, now: datetime) -> None:
    if now < count.closed_until:
        wait = math.ceil((count.closed_until - now).total_seconds())
        raise TooMany(f"too many wrong tries: try again in {wait} s", retry_after=wait)


def _site(address: str) -> str:
    """Return what one caller's addresses have in common."""
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, IPV6_SITE), strict=False)) if isinstance(known, IPv6Address) else str(known)
