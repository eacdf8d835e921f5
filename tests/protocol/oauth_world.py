"""The authorization server with two relying applications, over a real database and a software key."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
from starlette.types import ASGIApp

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.clients.model import RELYING, SCOPES
from dss.clients.service import Clients, NewClient, Registered
from dss.infra.db import Database
from dss.kernel.ids import Ids
from dss.oauth.access_token import AccessTokens
from dss.oauth.issuer import Issuer
from dss.oauth.service import Authorization
from dss.web.oauth.api import OAUTH
from tests.world.asgi import BASE, application, client
from tests.world.clock import HandClock
from tests.world.intruder import Intruder
from tests.world.relying_app import RelyingApp
from tests.world.servicekeys import SoftwareServiceKeys


@dataclass
class OAuthWorld:
    """All that a test of the token endpoint may look at."""

    app: ASGIApp
    http: httpx.AsyncClient
    clock: HandClock
    keys: SoftwareServiceKeys
    intruder: Intruder
    audit: Audit
    authorization: Authorization
    acme: RelyingApp
    other: RelyingApp
    shop: Registered


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
    clock, keys = HandClock(), SoftwareServiceKeys()
    ids = Ids(clock)
    audit = Audit(database, clock, ids)
    clients = Clients(database, Seals(keys, audit), clock, ids)
    authorization = Authorization(AccessTokens(Issuer(BASE, SCOPES), keys, clock), clients, database, audit, clock)
    app = application((OAUTH,), audit=audit, oauth=authorization)
    async with client(app) as http:
        yield OAuthWorld(
            app=app,
            http=http,
            clock=clock,
            keys=keys,
            intruder=Intruder(database),
            audit=audit,
            authorization=authorization,
            acme=await RelyingApp.registered(clients, clock, "Acme", RELYING),
            other=await RelyingApp.registered(clients, clock, "Other", RELYING),
            shop=await clients.register(NewClient("Shop", ("signatures",), with_secret=True), "operator:test"),
        )
