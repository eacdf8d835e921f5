"""The verb by which clients take back their own tokens. Source: RFC 7009."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.kernel.ids import GrantId
from dss.oauth.access_token import Claims
from dss.oauth.client_authentication import ClientAuthentication, ClientProof
from dss.oauth.known_tokens import KnownTokens, RefreshToken
from dss.oauth.revoked import Revoked

WHY = "revoked by the client"


class Revocation:
    """Ends tokens before their time."""

    def __init__(
        self,
        authentication: ClientAuthentication,
        known: KnownTokens,
        revoked: Revoked,
        database: Database,
        audit: Audit,
    ) -> None:
        self._authentication = authentication
        self._known = known
        self._revoked = revoked
        self._database = database
        self._audit = audit

    async def revoke(self, proof: ClientProof, text: str) -> None:
        """End a client's token, and with a signer's the grant that it was given for: all its tokens (section 2.1).

        A text that is no token, one that has ended and one of another client change nothing, and nobody is told which
        it was (section 2.2). Raises InvalidRequest, InvalidClient, HsmUnavailable, Overtaken.
        """
        proven = await self._authentication.authenticate(proof)
        token = await self._known.read(text)
        mine = token if token is not None and token.client_id == proven.client.id else None
        access = mine if isinstance(mine, Claims) else None
        async with self._database.write() as connection:
            await self._authentication.spend(connection, proven)
            if access is not None:
                await self._end(connection, access)
        if access is not None:
            self._revoked.note(access.id)
        grant_id = _grant_of(mine)
        if grant_id is not None:
            await self._known.grants.end(grant_id, WHY, f"client:{proven.client.id}")

    async def _end(self, connection: AsyncConnection, claims: Claims) -> None:
        await self._revoked.add(connection, claims.id, datetime.fromtimestamp(claims.expires, UTC))
        await self._audit.record(connection, Event("token.revoked", f"client:{claims.client_id}", f"token:{claims.id}"))


def _grant_of(token: Claims | RefreshToken | None) -> GrantId | None:
    if isinstance(token, RefreshToken):
        return token.grant.id
    return None if token is None else token.grant_id
