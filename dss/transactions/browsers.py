"""Whether a request reaches phones by itself: by policy only from a browser whose request a scan once opened."""

import hashlib
from dataclasses import dataclass
from typing import Self

from dss.kernel import canonical
from dss.kernel.ids import ClientId, UserId
from dss.kernel.policy import Link
from dss.transactions import linking_store
from dss.transactions.model import Reach
from dss.transactions.parts import Parts


@dataclass(frozen=True, slots=True)
class Browser:
    """What waits for a person's answer at a relying application; sha256: of its name, empty where it has none."""

    user_id: UserId
    client_id: ClientId
    sha256: bytes

    @classmethod
    def named(cls, user_id: UserId, client_id: ClientId, name: str) -> Self:
        """Return a browser by what the relying application calls it; of another person the same name is another."""
        if not name:
            return cls(user_id, client_id, b"")
        text = canonical.encode([user_id, client_id, name])
        return cls(user_id, client_id, hashlib.sha256(b"dss/browser/v1\x00" + text).digest())


async def reach(parts: Parts, policy: Link, browser: Browser) -> Reach:
    """Return whom a request from a browser reaches."""
    if policy is Link.OFF:
        return Reach.PHONES
    if policy is Link.ALWAYS or not browser.sha256:
        return Reach.LINK
    async with parts.database.read() as connection:
        known = await linking_store.knows_browser(connection, browser.user_id, browser.client_id, browser.sha256)
    return Reach.PHONES if known else Reach.LINK
