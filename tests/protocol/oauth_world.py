"""The authorization server with several relying applications and a signer, over a real database and software keys."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.clients.model import RELYING, SCOPES, SIGNERS, Client
from dss.clients.profile import GrantType, Profile
from dss.clients.service import Clients, NewClient, Registered
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.infra.db import Database
from dss.infra.proxies import Proxies
from dss.kernel.errors import TooMany, Unauthenticated
from dss.kernel.ids import Ids, LoginId, UserId
from dss.login.model import Where
from dss.oauth import pkce
from dss.oauth.access_token import AccessTokens
from dss.oauth.by_client import ByClient
from dss.oauth.by_code import ByCode
from dss.oauth.by_password import ByPassword
from dss.oauth.by_refresh import ByRefresh
from dss.oauth.calling import Calling
from dss.oauth.client_authentication import ClientAuthentication
from dss.oauth.client_certificate import ClientCertificates
from dss.oauth.dpop import DpopProofs
from dss.oauth.exchange import Exchange
from dss.oauth.grant import NewGrant
from dss.oauth.grants import Grants, Parts
from dss.oauth.introspection import Introspection
from dss.oauth.introspection import Parts as IntrospectionParts
from dss.oauth.issuer import Issuer, Lifetimes
from dss.oauth.issuing import Issuing, Means
from dss.oauth.known_tokens import KnownTokens
from dss.oauth.metadata import Offered, metadata
from dss.oauth.revocation import Revocation
from dss.oauth.revoked import Revoked
from dss.oauth.token import TokenEndpoint
from dss.oauth.token_keys import TokenKeys
from dss.users.service import Users
from dss.web.oauth.api import OAUTH
from tests.world.asgi import BASE, application, client
from tests.world.clock import HandClock
from tests.world.dpop import DpopKey
from tests.world.intruder import Intruder
from tests.world.relying_app import RelyingApp
from tests.world.servicekeys import SoftwareServiceKeys

Headers = dict[str, str] | None

PROXY = Proxies(networks=(ip_network("127.0.0.1/32"),), header="Client-Cert")
CALLBACK = "https://shop.example/back"
VERIFIER = "a-verifier-that-only-its-client-has-ever-seen.~_"
ALICE, PASSWORD = UserId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y"), "Correct-Horse-7"
WITH_CODE = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
DETAIL = {"type": "signature", "credential_id": "0" * 26, "signature_id": "1" * 26, "text": "A contract"}


@dataclass
class SignerAtLogin:
    """As much of signing in as the token endpoint needs: one signer, the tries that were made, and a way to close."""

    tries: list[Where] = field(default_factory=list)
    closed: TooMany | None = None

    async def check_password(self, login: str, password: str, where: Where) -> UserId:
        self.tries.append(where)
        if self.closed:
            raise self.closed
        if (login, password) != ("alice", PASSWORD):
            raise Unauthenticated("the login or the password is wrong")
        return ALICE


@dataclass
class OAuthWorld:
    """All that a test of the token endpoint may look at."""

    app: ASGIApp
    http: httpx.AsyncClient
    clock: HandClock
    keys: SoftwareServiceKeys
    intruder: Intruder
    audit: Audit
    database: Database
    clients: Clients
    tokens: AccessTokens
    revoked: Revoked
    grants: Grants
    calling: Calling
    proofs: DpopProofs
    login: SignerAtLogin
    acme: RelyingApp
    other: RelyingApp
    shop: Registered

    async def registered(self, name: str, *scopes: str, **profile: Any) -> Registered:
        """Register a client with a secret, or a public one."""
        grants = WITH_CODE[1:] if profile.get("public") else WITH_CODE
        told = Profile(**{"redirect_uris": (CALLBACK,), "grants": grants, **profile})
        usual = SIGNERS if told.public else ("signatures", *SIGNERS)
        new = NewClient(name, scopes or usual, with_secret=not told.public, profile=told)
        return await self.clients.register(new, "operator:test")

    async def allowed(self, client: Client, **changes: Any) -> str:
        """Have the signer allow a client something, and return the code."""
        return await self.grants.issue(self.new_grant(client, **changes))

    def new_grant(self, client: Client, **changes: Any) -> NewGrant:
        """What the signer allows: reading their keys, unless something else is said."""
        usual = {"scopes": ("service",), "redirect_uri": CALLBACK, "code_challenge": pkce.challenge_of(VERIFIER)}
        session = LoginId("01KAJ9T8VX3N5Q7R9S1T2V4W6Z")
        return NewGrant(client.id, ALICE, session, authenticated_at=self.clock.now(), **{**usual, **changes})

    async def ask(self, who: Registered | None, headers: Headers = None, **form: str) -> httpx.Response:
        """Ask the token endpoint, as a client that says its secret in the form, or its name only."""
        told = {"client_id": who.client.id, "client_secret": who.secret or ""} if who else {}
        return await self.http.post("/oauth/token", data={**told, **form}, headers=headers)

    async def redeem(
        self, who: Registered, code: str, headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """Redeem a code, in the right way but for what is changed."""
        right = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": CALLBACK}
        return await self.ask(who, headers, **{**right, **form})

    async def refresh(
        self, who: Registered, token: str, headers: dict[str, str] | None = None, **form: str
    ) -> httpx.Response:
        """Use a refresh token."""
        return await self.ask(who, headers, grant_type="refresh_token", refresh_token=token, **form)

    async def proof(self, key: DpopKey, nonce: str | None = None) -> dict[str, str]:
        """Return the header of a DPoP proof for the token endpoint; nonce: in the place of the right one."""
        told = await self.proofs.nonce() if nonce is None else nonce
        return {"DPoP": key.proof("POST", f"{BASE}/oauth/token", told)}

    async def is_good(self, access_token: str) -> bool:
        """Tell whether an access token is neither over nor revoked."""
        claims = await self.tokens.verify(access_token)
        return not await self.revoked.is_revoked(claims.id, claims.grant_id or claims.id)


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[OAuthWorld]:
    """The world on SQLite, for what no database changes."""
    database = Database(sqlite_url)
    async with opened(database) as made:
        yield made
    await database.close()


@pytest.fixture
async def world_on_each(database: Database) -> AsyncIterator[OAuthWorld]:
    """The world on SQLite and then on PostgreSQL."""
    async with opened(database) as made:
        yield made


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[OAuthWorld]:
    """Acme and another authenticate by assertions, the shop by a secret."""
    server = Server(database)
    clock, clients = server.clock, server.clients
    app = application((OAUTH,), **server.services())
    async with client(app) as http:
        yield OAuthWorld(
            app=app,
            http=http,
            clock=clock,
            keys=server.keys,
            intruder=Intruder(database),
            audit=server.audit,
            database=database,
            clients=clients,
            tokens=server.tokens,
            revoked=server.revoked,
            grants=server.grants,
            calling=server.calling,
            proofs=server.proofs,
            login=server.login,
            acme=await RelyingApp.registered(clients, clock, "Acme", RELYING),
            other=await RelyingApp.registered(clients, clock, "Other", RELYING),
            shop=await clients.register(NewClient("Shop", ("signatures",), with_secret=True), "operator:test"),
        )


class Server:
    """The authorization server's parts, put together as in a process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock, self.keys, self.login = HandClock(), SoftwareServiceKeys(), SignerAtLogin()
        self.ids = Ids(self.clock)
        self.audit = Audit(database, self.clock, self.ids)
        self.seals = Seals(self.keys, self.audit)
        self.stamps = Stamps(self.keys, KeyName.AUTHORIZATION)
        self.clients = Clients(database, self.seals, self.clock, self.ids)
        self.issuer, lifetimes = Issuer(BASE, SCOPES), Lifetimes()
        self.token_keys = TokenKeys(database, self.keys, self.clock, lifetimes.token)
        self.tokens = AccessTokens(self.issuer, self.token_keys, self.clock)
        self.proofs = DpopProofs(self.stamps, database, self.clock)
        self.revoked = Revoked(database, self.clock)
        self.calling = Calling(self.tokens, self.proofs, self.revoked)
        parts = Parts(database, self.seals, self.stamps, self.revoked, lifetimes, self.clock, self.ids)
        self.grants = Grants(parts)
        self.authentication = ClientAuthentication(self.clients, self.issuer, self.clock, ClientCertificates())

    def token_endpoint(self) -> TokenEndpoint:
        """Return the token endpoint with every grant type."""
        means = Means(self.tokens, self.authentication, self.grants, self.database, self.audit, self.clock)
        issuing = Issuing(means)
        givers = {
            GrantType.CLIENT_CREDENTIALS: ByClient(issuing),
            GrantType.AUTHORIZATION_CODE: ByCode(self.grants, issuing),
            GrantType.REFRESH_TOKEN: ByRefresh(self.grants, issuing),
            GrantType.TOKEN_EXCHANGE: Exchange(self.tokens, self.revoked, issuing, self.clock),
            GrantType.PASSWORD: ByPassword(self.login.check_password, self.grants, issuing, self.clock),
        }
        return TokenEndpoint(self.authentication, self.proofs, givers)

    def revocation(self) -> Revocation:
        """Return what takes tokens back."""
        return Revocation(self.authentication, self.known(), self.revoked, self.database, self.audit)

    def introspection(self) -> Introspection:
        """Return what tells of tokens."""
        parts = IntrospectionParts(
            issuer=self.issuer,
            authentication=self.authentication,
            known=self.known(),
            revoked=self.revoked,
            users=Users(self.database, self.seals, self.clock, self.ids),
            database=self.database,
            clock=self.clock,
        )
        return Introspection(parts)

    def known(self) -> KnownTokens:
        """Return what reads the texts of tokens."""
        return KnownTokens(self.tokens, self.grants, self.stamps)

    def services(self) -> dict[str, Any]:
        """Return what the protocol calls."""
        return {
            "settings": SimpleNamespace(public_url=BASE, proxies=PROXY),
            "audit": self.audit,
            "calling": self.calling,
            "token_keys": self.token_keys,
            "token_endpoint": self.token_endpoint(),
            "revocation": self.revocation(),
            "introspection": self.introspection(),
            "metadata": metadata(self.issuer, Offered(password=True)),
        }
