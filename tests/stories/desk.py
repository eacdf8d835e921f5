"""The desk of the stories of sessions: a signer whose key's policy allows them, and a session of theirs."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

import httpx
import sqlalchemy as sa

from dss.credentials.tables import occurrences
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Bounds, Policy
from tests.stories.shop import Shop
from tests.world.world import OPERATOR, PIN, Signer

HALF_AN_HOUR = Bounds(5, 30)


@dataclass(frozen=True)
class Desk:
    """A signer whose key's policy allows sessions, and a session of theirs."""

    shop: Shop
    signer: Signer
    session: str

    async def sign(self, *words: str, **more: Any) -> httpx.Response:
        """Ask for hashes of some words to be signed in the session."""
        hashes = [hash_of(word) for word in words]
        body = {"credential_id": self.signer.credential_id, "session_id": self.session, "hashes": hashes}
        return await self.shop.application.http.post("/v1/signatures", json=body | more)

    async def signed(self, *words: str) -> Any:
        """Have them signed; return the signature."""
        asked = await self.sign(*words)
        assert asked.status_code == 201, asked.text
        await self.shop.world.settle()
        return await self.shop.application.get(f"/v1/signatures/{asked.json()['id']}")

    async def told(self) -> Any:
        """Return how the session stands."""
        return await self.shop.application.get(f"/v1/sessions/{self.session}")


def hash_of(word: str) -> str:
    return base64.b64encode(hashlib.sha256(word.encode()).digest()).decode()


async def allowed(shop: Shop, bounds: Bounds = HALF_AN_HOUR) -> Signer:
    """Return a signer whose key's policy allows sessions."""
    signer = await shop.signer()
    key = CredentialId(signer.credential_id)
    await shop.world.services.policies.change_credential(key, Policy(session=bounds), OPERATOR)
    return signer


async def asked(
    shop: Shop, signer: Signer, signatures: int = 3, minutes: int = 15, *, status: int = 201, **more: str
) -> Any:
    """Ask a signer for a session."""
    bounds = {"signatures": signatures, "minutes": minutes}
    body = {"credential_id": signer.credential_id, "text": "Today's letters", **bounds, **more}
    return await shop.application.post("/v1/sessions", body, status=status)


async def begun(shop: Shop, signatures: int = 3, minutes: int = 15, bounds: Bounds = HALF_AN_HOUR) -> Desk:
    """Return a session that its signer confirmed; bounds: those of the key's policy."""
    signer = await allowed(shop, bounds)
    session = (await asked(shop, signer, signatures, minutes))["id"]
    await signer.phone.confirm(await signer.phone.show(session), PIN)
    await shop.world.settle()
    return Desk(shop, signer, session)


async def count(desk: Desk) -> int:
    """Return how many signatures the desk's key has made."""
    mine = (occurrences.c.credential_id == desk.signer.credential_id) & occurrences.c.consumed_at.is_not(None)
    async with desk.shop.world.services.database.read() as connection:
        return (await connection.execute(sa.select(sa.func.count()).where(mine))).scalar_one()
