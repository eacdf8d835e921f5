"""POST /oauth/token for an application whose row was written to behind the server's back. T18."""

from typing import Any

import httpx
import pytest

from dss.clients import secret as secrets
from dss.clients.model import SCOPES
from dss.clients.tables import clients
from tests.protocol.oauth_world import OAuthWorld, world_on_each
from tests.world.relying_app import form, new_key, public

__all__ = ["world_on_each"]


async def by_secret(world: OAuthWorld, secret: str) -> httpx.Response:
    """Let the shop ask for a token with a secret."""
    form = {"grant_type": "client_credentials", "client_id": world.shop.client.id, "client_secret": secret}
    return await world.http.post("/oauth/token", data=form)


async def alarms(world: OAuthWorld, id: str) -> int:
    told = await world.audit.newest(100, "alarm.seal_broken")
    return [one.event.subject for one in told].count(f"client:{id}")


async def test_t18_a_secret_whose_hash_was_put_in_by_sql_gets_no_token(world_on_each: OAuthWorld) -> None:
    world, id = world_on_each, world_on_each.shop.client.id
    row = await world.intruder.row(clients, id)
    mallory, hashed = secrets.new()
    await world.intruder.edit(clients, id, secret_hash=hashed)
    unknown = await by_secret(world, "wrong")

    refused = await by_secret(world, mallory)

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert refused.content == unknown.content
    assert await alarms(world, id) == 2
    await world.intruder.edit(clients, id, **row)
    assert (await by_secret(world, world.shop.secret or "")).status_code == 200


async def test_t18_a_key_that_was_put_in_by_sql_signs_no_assertion(world_on_each: OAuthWorld) -> None:
    world, acme = world_on_each, world_on_each.acme
    row, right = await world.intruder.row(clients, acme.client.id), acme.key
    acme.key = new_key()
    await world.intruder.edit(clients, acme.client.id, jwks={"keys": [public(acme.key)]})

    refused = await world.http.post("/oauth/token", data=form(acme.assertion()))

    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert await alarms(world, acme.client.id) == 1
    acme.key = right
    await world.intruder.edit(clients, acme.client.id, **row)
    assert (await world.http.post("/oauth/token", data=form(acme.assertion()))).status_code == 200


@pytest.mark.parametrize("edit", [{"scopes": list(SCOPES)}, {"contact": "mallory"}, {"seal": None}], ids=str)
async def test_t18_whatever_was_written_by_sql_the_right_proof_gets_no_token_for_it(
    world_on_each: OAuthWorld, edit: dict[str, Any]
) -> None:
    world = world_on_each
    for id in (world.shop.client.id, world.acme.client.id):
        await world.intruder.edit(clients, id, **edit)

    answers = [
        await by_secret(world, world.shop.secret or ""),
        await world.http.post("/oauth/token", data=form(world.acme.assertion())),
    ]

    assert {(answer.status_code, answer.json()["error"]) for answer in answers} == {(401, "invalid_client")}
    assert (await alarms(world, world.shop.client.id), await alarms(world, world.acme.client.id)) == (1, 1)
