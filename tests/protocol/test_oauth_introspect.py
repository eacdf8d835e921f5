"""What clients and resource servers may learn of a token. Source: RFC 7662."""

from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from dss.audit.seals import Seals
from dss.clients.service import Registered
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.kernel.ids import Ids
from dss.oauth.grants import Grants, Parts
from dss.oauth.issuer import Lifetimes
from dss.oauth.revoked import Revoked
from dss.oauth.tables import grants
from dss.users.model import User
from dss.users.service import NewUser, Users
from dss.users.tables import users
from tests.protocol.oauth_world import ALICE, DETAIL, OAuthWorld, world
from tests.world.asgi import BASE
from tests.world.dpop import DpopKey
from tests.world.relying_app import form

__all__ = ["world"]

INACTIVE = {"active": False}


class OneId(Ids):
    """Gives the world's signer their id."""

    def new(self) -> str:
        return ALICE


@pytest.fixture
async def alice(world: OAuthWorld) -> User:
    """The signer, registered."""
    people = Users(world.database, Seals(world.keys, world.audit), world.clock, OneId(world.clock))
    told = NewUser(login="alice", email="alice@example.org", given_name="Alice", surname="Example", country="UA")
    return await people.register(told, "operator:test")


@pytest.fixture
async def server(world: OAuthWorld) -> Registered:
    """A resource server."""
    return await world.registered("Archive", "signatures", introspects=True)


async def introspect(world: OAuthWorld, who: Registered, token: str, **more: str) -> httpx.Response:
    told = {"client_id": who.client.id, "client_secret": who.secret or "", "token": token, **more}
    return await world.http.post("/oauth/introspect", data=told)


async def told_of(world: OAuthWorld, who: Registered, token: str, **more: str) -> dict[str, Any]:
    answer = await introspect(world, who, token, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def consented(world: OAuthWorld, who: Registered, **changes: Any) -> dict[str, Any]:
    """The tokens of a signer's consent."""
    answer = await world.redeem(who, await world.allowed(who.client, **changes))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def own_token(world: OAuthWorld, who: Registered) -> str:
    answer = await world.ask(who, grant_type="client_credentials", scope="signatures")
    return str(answer.json()["access_token"])


async def test_a_client_s_own_token_tells_what_it_is(world: OAuthWorld):
    """Section 2.2."""
    bank = await world.registered("Bank")
    token = await own_token(world, bank)
    now = int(world.clock.now().timestamp())

    assert await told_of(world, bank, token) == {
        "active": True,
        "scope": "signatures",
        "client_id": bank.client.id,
        "sub": bank.client.id,
        "token_type": "Bearer",
        "iat": now,
        "exp": now + 600,
        "iss": BASE,
        "aud": BASE,
        "jti": (await world.tokens.verify(token)).id,
    }


async def test_a_signer_s_token_tells_of_the_signer_and_of_what_was_authorized(world: OAuthWorld, alice: User):
    """RFC 7662 section 2.2, RFC 9396 section 9.2: the details as they were enriched."""
    bank = await world.registered("Bank")
    authenticated = int(world.clock.now().timestamp())
    tokens = await consented(world, bank, scopes=("credential",), details=(DETAIL,))

    told = await told_of(world, bank, tokens["access_token"])

    assert (told["sub"], told["username"], told["scope"]) == (alice.id, "alice", "credential")
    assert (told["authorization_details"], told["auth_time"]) == ([DETAIL], authenticated)


async def test_a_bound_token_tells_its_key(world: OAuthWorld, alice: User):
    """RFC 9449 section 6.2."""
    bank, key = await world.registered("Bank"), DpopKey.new(world.clock)
    code = await world.allowed(bank.client)
    tokens = (await world.redeem(bank, code, await world.proof(key))).json()

    told = await told_of(world, bank, tokens["access_token"])

    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": key.jkt})


async def test_a_refresh_token_tells_of_its_grant(world: OAuthWorld, alice: User):
    bank = await world.registered("Bank")
    now = int(world.clock.now().timestamp())
    tokens = await consented(world, bank)

    assert await told_of(world, bank, tokens["refresh_token"]) == {
        "active": True,
        "scope": "service",
        "client_id": bank.client.id,
        "username": "alice",
        "sub": alice.id,
        "iat": now,
        "exp": now + 30 * 24 * 3600,
        "iss": BASE,
        "aud": BASE,
        "auth_time": now,
    }


async def test_an_older_refresh_token_is_not_active(world: OAuthWorld, alice: User):
    bank = await world.registered("Bank")
    first = await consented(world, bank)
    second = (await world.refresh(bank, first["refresh_token"])).json()

    assert await told_of(world, bank, first["refresh_token"]) == INACTIVE
    assert (await told_of(world, bank, second["refresh_token"]))["active"]


async def test_a_resource_server_sees_the_tokens_of_all(world: OAuthWorld, server: Registered, alice: User):
    bank = await world.registered("Bank")
    tokens = await consented(world, bank)

    for token in (await own_token(world, bank), tokens["access_token"], tokens["refresh_token"]):
        assert (await told_of(world, server, token))["client_id"] == bank.client.id


async def test_another_client_s_token_looks_like_no_token(world: OAuthWorld, alice: User):
    """Section 4: who may not see a token does not learn whether it is one."""
    bank, thief = await world.registered("Bank"), await world.registered("Thief")
    tokens = await consented(world, bank)

    for token in (tokens["access_token"], tokens["refresh_token"], "nothing"):
        assert await told_of(world, thief, token) == INACTIVE


@pytest.mark.parametrize("text", ["nothing", "a.b.c", "0" * 26 + ".1." + "A" * 43, "ї", "x" * 20_000])
async def test_what_is_no_token_is_not_active(world: OAuthWorld, server: Registered, text: str):
    assert await told_of(world, server, text) == INACTIVE


async def test_a_code_is_no_token(world: OAuthWorld, server: Registered, alice: User):
    bank = await world.registered("Bank")

    assert await told_of(world, server, await world.allowed(bank.client)) == INACTIVE


async def test_a_token_that_has_ended_is_not_active(world: OAuthWorld, server: Registered, alice: User):
    bank = await world.registered("Bank")
    tokens = await consented(world, bank)
    world.clock.move(600)

    assert await told_of(world, server, tokens["access_token"]) == INACTIVE
    assert (await told_of(world, server, tokens["refresh_token"]))["active"]
    world.clock.move(30 * 24 * 3600)
    assert await told_of(world, server, tokens["refresh_token"]) == INACTIVE


async def test_revoked_tokens_are_not_active(world: OAuthWorld, server: Registered, alice: User):
    bank = await world.registered("Bank")
    tokens, own = await consented(world, bank), await own_token(world, bank)
    for token in (own, tokens["refresh_token"]):
        proof = {"client_id": bank.client.id, "client_secret": bank.secret or ""}
        await world.http.post("/oauth/revoke", data={**proof, "token": token})

    for token in (own, tokens["access_token"], tokens["refresh_token"]):
        assert await told_of(world, server, token) == INACTIVE


async def test_tokens_of_a_grant_that_another_process_ended_are_not_active(
    world: OAuthWorld, server: Registered, alice: User
):
    """The grant's own row says so, however old what this process knows of revoked tokens is."""
    bank = await world.registered("Bank")
    tokens = await consented(world, bank)
    claims = await world.tokens.verify(tokens["access_token"])
    assert claims.grant_id is not None
    seals, stamps = Seals(world.keys, world.audit), Stamps(world.keys, KeyName.AUTHORIZATION)
    revoked, ids = Revoked(world.database, world.clock), Ids(world.clock)
    another = Grants(Parts(world.database, seals, stamps, revoked, Lifetimes(), world.clock, ids))
    assert (await told_of(world, server, tokens["access_token"]))["active"]

    await another.end(claims.grant_id, "taken back", "user:alice")

    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await told_of(world, server, token) == INACTIVE


async def test_tokens_of_an_altered_grant_are_not_active(world: OAuthWorld, server: Registered, alice: User):
    """T53: who writes to the database cannot widen what was allowed."""
    bank = await world.registered("Bank")
    tokens = await consented(world, bank)
    async with world.database.write() as connection:
        await connection.execute(sa.update(grants).values(scopes=["credential"]))

    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await told_of(world, server, token) == INACTIVE


async def test_tokens_of_a_signer_whose_row_was_altered_are_not_active(
    world: OAuthWorld, server: Registered, alice: User
):
    bank = await world.registered("Bank")
    tokens = await consented(world, bank)
    async with world.database.write() as connection:
        await connection.execute(sa.update(users).values(login="mallory"))

    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert await told_of(world, server, token) == INACTIVE


async def test_a_public_client_may_not_introspect(world: OAuthWorld, alice: User):
    """Section 2.1: the endpoint asks for authentication, against scanning for tokens."""
    app = await world.registered("App", "service", public=True)
    tokens = await consented(world, app)

    refused = await introspect(world, app, tokens["access_token"])

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_a_client_that_does_not_prove_itself_learns_nothing(world: OAuthWorld, server: Registered):
    token = await own_token(world, server)

    for claimed in ({}, {"client_id": server.client.id}, {"client_id": server.client.id, "client_secret": "wrong"}):
        refused = await world.http.post("/oauth/introspect", data={"token": token, **claimed})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")


async def test_an_assertion_is_good_for_one_look(world: OAuthWorld):
    token = (await world.http.post("/oauth/token", data=form(world.acme.assertion()))).json()["access_token"]
    asked = form(world.acme.assertion())
    proof = {name: asked[name] for name in ("client_assertion", "client_assertion_type")}

    first, second = [await world.http.post("/oauth/introspect", data={**proof, "token": token}) for _ in range(2)]

    assert (first.json()["active"], second.status_code) == (True, 401)


async def test_nobody_keeps_the_answer(world: OAuthWorld, server: Registered):
    """Section 4: an answer that is kept tells of a token that was revoked meanwhile."""
    assert (await introspect(world, server, "nothing")).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "unknown"])
async def test_a_wrong_hint_changes_nothing(world: OAuthWorld, hint: str):
    bank = await world.registered("Bank")

    assert (await told_of(world, bank, await own_token(world, bank), token_type_hint=hint))["active"]
