"""An application on requests_oauth2client works against this server unchanged: pushed, bound to keys, with details.

The library waits for its answers, so each of its calls has a thread.
"""

import json
from asyncio import to_thread
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import requests
from requests_oauth2client import ApiClient, AuthorizationResponseError, DPoPToken, InvalidGrant, OAuth2Client

from dss.clients.profile import GrantType
from tests.outside.scene import BACK, WEB, Registered, Scene, judged, signature_of
from tests.world.pdfs import simple_pdf

pytestmark = pytest.mark.asyncio(loop_scope="package")
Connect = Callable[[Registered], Awaitable[OAuth2Client]]


@pytest_asyncio.fixture(loop_scope="package")
async def connect(scene: Scene) -> AsyncIterator[Connect]:
    """Makes clients by what the server tells of itself."""
    with requests.Session() as session:

        async def connect(application: Registered) -> OAuth2Client:
            return await to_thread(client_of, scene.world.url, application, session)

        yield connect


def client_of(url: str, application: Registered, session: requests.Session) -> OAuth2Client:
    """Return a client that proves itself by its key, and has all its tokens bound to another."""
    return OAuth2Client.from_discovery_endpoint(
        f"{url}/.well-known/oauth-authorization-server",
        url,
        client_id=application.id,
        private_key=application.jwk,
        redirect_uri=BACK,
        dpop_bound_access_tokens=True,
        session=session,
        testing=True,  # on loopback, without TLS
    )


async def token_of(scene: Scene, client: OAuth2Client, scope: str, **parameters: Any) -> DPoPToken:
    """Push a request, send the signer to the server, and return the token that the client gets when they are back."""
    request = client.authorization_request(scope=scope, **parameters)
    pushed = await to_thread(client.pushed_authorization_request, request)
    ask = scene.ask_phone if parameters else scene.authorize
    answer = request.validate_callback(await ask(pushed.uri))
    return await to_thread(client.authorization_code, answer)


async def called(scene: Scene, token: DPoPToken, path: str) -> Any:
    """Return what the server answers to who holds a token."""

    def get() -> Any:
        with ApiClient(scene.world.url, auth=token) as api:
            return api.get(path)

    return await to_thread(get)


async def test_a_signers_token_is_used_refreshed_looked_at_and_revoked(scene: Scene, connect: Connect):
    client = await connect(await scene.application(par=True, dpop=True))
    first = await token_of(scene, client, "service")
    second = await to_thread(client.refresh_token, first)

    assert (second.token_type, second.access_token != first.access_token) == ("DPoP", True)
    keys = (await called(scene, second, "/v1/credentials")).json()["items"]
    assert [key["id"] for key in keys] == [scene.signer.credential_id]

    looked = await to_thread(client.introspect_token, second)
    assert (looked["active"], looked["cnf"]) == (True, {"jkt": second.dpop_key.dpop_jkt})
    assert await to_thread(client.revoke_refresh_token, second) is True
    assert await to_thread(client.introspect_token, second) == {"active": False}
    with pytest.raises(InvalidGrant):
        await to_thread(client.refresh_token, second)


async def test_an_uploaded_document_is_signed_by_the_phone_and_collected_with_its_token(
    scene: Scene, connect: Connect, tmp_path: Path
):
    client, pdf = await connect(await scene.application(par=True, dpop=True)), simple_pdf()
    own = await to_thread(client.client_credentials, "signatures")

    def upload() -> Any:
        with ApiClient(scene.world.url, auth=own) as api:
            headers = {"Content-Type": "application/pdf"}
            return api.post("/v1/documents", params={"name": "contract.pdf"}, data=pdf, headers=headers).json()

    asked = json.dumps([signature_of(await to_thread(upload))])
    token = await token_of(scene, client, "credential", authorization_details=asked)
    (detail,) = token.authorization_details
    signed = await called(scene, token, f"/v1/signatures/{detail['signature_id']}/documents/0")

    assert signed.content.startswith(pdf)
    told = judged(signed.content, tmp_path)
    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told


async def test_another_application_goes_on_with_a_token_in_exchange_for_the_first_ones(scene: Scene, connect: Connect):
    """RFC 8693: a token that is bound to a key is exchanged by who has that key, and stays bound to it."""
    first = await connect(await scene.application())
    subject = await token_of(scene, first, "service")
    other = await scene.application(grants=(*WEB, GrantType.TOKEN_EXCHANGE))
    second, key = await connect(other), subject.dpop_key
    actor = await to_thread(second.client_credentials, "signatures", dpop_key=key)

    def exchange() -> Any:
        tokens = {"subject_token": str(subject), "actor_token": str(actor)}
        types = {"subject_token_type": "access_token", "actor_token_type": "access_token"}
        return second.token_exchange(**tokens, **types, dpop=True, dpop_key=key)

    token = await to_thread(exchange)
    assert (await called(scene, token, "/v1/credentials")).status_code == 200
    looked = await to_thread(second.introspect_token, token)
    assert (looked["username"], looked["act"]) == (scene.signer.user.login, {"sub": other.id})
    assert looked["cnf"] == {"jkt": key.dpop_jkt}


async def test_an_application_learns_that_the_signer_refused(scene: Scene, connect: Connect):
    client = await connect(await scene.application())
    request = client.authorization_request(scope="service")
    back = await scene.authorize(request.uri, "Refuse")

    with pytest.raises(AuthorizationResponseError) as refused:
        request.validate_callback(back)
    assert refused.value.error == "access_denied"
