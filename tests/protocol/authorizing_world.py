"""The authorization endpoint over a real database and software keys; signatures are asked for of a stand-in."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from dss.clients.model import Client
from dss.clients.profile import Profile
from dss.clients.service import NewClient, Registered
from dss.documents.model import PDF, Document
from dss.documents.service import Documents
from dss.infra.bus import Bus
from dss.infra.db import Database
from dss.kernel.digest import Digest
from dss.kernel.ids import DocumentId, GrantId, LoginId, UserId
from dss.login.model import Factor, Session, Standing
from dss.oauth import pkce
from dss.oauth.asked_at import AskedAt
from dss.oauth.authorizing import Authorizing
from dss.oauth.awaiting import Parts, Signing
from dss.oauth.par import PushEndpoint
from dss.oauth.pushed import PushedRequests
from dss.oauth.reading import Reading
from dss.oauth.signers_keys import SignersKeys
from dss.transactions.linking import Linking
from dss.transactions.model import Limits
from dss.transactions.offline import OfflineAnswers
from dss.transactions.signatures import Signatures
from dss.transactions.waiting import Waiting
from dss.web.oauth.api import OAUTH
from tests.protocol.oauth_world import ALICE, CALLBACK, VERIFIER, WITH_CODE, Server
from tests.protocol.signing_desk import Desk, Ring, Shelf, Window
from tests.world.asgi import BASE, application, client

MALLORY = UserId("01KAJ9T8VX3N5Q7R9S1T2V4W72")
BROWSER = "b" * 43


@dataclass
class AuthorizingWorld:
    """A shop that asks, and Alice."""

    server: Server
    http: httpx.AsyncClient
    authorizing: Authorizing
    desk: Desk
    ring: Ring
    shelf: Shelf
    shop: Registered
    other: Registered
    phone_app: Registered

    def request(self, asks: Registered | None = None, **changes: str | None) -> dict[str, str]:
        """Return the parameters of a right request, with changes; None takes one away."""
        right: dict[str, str | None] = {
            "client_id": (asks or self.shop).client.id,
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "service",
            "state": "a state",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        return {name: value for name, value in {**right, **changes}.items() if value is not None}

    async def wish(self, asks: Registered | None = None, **changes: str | None) -> Any:
        """Read a request that a browser brings."""
        return await self.bring(self.request(asks, **changes))

    async def bring(self, values: dict[str, str]) -> Any:
        """Read the parameters that a browser brings."""
        return await self.authorizing.read_query(urlencode(values).encode())

    async def push(
        self, asks: Registered | None = None, headers: dict[str, str] | None = None, **changes: str | None
    ) -> httpx.Response:
        """Push a request, as a client that says its secret in the form."""
        who = asks or self.shop
        proof = {"client_secret": who.secret} if who.secret else {}
        return await self.http.post("/oauth/par", data={**self.request(who, **changes), **proof}, headers=headers)

    async def pushed(self, asks: Registered | None = None, **changes: str | None) -> dict[str, str]:
        """Push a request that is right, and return what a browser then brings."""
        answer = await self.push(asks, **changes)
        assert answer.status_code == 201, answer.text
        return {"client_id": (asks or self.shop).client.id, "request_uri": answer.json()["request_uri"]}

    def session(self, user_id: UserId = ALICE, standing: Standing = Standing.FULL) -> Session:
        """Return a session that began now."""
        now = self.server.clock.now()
        return Session(
            id=LoginId(self.server.ids.new()),
            user_id=user_id,
            standing=standing,
            first=Factor.PASSWORD,
            second=Factor.PHONE,
            browser_sha256=b"",
            address="",
            agent="",
            renewals=1,
            created_at=now,
            used_at=now,
            ends_at=now + timedelta(hours=12),
        )

    def upload(self, content: bytes = b"%PDF-", of: Client | None = None) -> Document:
        """Put a document on the shelf."""
        id, now = DocumentId(self.server.ids.new()), self.server.clock.now()
        document = Document(id, (of or self.shop.client).id, "rent.pdf", PDF, Digest.of(content), len(content), now)
        self.shelf.held.append(document)
        return document

    async def redeemed(self, url: str, by: Registered | None = None) -> httpx.Response:
        """Redeem the code that an answer brought."""
        who = by or self.shop
        form = {"grant_type": "authorization_code", "code": answer(url)["code"], "code_verifier": VERIFIER}
        form |= {"redirect_uri": CALLBACK, "client_id": who.client.id}
        return await self.http.post("/oauth/token", data=form | ({"client_secret": who.secret} if who.secret else {}))


def signing(world: AuthorizingWorld, **members: Any) -> dict[str, str]:
    """Return the parameters by which a signature of one document is asked for."""
    documents = [{"id": world.upload().id}]
    detail = {"type": "signature", "text": "Rent", "documents": documents, **members}
    return {"scope": "credential", "authorization_details": json.dumps([detail])}


def answer(url: str) -> dict[str, str]:
    """Return what an answer tells the client; every one names the server (RFC 9207)."""
    parts = urlsplit(url)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == CALLBACK
    told = {name: value for name, (value,) in parse_qs(parts.query, strict_parsing=True).items()}
    assert told.pop("iss") == BASE
    return told


def grant_of(address: str) -> GrantId:
    """Return the grant whose page waits."""
    return GrantId(address.removeprefix("/oauth/waiting/"))


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[AuthorizingWorld]:
    """The world on SQLite, for what no database changes."""
    database = Database(sqlite_url)
    async with opened(database) as made:
        yield made
    await database.close()


@pytest.fixture
async def world_on_each(database: Database) -> AsyncIterator[AuthorizingWorld]:
    """The world on SQLite and then on PostgreSQL."""
    async with opened(database) as made:
        yield made


@asynccontextmanager
async def opened(database: Database) -> AsyncIterator[AuthorizingWorld]:
    """The shop and another prove themselves by secrets; the phone app is public."""
    server, bus, shelf, ring = Server(database), Bus(), Shelf(), Ring()
    desk = Desk(server, bus)
    reading = Reading(cast(Documents, shelf), Limits())
    pushed = PushedRequests(database, server.stamps, server.clock, server.ids)
    parts = Parts(
        issuer=server.issuer,
        database=database,
        audit=server.audit,
        clients=server.clients,
        keys=cast(SignersKeys, ring),
        signing=_signing(desk),
        grants=server.grants,
        pushed=pushed,
        asked_at=AskedAt(server.stamps, server.clock),
        reading=reading,
        bus=bus,
        clock=server.clock,
        ids=server.ids,
    )
    push_endpoint = PushEndpoint(server.authentication, server.proofs, reading, pushed)
    app = application((OAUTH,), **server.services(), push_endpoint=push_endpoint)
    async with client(app) as http:
        yield AuthorizingWorld(
            server=server,
            http=http,
            authorizing=Authorizing(parts),
            desk=desk,
            ring=ring,
            shelf=shelf,
            shop=await registered(server, "Shop"),
            other=await registered(server, "Other"),
            phone_app=await registered(server, "Phone app", public=True, grants=WITH_CODE[1:]),
        )


async def registered(server: Server, name: str, *scopes: str, **profile: Any) -> Registered:
    """Register a client with a secret, or a public one."""
    told = Profile(**{"redirect_uris": (CALLBACK,), "grants": WITH_CODE, **profile})
    new = NewClient(name, scopes or ("service", "credential"), with_secret=not told.public, profile=told)
    return await server.clients.register(new, "operator:test")


def _signing(desk: Desk) -> Signing:
    return Signing(
        signatures=cast(Signatures, desk),
        waiting=cast(Waiting, Window(desk)),
        linking=cast(Linking, None),
        offline=cast(OfflineAnswers, None),
    )
