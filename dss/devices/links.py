"""The link by which a phone opens what a requester's page asks: a code that changes each second.

Source: docs/device-protocol.md section 10.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel import b64, canonical
from dss.kernel.errors import Expired
from dss.kernel.ids import TransactionId

REFRESH_S, LONGEST_AGE_S, AHEAD_S = 1, 3, 1
LABEL, PAGE_LABEL = b"dss/link/v1\x00", b"dss/wait/v1\x00"


@dataclass(frozen=True, slots=True)
class Linked:
    """What a code stands for.

    relying_application: the id that the request names. binding: of the request, 32 bytes.
    """

    transaction: TransactionId
    relying_application: str
    binding: bytes

    def code(self, secret: bytes, time: int) -> str:
        """Return the code of a time in whole seconds since 1970: 43 characters of base64url."""
        member = {
            "binding": b64.url_encode(self.binding),
            "relying_application": self.relying_application,
            "time": time,
            "transaction": self.transaction,
        }
        return _mac(secret, LABEL + canonical.encode(member))

    def is_right(self, secret: bytes, time: int, code: str) -> bool:
        """Return True when a code is the one of a time, however old; it takes as long when it is not."""
        return hmac.compare_digest(self.code(secret, time).encode(), code.encode())


def text(server: str, transaction: TransactionId, time: int, code: str) -> str:
    """Return the text of the QR; server: the base URL."""
    return f"dss-link:v1?u={quote(server, safe='')}&t={transaction}&s={time}&a={code}"


def require_fresh(time: int, now: datetime) -> None:
    """Raise Expired unless a code is at most LONGEST_AGE_S old, and at most AHEAD_S ahead."""
    age = now.timestamp() - time
    if age > LONGEST_AGE_S:
        raise Expired(f"the code is more than {LONGEST_AGE_S} seconds old: scan the one that is shown now")
    if age < -AHEAD_S:
        raise Expired(f"the code is more than {AHEAD_S} second ahead of the server's time")


def page_code(secret: bytes, transaction: TransactionId) -> str:
    """Return what lets a browser see the page of a transaction; it tells nothing of the secret that it is made of."""
    return _mac(secret, PAGE_LABEL + transaction.encode())


def page(server: str, transaction: TransactionId, secret: bytes) -> str:
    """Return the URL of that page; server: the base URL."""
    return f"{server}/wait/{transaction}?k={page_code(secret, transaction)}"


class LinkSecrets:
    """Makes the secret of each transaction, which only the server and the relying application that asks know."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys

    async def of(self, transaction: TransactionId) -> bytes:
        """Return the secret of a transaction, 32 bytes; of one that there is not, too. Raises HsmUnavailable."""
        return await self._keys.hmac(KeyName.ENROLMENT, b"dss/link-secret/v1\x00" + transaction.encode())


def _mac(secret: bytes, data: bytes) -> str:
    return b64.url_encode(hmac.digest(secret, data, hashlib.sha256))
