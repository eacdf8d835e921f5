"""Challenges of passkeys: made for one session and one purpose, good once and for five minutes.

challenge = nonce (16 bytes) || seconds since 1970 (8 bytes) || code of this server over them, purpose and session
"""

import hmac
import secrets
from datetime import timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.hsm.stamps import Stamps
from dss.infra import once
from dss.kernel import b64
from dss.kernel.clock import Clock
from dss.kernel.errors import Conflict
from dss.login.model import Session

LABEL, SCOPE = "dss/passkey-challenge/v1", "passkey"
NONCE_BYTES, TIME_BYTES = 16, 8
GOOD_FOR = timedelta(minutes=5)


class Purpose(StrEnum):
    """What a challenge is for."""

    ADD = "add"
    CHECK = "check"


class Challenges:
    """Makes challenges and knows its own again; nothing is stored before one is used."""

    def __init__(self, stamps: Stamps, clock: Clock) -> None:
        self._stamps = stamps
        self._clock = clock

    async def make(self, session: Session, purpose: Purpose) -> bytes:
        """Return a new challenge, 56 bytes. Raises HsmUnavailable."""
        seconds = int(self._clock.now().timestamp()).to_bytes(TIME_BYTES)
        head = secrets.token_bytes(NONCE_BYTES) + seconds
        return head + await self._code(head, session, purpose)

    async def is_right(self, challenge: bytes, session: Session, purpose: Purpose) -> bool:
        """Tell whether a challenge was made for this, not too long ago. Raises HsmUnavailable."""
        head, code = challenge[: NONCE_BYTES + TIME_BYTES], challenge[NONCE_BYTES + TIME_BYTES :]
        if not hmac.compare_digest(code, await self._code(head, session, purpose)):
            return False
        made = int.from_bytes(head[NONCE_BYTES:])
        return self._clock.now().timestamp() < made + GOOD_FOR.total_seconds()

    async def spend(self, connection: AsyncConnection, challenge: bytes) -> None:
        """Use a challenge, in the transaction of what it brings. Raises Conflict the second time."""
        until = self._clock.now() + GOOD_FOR
        if not await once.use(connection, SCOPE, b64.url_encode(challenge), until):
            raise Conflict("the challenge was used already: begin anew")

    async def _code(self, head: bytes, session: Session, purpose: Purpose) -> bytes:
        return await self._stamps.mac(LABEL, b64.url_encode(head), purpose.value, session.id, session.user_id)
