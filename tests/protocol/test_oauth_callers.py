"""What signers' tokens open of /v1: their own keys, or the one signature, and nothing else of the application (T16)."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from dss.clients.model import SCOPES
from dss.kernel.ids import ClientId, GrantId, UserId
from dss.oauth.access_token import AccessTokens, Wanted
from dss.oauth.issuer import Issuer
from dss.oauth.token_keys import TokenKeys
from dss.web.rest.api import V1
from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, scene
from tests.protocol.test_v1_strangers import call
from tests.world.pdfs import simple_pdf
from tests.world.world import Signer

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

GRANT = GrantId("01KAJ9T8VX3N5Q7R9S1T2V4W70")
ALL = {(operation.declared.method, operation.declared.path) for operation in V1.operations}
KEYS = {("GET", "/v1/credentials"), ("GET", "/v1/credentials/{id}")}
OF_SIGNATURE = ["", "/results", "/documents/0", "/evidence", "/evidence/report"]
SIGNATURE = {("GET", f"/v1/signatures/{{id}}{below}") for below in ("", "/results", "/documents/{index}")}
SIGNATURE |= {("GET", f"/v1/signatures/{{id}}{below}") for below in ("/evidence", "/evidence/report")}
MISSING = Refusal(404, "not_found")


@dataclass(frozen=True)
class Things:
    """Alice's signature that is signed, another one of hers, Bob and his; asked for by the shop. One of the other's."""

    signed: str
    second: str
    bob: Signer
    bobs: str
    others: str


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def things(scene: Scene) -> Things:
    bob = await scene.world.signer(scene.shop, "bob")
    signed = await scene.ask()
    await scene.sign(signed)
    await scene.world.seal()
    second = await scene.ask()
    bobs = (await scene.shop.ask(bob, simple_pdf()))["id"]
    others = (await scene.other.ask(scene.alice, simple_pdf()))["id"]
    return Things(signed, second, bob, bobs, others)


async def token(scene: Scene, scope: str, *signatures: str, user: UserId | None = None, client: str = "") -> str:
    """A token of the shop for Alice, or of others."""
    s, lifetime = scene.world.services, timedelta(minutes=10)
    keys = TokenKeys(s.database, s.tokens.service, s.clock, lifetime)
    tokens = AccessTokens(Issuer(s.settings.public_url, SCOPES), keys, s.clock)
    details = tuple({"type": "signature", "signature_id": id} for id in signatures)
    wanted = Wanted(ClientId(client or scene.shop.id), (scope,), user or scene.alice.user.id, GRANT, details)
    return (await tokens.mint(wanted)).text


def bearing(scene: Scene, token: str) -> httpx.AsyncClient:
    http = scene.world.http()
    http.headers["Authorization"] = f"Bearer {token}"
    return http


@pytest.mark.parametrize(("method", "path"), sorted(ALL - KEYS))
async def test_t16_a_token_for_a_signer_s_keys_opens_no_other_operation(
    scene: Scene, things: Things, method: str, path: str
):
    """Although its client may do all of them in its own name."""
    await assert_scope_needed(scene, await token(scene, "service", things.signed), method, path, things.signed)


@pytest.mark.parametrize(("method", "path"), sorted(ALL - SIGNATURE))
async def test_t16_a_token_for_a_signature_opens_no_other_operation(
    scene: Scene, things: Things, method: str, path: str
):
    await assert_scope_needed(scene, await token(scene, "credential", things.signed), method, path, things.signed)


async def assert_scope_needed(scene: Scene, token: str, method: str, path: str, id: str) -> None:
    async with bearing(scene, token) as http:
        asked = http.send(call(method, path, http, id))
        refusal = Refusal(403, "insufficient_scope", "needs the scope")
        await assert_refused(scene.world, asked, refusal, f"client:{scene.shop.id}")


async def test_a_signer_s_token_lists_and_reads_that_signer_s_keys(scene: Scene, things: Things):
    async with bearing(scene, await token(scene, "service")) as http:
        listed, named = [
            (await http.get("/v1/credentials", params=query)).json()["items"] for query in ({}, {"user": "alice"})
        ]
        read = (await http.get(f"/v1/credentials/{scene.alice.credential_id}")).json()

    assert [one["id"] for one in listed] == [scene.alice.credential_id]
    assert listed == named == [read]


async def test_t16_another_signer_s_key_looks_like_one_that_does_not_exist(scene: Scene, things: Things):
    """The shop itself may read it; a key that is only asked for is not there yet either."""
    asked = (await scene.shop.post("/v1/credentials", {"user": "alice"}))["id"]
    assert await scene.shop.get(f"/v1/credentials/{things.bob.credential_id}")
    async with bearing(scene, await token(scene, "service")) as http:
        told = [
            await assert_refused(scene.world, http.get(f"/v1/credentials/{id}"), MISSING, f"client:{scene.shop.id}")
            for id in (ABSENT, things.bob.credential_id, asked)
        ]

    assert len({answer.content for answer in told}) == 1


async def test_t17_another_signer_s_list_looks_like_that_of_nobody(scene: Scene, things: Things):
    async with bearing(scene, await token(scene, "service")) as http:
        told = {(await http.get("/v1/credentials", params={"user": user})).content for user in ("bob", "nobody")}

    assert told == {b'{"items":[],"next":null}'}


async def test_an_application_that_calls_for_itself_names_the_signer(scene: Scene, things: Things):
    answer = await scene.shop.http.get("/v1/credentials")

    assert (answer.status_code, answer.json()["detail"]) == (422, "query parameter user is missing")


@pytest.mark.parametrize("below", OF_SIGNATURE)
async def test_a_token_for_a_signature_reads_and_collects_it(scene: Scene, things: Things, below: str):
    path = f"/v1/signatures/{things.signed}{below}"
    async with bearing(scene, await token(scene, "credential", things.signed)) as http:
        answer, mine = await http.get(path), await scene.shop.http.get(path)

    assert (answer.status_code, answer.headers["content-type"]) == (200, mine.headers["content-type"])


@pytest.mark.parametrize("below", OF_SIGNATURE)
async def test_t16_every_other_signature_looks_like_one_that_does_not_exist(scene: Scene, things: Things, below: str):
    """The same signer's, another signer's, another application's, and one that the token names in another's name."""
    asked = [((things.signed,), id) for id in (ABSENT, things.second, things.bobs, things.others)]
    asked += [((), things.signed), ((things.others,), things.others)]
    told = [await refused(scene, await token(scene, "credential", *named), f"{id}{below}") for named, id in asked]

    assert len({answer.content for answer in told}) == 1
    assert len({str(sorted(answer.headers.items())) for answer in told}) == 1


@pytest.mark.parametrize("below", OF_SIGNATURE)
async def test_t34_a_signature_of_one_application_is_not_another_s_although_its_token_names_it(
    scene: Scene, things: Things, below: str
):
    stolen = await token(scene, "credential", things.signed, client=scene.other.id)

    await refused(scene, stolen, f"{things.signed}{below}", scene.other.id)


async def refused(scene: Scene, token: str, path: str, client: str = "") -> httpx.Response:
    async with bearing(scene, token) as http:
        asked = http.get(f"/v1/signatures/{path}")
        return await assert_refused(scene.world, asked, MISSING, f"client:{client or scene.shop.id}")


async def test_an_application_s_own_token_reads_all_that_is_its_own(scene: Scene, things: Things):
    for id in (things.signed, things.second, things.bobs):
        assert (await scene.shop.get(f"/v1/signatures/{id}"))["id"] == id
