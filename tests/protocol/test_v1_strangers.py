"""What belongs to one application does not exist for another, and nothing at all for those without a token (T16)."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import pytest_asyncio

from dss.clients.model import RELYING, SCOPES
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import Bounds, Policy
from dss.oauth.access_token import AccessTokens, Wanted
from dss.oauth.issuer import Issuer
from dss.oauth.token_keys import TokenKeys
from dss.web.rest.api import V1
from tests.protocol.resource_world import BOTH_SCHEMES
from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, scene
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, Application

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENDPOINTS = [(operation.declared.method, operation.declared.path) for operation in V1.operations]
SCOPES_OF = {(operation.declared.method, operation.declared.path): operation.scopes for operation in V1.operations}
# Operators see what is everybody's.
READ = {
    "/v1/signatures/{id}/cancel": "/v1/signatures/{id}",
    "/v1/sessions/{id}/end": "/v1/sessions/{id}",
    "/v1/transactions/{id}/offline-code": "/v1/transactions/{id}/offline-qr",
}
OF_ONE = [one for one in ENDPOINTS if "{id}" in one[1] and "operators" not in SCOPES_OF[one]]


@dataclass(frozen=True)
class Owned:
    """What there is: the shop's document, what awaits its answer, and the credential that was asked for.

    phones, users: the signer's phone and login, which operators name. proposals, audit: operators list all.
    """

    documents: str
    signatures: str
    transactions: str
    sessions: str
    credentials: str
    phones: str
    users: str
    proposals: str = ABSENT
    audit: str = ABSENT


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owned(scene: Scene) -> Owned:
    document = await scene.shop.upload(simple_pdf())
    wish = scene.wish(hashes=None, documents=[{"id": document["id"]}])
    asked = await scene.shop.post("/v1/signatures", wish)
    credential = await scene.shop.post("/v1/credentials", {"user": "alice"})
    phone = scene.alice.phone.kept().device
    key = CredentialId(scene.alice.credential_id)
    await scene.world.services.policies.change_credential(key, Policy(session=Bounds(5, 5)), OPERATOR)
    session = await scene.shop.post("/v1/sessions", {"credential_id": key, "signatures": 5, "minutes": 5})
    return Owned(
        document["id"], asked["id"], asked["id"], session["id"], credential["id"], phone, scene.alice.user.login
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(scene: Scene) -> Application:
    return await scene.world.application("Desk", scopes=("operators",))


def call(method: str, path: str, http: httpx.AsyncClient, id: str = ABSENT) -> httpx.Request:
    """A right request, but for who asks."""
    bodies = {"/v1/documents": simple_pdf(), "/v1/transactions/{id}/offline-code": b'{"code": "12345678"}'}
    content = bodies.get(path, b'{"user": "alice"}')
    media_type = "application/pdf" if path == "/v1/documents" else "application/json"
    query = {"name": "contract.pdf"} if (method, path) == ("POST", "/v1/documents") else {}
    url = path.format(id=id, index=0, login=id)
    return http.build_request(
        method, url, params=query, content=content if method == "POST" else None, headers={"Content-Type": media_type}
    )


@pytest.mark.parametrize(("method", "path"), OF_ONE)
async def test_t16_another_application_s_object_looks_like_one_that_does_not_exist(
    scene: Scene, owned: Owned, method: str, path: str
):
    by, missing = f"client:{scene.other.id}", Refusal(404, "not_found")
    http = scene.other.http
    id = getattr(owned, path.split("/")[2])
    mine = await scene.shop.http.send(call("GET", READ.get(path, path), scene.shop.http, id))
    assert mine.status_code in {200, 409}

    others = await assert_refused(scene.world, http.send(call(method, path, http, id)), missing, by)
    absent = await assert_refused(scene.world, http.send(call(method, path, http)), missing, by)

    assert others.content == absent.content
    assert dict(others.headers) == dict(absent.headers)


async def test_t16_another_application_s_document_cannot_be_put_into_a_wish(scene: Scene, owned: Owned):
    by = f"client:{scene.other.id}"
    told = []
    for id in (owned.documents, ABSENT):
        wish = scene.wish(hashes=None, documents=[{"id": id}])
        post = scene.other.http.post("/v1/signatures", json=wish)
        told.append((await assert_refused(scene.world, post, Refusal(404, "not_found", "document"), by)).content)
    assert told[0] == told[1]


@pytest.mark.parametrize("path", ["/v1/documents", "/v1/signatures"])
async def test_t16_a_list_holds_the_caller_s_own_only(scene: Scene, owned: Owned, path: str):
    assert len((await scene.shop.get(path))["items"]) == 1
    assert (await scene.other.get(path)) == {"items": [], "next": None}


async def test_t16_a_cursor_of_another_application_opens_nothing(scene: Scene, owned: Owned):
    link = (await scene.shop.get("/v1/documents?limit=1"))["next"]
    assert link
    assert (await scene.other.get(link))["items"] == []


async def test_t17_a_signer_without_a_credential_looks_like_no_signer(scene: Scene, owned: Owned):
    await scene.world.user("bob")
    found = [await scene.shop.http.get("/v1/credentials", params={"user": user}) for user in ("bob", "nobody")]
    assert found[0].content == found[1].content


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_t16_without_a_token_everything_is_401_whether_it_exists_or_not(
    scene: Scene, owned: Owned, method: str, path: str
):
    """RFC 6750 section 3.1: a request without credentials is told the scheme, and no error."""
    existing = getattr(owned, path.split("/")[2])
    async with scene.world.http() as http:
        told = [
            await assert_refused(scene.world, http.send(call(method, path, http, id)), unknown("access token"), by="")
            for id in (existing, ABSENT)
        ]
    assert told[0].content == told[1].content
    assert told[0].headers["www-authenticate"] == BOTH_SCHEMES


def unknown(says: str) -> Refusal:
    return Refusal(401, "unauthenticated", says)


async def test_a_token_of_another_issuer_is_refused_although_the_key_is_right(scene: Scene):
    services = scene.world.services
    keys = TokenKeys(services.database, services.tokens.service, services.clock, timedelta(minutes=10))
    tokens = AccessTokens(Issuer("https://other.example", SCOPES), keys, services.clock)
    minted = await tokens.mint(Wanted(ClientId(scene.shop.id), ("signatures",)))
    await refused_with(scene, f"Bearer {minted.text}")


async def test_a_token_with_an_altered_signature_is_refused(scene: Scene):
    token = scene.shop.http.headers["Authorization"]
    await refused_with(scene, token[:-6] + ("AAAAAA" if token[-6:] != "AAAAAA" else "BBBBBB"))


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c"])
async def test_what_is_no_token_is_refused(scene: Scene, value: str):
    await refused_with(scene, value)


@pytest.mark.parametrize("value", ["Basic YTpi", "bearer\t", "é"])
async def test_what_is_no_scheme_of_ours_is_refused_and_ours_are_told(scene: Scene, value: str):
    await refused_with(scene, value, BOTH_SCHEMES)


async def refused_with(scene: Scene, authorization: str, challenge: str = 'Bearer error="invalid_token"') -> None:
    async with scene.world.http() as http:
        asked = http.get("/v1/signatures", headers={"Authorization": authorization.encode()})
        answer = await assert_refused(scene.world, asked, unknown("access token"), by="")
    assert answer.headers["www-authenticate"] == challenge


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_a_token_without_the_scope_of_an_operation_is_refused_and_the_scope_told(
    scene: Scene, owned: Owned, desk: Application, method: str, path: str
):
    """RFC 6750 section 3.1: insufficient_scope is 403 and names the scope."""
    needed = SCOPES_OF[method, path]
    scope = next(scope for scope in SCOPES if scope not in needed)
    by = desk if scope == "operators" else scene.shop
    async with scene.world.http() as http:
        http.headers["Authorization"] = await token_for(by, scope)
        asked = http.send(call(method, path, http, getattr(owned, path.split("/")[2])))
        refusal = Refusal(403, "insufficient_scope", f"needs the scope {' or '.join(needed)}")
        answer = await assert_refused(scene.world, asked, refusal, f"client:{by.id}")
    assert answer.headers["www-authenticate"] == f'Bearer error="insufficient_scope", scope="{needed[0]}"'


@pytest.mark.parametrize("scope", ["signatures", "credentials"])
@pytest.mark.parametrize(("method", "path"), [one for one in ENDPOINTS if SCOPES_OF[one] == RELYING])
async def test_of_several_scopes_each_one_opens_an_operation(
    scene: Scene, owned: Owned, method: str, path: str, scope: str
):
    async with scene.world.http() as http:
        http.headers["Authorization"] = await token_for(scene.shop, scope)
        answer = await http.send(call(method, path, http, owned.transactions))
    assert answer.status_code in {200, 403, 409}
    assert "www-authenticate" not in answer.headers


async def token_for(application: Application, scope: str) -> str:
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = await application.http.post("/oauth/token", data=form, auth=(application.id, application.secret))
    return f"Bearer {answer.json()['access_token']}"
