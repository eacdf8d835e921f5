"""The verbs of the authorization server: give a token to a client, and tell whose a token is.

The one grant is client_credentials (RFC 6749 section 4.4).
"""

import re
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.clients.model import Client
from dss.clients.service import Clients
from dss.infra import once
from dss.infra.db import Database
from dss.kernel.clock import Clock
from dss.kernel.errors import NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId
from dss.oauth import client_assertion, client_secret
from dss.oauth.access_token import AccessTokens, Minted
from dss.oauth.client_assertion import ASSERTION_TYPE, NOT_ACCEPTED, ClientAssertion
from dss.oauth.client_secret import ClientSecret
from dss.oauth.errors import InvalidClient, InvalidRequest, UnsupportedGrantType
from dss.oauth.jwks import KeySet, key_set
from dss.oauth.metadata import Metadata, metadata
from dss.oauth.scopes import granted

GRANT = "client_credentials"
CLIENT_ID = re.compile("[0-9A-HJKMNP-TV-Z]{26}")
USED_ASSERTIONS = "client_assertion"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token endpoint; an absent parameter is empty.

    authorization: the header's value.
    """

    grant_type: str
    scope: str = ""
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    client_assertion: str = field(default="", repr=False)
    client_assertion_type: str = ""
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class TokenResponse:
    """A token that was issued (RFC 6749 section 5.1). expires_in: seconds."""

    access_token: str = field(repr=False)
    token_type: str
    expires_in: int
    scope: str


@dataclass(frozen=True, slots=True)
class Caller:
    """The relying application whose access token came with a request."""

    client_id: ClientId
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """Who it is in the audit log."""
        return f"client:{self.client_id}"


@dataclass(frozen=True, slots=True)
class _Authenticated:
    """A client that proved who it is. assertion: what it proved it with, or None for a secret."""

    client: Client
    assertion: ClientAssertion | None = None


class Authorization:
    """Gives access tokens and knows them again."""

    def __init__(self, tokens: AccessTokens, clients: Clients, database: Database, audit: Audit, clock: Clock) -> None:
        self._tokens = tokens
        self._clients = clients
        self._database = database
        self._audit = audit
        self._clock = clock

    async def token(self, request: TokenRequest) -> TokenResponse:
        """Give an access token to a client that proves who it is.

        A client assertion is spent in the transaction that records the token: of any number of uses, one is served.
        Raises InvalidRequest, InvalidClient, UnsupportedGrantType, InvalidScope, HsmUnavailable.
        """
        if request.grant_type != GRANT:
            raise UnsupportedGrantType(f"the one grant type is {GRANT}")
        proved = await self._authenticated(request)
        scopes = granted(request.scope, proved.client.scopes)
        minted = await self._tokens.mint(proved.client.id, scopes)
        async with self._database.write() as connection:
            await self._spend(connection, proved)
            await self._audit.record(connection, _issued(minted, proved.client, scopes))
        return TokenResponse(minted.text, "Bearer", int(minted.lifetime.total_seconds()), " ".join(scopes))

    async def authenticate(self, bearer: str) -> Caller:
        """Return whose an access token is. Raises Unauthenticated, HsmUnavailable."""
        claims = await self._tokens.verify(bearer)
        return Caller(claims.client_id, claims.scopes)

    def metadata(self) -> Metadata:
        """Return what clients may read of this server."""
        return metadata(self._tokens.issuer)

    async def key_set(self) -> KeySet:
        """Return the public keys that the tokens verify with. Raises HsmUnavailable."""
        return key_set(await self._tokens.public_key())

    async def _authenticated(self, request: TokenRequest) -> _Authenticated:
        ways = [bool(way) for way in (request.authorization, request.client_secret, request.client_assertion)]
        if sum(ways) > 1:
            raise InvalidRequest("the client authenticates in more than one way")
        if request.client_assertion:
            return await self._by_assertion(request)
        if request.authorization:
            return await self._by_secret(request, client_secret.from_basic(request.authorization))
        if request.client_secret:
            return await self._by_secret(request, ClientSecret(request.client_id, request.client_secret))
        raise InvalidClient("the client does not authenticate")

    async def _by_secret(self, request: TokenRequest, claimed: ClientSecret) -> _Authenticated:
        try:
            client_id = _client_id(request, claimed.client_id)
            return _Authenticated(await self._clients.check_secret(client_id, claimed.secret))
        except (NotFound, Unauthenticated) as fault:
            raise InvalidClient("the client id or the secret is wrong") from fault

    async def _by_assertion(self, request: TokenRequest) -> _Authenticated:
        if request.client_assertion_type != ASSERTION_TYPE:
            raise InvalidRequest(f"client_assertion_type must be {ASSERTION_TYPE}")
        assertion = client_assertion.read(request.client_assertion)
        try:
            client = await self._clients.get(_client_id(request, assertion.client_id))
        except (NotFound, Tampered) as fault:  # what was altered is an alarm, and looks like what is unknown
            raise InvalidClient(NOT_ACCEPTED) from fault
        issuer = self._tokens.issuer
        assertion.verify(client.jwks, (issuer.url, issuer.token_endpoint), self._clock.now())
        return _Authenticated(client, assertion)

    async def _spend(self, connection: AsyncConnection, proved: _Authenticated) -> None:
        assertion = proved.assertion
        if assertion is None:
            return
        key = f"{proved.client.id} {assertion.jti}"
        if not await once.use(connection, USED_ASSERTIONS, key, assertion.forget_at):
            raise InvalidClient("the client assertion was used before")


def _client_id(request: TokenRequest, proved: str) -> ClientId:
    """Return the id that the proof names; a text that is no id is never asked of the database, which may refuse it.

    Raises InvalidRequest if the form names another client, NotFound.
    """
    if request.client_id not in {"", proved}:
        raise InvalidRequest("client_id is not the client that authenticates")
    if not CLIENT_ID.fullmatch(proved):
        raise NotFound("there is no such client")
    return ClientId(proved)


def _issued(minted: Minted, client: Client, scopes: tuple[str, ...]) -> Event:
    return Event("token.issued", f"client:{client.id}", f"token:{minted.id}", details={"scope": " ".join(scopes)})
