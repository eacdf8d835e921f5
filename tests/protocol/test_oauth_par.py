"""POST /oauth/par, and what the authorization endpoint makes of a pushed request. Source: RFC 9126."""

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.clients.profile import GrantType
from dss.oauth.authorization_errors import RequestGone, SentBack
from dss.oauth.pushed import LONGEST_USE, MOST, PREFIX
from dss.oauth.tables import pushed_requests
from tests.protocol.authorizing_world import AuthorizingWorld, answer, registered, world, world_on_each
from tests.world.asgi import BASE
from tests.world.dpop import DpopKey

__all__ = ["world", "world_on_each"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_a_pushed_request_gets_a_name_that_is_good_for_90_seconds(world: AuthorizingWorld):
    """RFC 9126 section 2.2."""
    pushed = await world.push()

    assert (pushed.status_code, pushed.headers["cache-control"]) == (201, "no-store")
    assert pushed.json()["expires_in"] == 90
    assert pushed.json()["request_uri"].startswith(PREFIX)


async def test_a_browser_brings_the_name_and_nothing_else_counts(world_on_each: AuthorizingWorld):
    """RFC 9126 section 4, RFC 9101 section 6.3; T33: parameters beside the name change nothing."""
    world = world_on_each
    named = await world.pushed(state="pushed", scope="service")

    beside = {"state": "other", "scope": "credential", "redirect_uri": "https://evil.example/", "request": "x"}
    wish = await world.bring({**named, **beside})

    assert (wish.request.state, wish.request.scope) == ("pushed", "service")
    assert wish.reached_by == urlencode(sorted(named.items()))


async def test_a_name_is_over_after_90_seconds_unless_a_browser_has_brought_it(world: AuthorizingWorld):
    named, unused = await world.pushed(), await world.pushed()
    world.server.clock.move(89)
    await world.bring(named)

    world.server.clock.move(2)

    with pytest.raises(RequestGone):
        await world.bring(unused)
    await world.bring(named)
    world.server.clock.move(LONGEST_USE.total_seconds())
    with pytest.raises(RequestGone):
        await world.bring(named)


async def test_a_name_is_good_for_one_decision(world_on_each: AuthorizingWorld):
    """RFC 9126 section 7.3; T33: a request_uri that is brought once more gives no further code."""
    world = world_on_each
    named, session = await world.pushed(), world.session()
    wish = await world.bring(named)
    await world.authorizing.allow(wish, session, "", nonce="n1")

    with pytest.raises(RequestGone):
        await world.authorizing.next_step(await world.bring(named), session)
    with pytest.raises(RequestGone):
        await world.authorizing.allow(await world.bring(named), session, "", nonce="n2")
    with pytest.raises(RequestGone):
        await world.authorizing.allow(wish, session, "")
    with pytest.raises(RequestGone):
        await world.authorizing.refuse(wish, session)


async def test_what_was_refused_cannot_be_allowed(world: AuthorizingWorld):
    wish = await world.bring(await world.pushed())
    assert answer(await world.authorizing.refuse(wish, world.session()))["error"] == "access_denied"

    with pytest.raises(RequestGone):
        await world.authorizing.allow(wish, world.session(), "", nonce="n")


async def test_a_name_is_its_own_clients_only(world: AuthorizingWorld):
    """T33: another client's request_uri is no request."""
    named = await world.pushed()

    with pytest.raises(RequestGone):
        await world.bring({**named, "client_id": world.other.client.id})


@pytest.mark.parametrize("name", ["https://evil.example/request", PREFIX, f"{PREFIX}x", "urn:x", "0" * 26])
async def test_a_name_that_this_server_did_not_give_leads_nowhere(world: AuthorizingWorld, name: str):
    """RFC 9126 section 7.1: names are not guessed; RFC 9101 section 10.4: none is fetched."""
    with pytest.raises(RequestGone):
        await world.bring({"client_id": world.shop.client.id, "request_uri": name})


async def test_an_altered_request_has_no_name(world: AuthorizingWorld):
    """The mac in the name is over the request as it was pushed."""
    named, other = await world.pushed(), await world.pushed(state="other")
    ids = [one["request_uri"].removeprefix(PREFIX).partition(".")[0] for one in (named, other)]
    p = pushed_requests
    async with world.server.database.write() as connection:
        put = sa.select(p.c.request).where(p.c.id == ids[1]).scalar_subquery()
        await connection.execute(sa.update(p).where(p.c.id == ids[0]).values(request=put))

    with pytest.raises(RequestGone):
        await world.bring(named)
    with pytest.raises(RequestGone):
        mixed = named["request_uri"].replace(ids[0], ids[1])
        await world.bring({**named, "request_uri": mixed})


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "signatures"}, "invalid_scope"),
        ({"scope": "credential"}, "invalid_authorization_details"),
        ({"authorization_details": "[]"}, "invalid_authorization_details"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
        ({"request_uri": f"{PREFIX}x"}, "invalid_request"),
        ({"client_id": "0" * 26}, "invalid_client"),
        ({"state": "a\x00b"}, "invalid_request"),
        ({"dpop_jkt": "x"}, "invalid_request"),
    ],
)
async def test_a_wrong_request_is_refused_when_it_is_pushed(
    world: AuthorizingWorld, changes: dict[str, str | None], error: str
):
    """RFC 9126 section 2.3."""
    refused = await world.push(**changes)

    assert refused.status_code == (401 if error == "invalid_client" else 400)
    assert refused.json()["error"] == error


async def test_a_client_that_does_not_prove_itself_pushes_nothing(world: AuthorizingWorld):
    """RFC 9126 section 2."""
    refused = await world.http.post("/oauth/par", data={**world.request(), "client_secret": "wrong"})
    without = await world.http.post("/oauth/par", data=world.request())

    assert [(one.status_code, one.json()["error"]) for one in (refused, without)] == [(401, "invalid_client")] * 2


async def test_a_client_without_the_grant_pushes_nothing(world: AuthorizingWorld):
    by_itself = {"grants": (GrantType.CLIENT_CREDENTIALS,), "redirect_uris": ()}
    machine = await registered(world.server, "Machine", "signatures", **by_itself)

    refused = await world.push(machine)

    assert (refused.status_code, refused.json()["error"]) == (400, "unauthorized_client")


async def test_a_public_client_pushes_by_its_name(world: AuthorizingWorld):
    wish = await world.bring(await world.pushed(world.phone_app))

    assert wish.client.id == world.phone_app.client.id


async def test_who_names_a_public_client_keeps_no_more_than_an_address_would_hold(world: AuthorizingWorld):
    detail = {"type": "signature", "hashes": ["47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="] * 200}
    asks = {"scope": "credential", "authorization_details": json.dumps([detail])}

    refused = await world.push(world.phone_app, **asks)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert "8192" in refused.json()["error_description"]
    assert (await world.push(**asks)).status_code == 201


async def test_a_client_that_must_push_is_not_served_otherwise(world: AuthorizingWorld):
    """RFC 9126 section 6, `require_pushed_authorization_requests`."""
    strict = await registered(world.server, "Strict", par=True)

    with pytest.raises(SentBack) as back:
        await world.wish(strict)

    assert (answer(back.value.url)["error"], answer(back.value.url)["state"]) == ("invalid_request", "a state")
    assert (await world.bring(await world.pushed(strict))).client.id == strict.client.id


async def test_a_proof_binds_the_code_to_its_key(world: AuthorizingWorld):
    """RFC 9449 section 10.1."""
    key = DpopKey.new(world.server.clock)
    proof = key.proof("POST", f"{BASE}/oauth/par", nonce=await world.server.proofs.nonce())

    pushed = await world.push(headers={"DPoP": proof})

    named = {"client_id": world.shop.client.id, "request_uri": pushed.json()["request_uri"]}
    assert (await world.bring(named)).request.dpop_jkt == key.jkt


async def test_a_proof_of_another_key_than_the_one_that_is_named_is_refused(world: AuthorizingWorld):
    key = DpopKey.new(world.server.clock)
    proof = key.proof("POST", f"{BASE}/oauth/par", nonce=await world.server.proofs.nonce())

    refused = await world.push(headers={"DPoP": proof}, dpop_jkt="a" * 43)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_a_proof_without_a_nonce_is_told_one(world: AuthorizingWorld):
    """RFC 9449 section 8."""
    proof = DpopKey.new(world.server.clock).proof("POST", f"{BASE}/oauth/par")

    refused = await world.push(headers={"DPoP": proof})

    assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
    assert refused.headers["dpop-nonce"]


async def test_a_client_has_so_many_requests_at_a_time(world: AuthorizingWorld):
    row = {"client_id": world.shop.client.id, "address": "", "request": "", "decided": ""}
    ends = world.server.clock.now() + timedelta(seconds=90)
    rows = [{**row, "id": world.server.ids.new(), "expires_at": ends} for _ in range(MOST)]
    async with world.server.database.write() as connection:
        await connection.execute(sa.insert(pushed_requests), rows)

    refused = await world.push()

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert (await world.push(world.other)).status_code == 201
    world.server.clock.move(90)
    assert (await world.push()).status_code == 201


async def test_t33_a_stranger_holds_up_no_public_client_by_pushing_in_its_name(world: AuthorizingWorld):
    """One network has few requests at a time, and what a browser has brought counts for the network only."""
    stranger = {"X-Forwarded-For": "192.0.2.66"}
    pushed = [await world.push(world.phone_app, stranger) for _ in range(31)]

    assert [answer.status_code for answer in pushed] == [201] * 30 + [429]
    assert (await world.push(world.phone_app, {"X-Forwarded-For": "192.0.2.1"})).status_code == 201


async def test_t33_what_browsers_have_brought_of_a_public_client_leaves_room_for_others(world: AuthorizingWorld):
    row = {"client_id": world.phone_app.client.id, "request": "", "decided": ""}
    now = world.server.clock.now()
    for ends, expected in ((now + LONGEST_USE, 201), (now + timedelta(seconds=90), 429)):
        new = [{**row, "id": world.server.ids.new(), "address": f"{n}", "expires_at": ends} for n in range(MOST)]
        async with world.server.database.write() as connection:
            await connection.execute(sa.insert(pushed_requests), new)
        assert (await world.push(world.phone_app)).status_code == expected


async def test_a_parameter_that_stands_twice_is_refused(world: AuthorizingWorld):
    """RFC 6749 section 3.1."""
    body = urlencode([*world.request().items(), ("client_secret", world.shop.secret or ""), ("scope", "credential")])

    refused = await world.http.post("/oauth/par", content=body, headers=FORM)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")


async def test_a_request_longer_than_the_limit_is_refused(world: AuthorizingWorld):
    refused = await world.push(authorization_details="x" * (2 * 1024 * 1024))

    assert (refused.status_code, refused.json()["error"]) == (413, "invalid_request")


async def test_what_is_too_long_for_a_query_can_be_pushed(world: AuthorizingWorld):
    detail = '[{"type": "signature", "hashes": [' + ", ".join(['"' + "A" * 43 + '="'] * 1000) + "]}]"

    wish = await world.bring(await world.pushed(scope="credential", authorization_details=detail))

    assert len(wish.request.detail.hashes) == 1000


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=200), named=st.booleans())
async def test_any_body_is_an_answer_of_the_standard(world: AuthorizingWorld, body: bytes, named: bool):
    """Bad input is the client's fault, and never the server's."""
    proof = urlencode({"client_id": world.phone_app.client.id}).encode() + b"&" if named else b""

    refused = await world.http.post("/oauth/par", content=proof + body, headers=FORM)

    assert refused.status_code in {400, 401}
    assert refused.json()["error"] in {"invalid_request", "invalid_client", "unsupported_response_type"}
