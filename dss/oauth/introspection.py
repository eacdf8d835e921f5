"""The verb that tells clients and resource servers what a token is good for. Source: RFC 7662."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dss.clients.model import Client
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import NotFound, Tampered
from dss.kernel.ids import ClientId, UserId
from dss.oauth.access_token import Claims
from dss.oauth.client_authentication import ClientAuthentication, ClientProof, Method
from dss.oauth.errors import InvalidClient
from dss.oauth.grant import Stage
from dss.oauth.issuer import Issuer
from dss.oauth.known_tokens import KnownTokens, RefreshToken
from dss.oauth.revoked import Revoked
from dss.users.service import Users


@dataclass(frozen=True, slots=True)
class Active:
    """What a token that is good says (section 2.2); an absent member is None or empty.

    token_type: as in the token response, or None for a refresh token.
    sub:        the signer, or the client where the token is its own. username: the signer's login.
    exp, iat:   seconds since 1970; auth_time: of when the signer proved who they are.
    jkt, x5t:   what it is bound to. act: who acts for the signer.
    """

    client_id: ClientId
    scope: str
    sub: str
    exp: int
    iat: int
    username: str | None = None
    token_type: str | None = None
    jti: str | None = None
    jkt: str = ""
    x5t: str = ""
    details: tuple[Mapping[str, Any], ...] = ()
    act: Mapping[str, Any] | None = None
    auth_time: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """What introspection is made of."""

    issuer: Issuer
    authentication: ClientAuthentication
    known: KnownTokens
    revoked: Revoked
    users: Users
    database: Database
    clock: Clock


class Introspection:
    """Tells of tokens."""

    def __init__(self, parts: Parts) -> None:
        self.issuer = parts.issuer
        self._parts = parts

    async def introspect(self, proof: ClientProof, text: str) -> Active | None:
        """Return what a token says; None for every text that is not a good token, or not the caller's to see.

        Raises InvalidRequest, InvalidClient also for a public client (section 2.1), HsmUnavailable, Unavailable.
        """
        parts = self._parts
        proven = await parts.authentication.authenticate(proof)
        if proven.method is Method.NONE:
            raise InvalidClient("a public client may not introspect tokens")
        async with parts.database.write() as connection:
            await parts.authentication.spend(connection, proven)
        token = await parts.known.read(text)
        if token is None or not (proven.client.profile.introspects or token.client_id == proven.client.id):
            return None
        if isinstance(token, RefreshToken):
            return await self._refresh(token)
        return await self._access(token, proven.client)

    async def _access(self, claims: Claims, asks: Client) -> Active | None:
        if await self._parts.revoked.refuses(claims):
            return None
        if claims.user_id is None:
            return _of_access(claims)
        grant = await self._parts.known.grant(claims.grant_id) if claims.grant_id else None
        username = await self._login(claims.user_id)
        if grant is None or grant.stage is Stage.ENDED or username is None:
            return None
        # Who exchanged another client's token learns of what was signed as much as the token itself says.
        sees = asks.profile.introspects or asks.id == grant.client_id
        return _of_access(claims, username, grant.details if sees else claims.details)

    async def _refresh(self, token: RefreshToken) -> Active | None:
        grant = token.grant
        good = grant.stage is Stage.REDEEMED and grant.lives(self._parts.clock.now())
        username = await self._login(grant.user_id)
        if not good or token.number != grant.generation or username is None:
            return None
        return Active(
            client_id=grant.client_id,
            scope=" ".join(grant.scopes),
            sub=grant.user_id,
            exp=_seconds(grant.expires_at),
            iat=_seconds(grant.created_at),
            username=username,
            jkt=grant.dpop_jkt,
            details=grant.details,
            auth_time=_seconds(grant.authenticated_at),
        )

    async def _login(self, id: UserId) -> str | None:
        """Return a signer's login; None where their row is gone or altered: nobody is to go by such a token."""
        try:
            return (await self._parts.users.get(id)).login
        except (NotFound, Tampered):
            return None


def _of_access(claims: Claims, username: str | None = None, details: tuple[Mapping[str, Any], ...] = ()) -> Active:
    return Active(
        client_id=claims.client_id,
        scope=" ".join(sorted(claims.scopes)),
        sub=claims.user_id or claims.client_id,
        exp=claims.expires,
        iat=claims.issued,
        username=username,
        token_type="DPoP" if claims.jkt else "Bearer",
        jti=claims.id,
        jkt=claims.jkt,
        x5t=claims.x5t,
        details=details,
        act=claims.act,
        auth_time=claims.auth_time,
    )


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())
