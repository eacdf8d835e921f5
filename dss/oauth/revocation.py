"""The verb by which clients take back their own tokens. Source: RFC 7009."""

from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.infra.db import Database
from dss.oauth.access_token import Claims
from dss.oauth.client_authentication import ClientAuthentication, ClientProof
from dss.oauth.grant import Grant
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

        A grant that another client got is that one's: what was exchanged for a token of it ends alone.
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
        grant = await self._grant_of(mine)
        if grant is not None and grant.client_id == proven.client.id:
            await self._known.grants.end(grant.id, WHY, f"client:{proven.client.id}")

    async def _end(self, connection: AsyncConnection, claims: Claims) -> None:
        await self._revoked.add(connection, claims.id, datetime.fromtimestamp(claims.expires, UTC))
        await self._audit.record(connection, Event("token.revoked", f"client:{claims.client_id}", f"token:{claims.id}"))

    async def _grant_of(self, token: Claims | RefreshToken | None) -> Grant | None:
        if isinstance(token, RefreshToken):
            return token.grant
        return None if token is None or token.grant_id is None else await self._known.grants.get(token.grant_id)
