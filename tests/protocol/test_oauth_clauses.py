"""Clauses of OAuth that are shown nowhere else: docs/conformance/oauth.md."""

import re

from dss.web.oauth.api import OAUTH
from tests.protocol.oauth_world import OAuthWorld, world

__all__ = ["world"]

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")


async def test_when_the_signer_signed_in_stays_in_every_token(world: OAuthWorld) -> None:
    """RFC 9068 section 2.2.1: refreshing is no signing in."""
    shop, signed_in = await world.registered("Web shop"), int(world.clock.now().timestamp())
    first = (await world.redeem(shop, await world.allowed(shop.client))).json()
    world.clock.move(3600)

    second = (await world.refresh(shop, first["refresh_token"])).json()

    claims = await world.tokens.verify(second["access_token"])
    assert (claims.auth_time, claims.issued) == (signed_in, signed_in + 3600)


async def test_the_metadata_are_json_and_say_nothing_that_is_empty(world: OAuthWorld) -> None:
    """RFC 8414 section 3.2."""
    answer = await world.http.get("/.well-known/oauth-authorization-server")

    assert answer.headers["content-type"] == "application/json"
    assert [name for name, value in answer.json().items() if value in ([], "", None)] == []


async def test_every_endpoint_for_programs_refuses_in_json_that_nobody_keeps(world: OAuthWorld) -> None:
    """RFC 6749 section 5.2 with appendices A.7 and A.8, RFC 7009 section 2.2.1, RFC 7662 section 2.3."""
    form = {"grant_type": 'a"b\\c\x7f\u0416', "token": "x", "client_id": "\u0416", "client_secret": "x"}
    endpoints = [one.declared.path for one in OAUTH.operations if one.declared.method == "POST"]
    answers = [await world.http.post(path, data=form) for path in endpoints if path != "/oauth/par"]

    assert len(answers) == 3
    for answer in answers:
        assert answer.status_code in {400, 401}
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
        assert DESCRIPTION.fullmatch(answer.json()["error_description"])
        assert ("www-authenticate" in answer.headers) == (answer.status_code == 401)
