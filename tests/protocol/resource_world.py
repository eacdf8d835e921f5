"""A resource that access tokens open, and all that they are made and judged with, over a real database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request

from dss.clients.model import SCOPES
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.infra.db import Database
from dss.infra.proxies import Proxies
from dss.kernel.ids import ClientId
from dss.oauth.access_token import AccessTokens, Wanted
from dss.oauth.calling import Calling
from dss.oauth.dpop import DpopProofs
from dss.oauth.issuer import Issuer
from dss.oauth.revoked import Revoked
from dss.oauth.token_keys import TokenKeys
from dss.web.http.bearer import BEARER
from dss.web.http.op import Protocol, op
from dss.web.http.peer import address_of
from tests.world.asgi import BASE, application
from tests.world.clock import HandClock
from tests.world.dpop import DpopKey
from tests.world.servicekeys import SoftwareServiceKeys

CLIENT = ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y")
ISSUER = Issuer(BASE, SCOPES)
URL = f"{BASE}/who"
BOTH_SCHEMES = 'Bearer, DPoP algs="ES256 ES384 PS256 RS256"'
PROXY = "10.0.0.7"
PROXIES = Proxies((ip_network("10.0.0.0/24"), ip_network("2001:db8::/64")), "Client-Cert")


class Who(msgspec.Struct):
    """Whose call it is, and from where."""

    client: str
    user: str | None
    signatures: list[str]
    address: str


@op("GET", "/who", scope="signatures")
async def who(request: Request) -> Who:
    """Tell the caller who it is."""
    caller = request.state.caller
    return Who(caller.client_id, caller.user_id, sorted(caller.signatures), address_of(request))


@dataclass
class ResourceWorld:
    """All that a test of a resource may look at."""

    app: Any
    clock: HandClock
    keys: SoftwareServiceKeys
    tokens: AccessTokens
    proofs: DpopProofs
    revoked: Revoked
    calling: Calling
    database: Database

    def client(self, address: str = "192.0.2.1") -> httpx.AsyncClient:
        """Return a client that comes from an address."""
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app, client=(address, 4711)), base_url=BASE)

    async def ask(self, headers: dict[str, str] | list[tuple[str, str]], address: str = "192.0.2.1") -> httpx.Response:
        """Call the resource."""
        async with self.client(address) as http:
            return await http.get("/who", headers=headers)

    async def token(self, **members: Any) -> str:
        """Return an access token of the client for `signatures`, with other members."""
        return (await self.tokens.mint(Wanted(CLIENT, ("signatures",), **members))).text

    def key(self, algorithm: str = "ES256") -> DpopKey:
        """Return a new key of a client."""
        return DpopKey.new(self.clock, algorithm)

    async def by(self, key: DpopKey, token: str, **changes: Any) -> dict[str, str]:
        """Return the headers of a right call by a key, or of one whose proof is changed."""
        proof = key.proof("GET", URL, token=token, **{"nonce": await self.proofs.nonce(), **changes})
        return {"Authorization": f"DPoP {token}", "DPoP": proof}


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[ResourceWorld]:
    """The world on SQLite, for what no database changes."""
    database = Database(sqlite_url)
    async with opened(database) as made:
        yield made
    await database.close()


@pytest.fixture
async def world_on_each(database: Database) -> AsyncIterator[ResourceWorld]:
    """The world on SQLite and then on PostgreSQL."""
    async with opened(database) as made:
        yield made


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[ResourceWorld]:
    """The resource behind a proxy of the network 10.0.0.0/24."""
    clock, keys = HandClock(), SoftwareServiceKeys()
    tokens = AccessTokens(ISSUER, TokenKeys(database, keys, clock, timedelta(minutes=10)), clock)
    proofs = DpopProofs(Stamps(keys, KeyName.AUTHORIZATION), database, clock)
    revoked = Revoked(database, clock)
    calling = Calling(tokens, proofs, revoked)
    settings = SimpleNamespace(proxies=PROXIES, public_url=BASE)
    app = application((Protocol("who", (who,), security=BEARER),), calling=calling, settings=settings)
    yield ResourceWorld(app, clock, keys, tokens, proofs, revoked, calling, database)
