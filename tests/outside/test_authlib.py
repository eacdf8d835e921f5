"""An application on Authlib works against this server.

Unchanged with a secret; with a key, it must be told that its assertions are for minutes and not for an hour.
"""

import json
import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from authlib.common.errors import AuthlibBaseError
from authlib.common.security import generate_token
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc.jwk import ECKey

from tests.outside.scene import BACK, Registered, Scene, judged, signature_of
from tests.world.pdfs import simple_pdf

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "The httpx module is deprecated")  # it prefers httpx's successor
    from authlib.integrations.httpx_client import AsyncOAuth2Client

pytestmark = pytest.mark.asyncio(loop_scope="package")
Connect = Callable[[Registered, str], AsyncOAuth2Client]
WAYS = ("client_secret_basic", "private_key_jwt")


@pytest_asyncio.fixture(loop_scope="package")
async def connect(scene: Scene) -> AsyncIterator[Connect]:
    """Makes clients for a scope, which are closed in the end."""
    async with AsyncExitStack() as stack:

        def connect(application: Registered, scope: str) -> AsyncOAuth2Client:
            client = client_of(scene.world.url, application, scope)
            stack.push_async_callback(client.aclose)
            return client

        yield connect


def client_of(url: str, application: Registered, scope: str) -> AsyncOAuth2Client:
    """Return a client that proves itself as it is registered."""
    method = "private_key_jwt" if application.jwk else "client_secret_basic"
    client = AsyncOAuth2Client(
        application.id,
        ECKey.import_key(application.jwk) if application.jwk else application.secret,
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        scope=scope,
        redirect_uri=BACK,
        code_challenge_method="S256",
        token_endpoint=f"{url}/oauth/token",
        base_url=url,
    )
    client.register_client_auth_method(PrivateKeyJWT(client.metadata["token_endpoint"], alg="ES256"))
    return client


async def tokens_of(scene: Scene, client: AsyncOAuth2Client, **parameters: Any) -> Any:
    """Send the signer to the server, and return the tokens that the client gets when they are back."""
    verifier = generate_token(48)
    ask = scene.ask_phone if parameters else scene.authorize
    address = f"{scene.world.url}/oauth/authorize"
    url, state = client.create_authorization_url(address, code_verifier=verifier, **parameters)
    return await client.fetch_token(authorization_response=await ask(url), state=state, code_verifier=verifier)


async def registered(scene: Scene, by: str) -> Registered:
    """Register an application that proves itself in one of the ways."""
    return await (scene.application() if by == "private_key_jwt" else scene.application_with_secret())


@pytest.mark.parametrize("by", WAYS)
async def test_a_signers_token_is_used_refreshed_looked_at_and_revoked(scene: Scene, connect: Connect, by: str):
    client = connect(await registered(scene, by), "service")
    first = dict(await tokens_of(scene, client))
    second = await client.refresh_token()

    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    keys = (await client.get("/v1/credentials")).json()["items"]
    assert [key["id"] for key in keys] == [scene.signer.credential_id]

    looked = await client.introspect_token("/oauth/introspect", token=second["access_token"])
    assert (looked.json()["active"], looked.json()["username"]) == (True, scene.signer.user.login)
    assert (await client.revoke_token("/oauth/revoke", token=second["refresh_token"])).status_code == 200
    looked = await client.introspect_token("/oauth/introspect", token=second["access_token"])
    assert looked.json() == {"active": False}
    with pytest.raises(AuthlibBaseError, match="invalid_grant"):
        await client.refresh_token()


@pytest.mark.parametrize("by", WAYS)
async def test_an_uploaded_document_is_signed_by_the_phone_and_collected_with_its_token(
    scene: Scene, connect: Connect, by: str, tmp_path: Path
):
    application, pdf = await registered(scene, by), simple_pdf()
    own = connect(application, "signatures")
    await own.fetch_token(grant_type="client_credentials", scope="signatures")
    headers = {"Content-Type": "application/pdf"}
    uploaded = await own.post("/v1/documents", params={"name": "contract.pdf"}, content=pdf, headers=headers)

    client = connect(application, "credential")
    asked = json.dumps([signature_of(uploaded.json())])
    (detail,) = (await tokens_of(scene, client, authorization_details=asked))["authorization_details"]
    signed = await client.get(f"/v1/signatures/{detail['signature_id']}/documents/0")

    assert signed.content.startswith(pdf)
    told = judged(signed.content, tmp_path)
    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told
