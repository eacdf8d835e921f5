"""Tokens bound to the certificate that a proxy vouches for, over TCP. Source: RFC 8705, RFC 9440."""

import base64

import httpx
import pytest

from tests.outside.scene import Registered, Scene
from tests.world.tls_client import self_signed

pytestmark = pytest.mark.asyncio(loop_scope="package")


def shown(certificate: bytes) -> dict[str, str]:
    """Return the header in which a proxy hands on its caller's certificate (DER)."""
    return {"Client-Cert": f":{base64.b64encode(certificate).decode()}:"}


async def asked(http: httpx.AsyncClient, application: Registered, headers: dict[str, str]) -> httpx.Response:
    """Ask for the application's own token."""
    form = {"grant_type": "client_credentials", "client_id": application.id}
    return await http.post("/oauth/token", data=form, headers=headers)


async def test_a_token_bound_to_a_certificate_is_good_with_this_certificate_only(scene: Scene):
    mine, other = self_signed(), self_signed()
    http, application = scene.world.http(), await scene.application_with_certificate(mine)
    token = (await asked(http, application, shown(mine))).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"

    answers = [await http.get("/v1/documents", headers=headers) for headers in (shown(mine), shown(other), {})]

    assert [answer.status_code for answer in answers] == [200, 401, 401]
    assert ["invalid_token" in answer.headers.get("WWW-Authenticate", "") for answer in answers] == [False, True, True]


async def test_without_its_certificate_an_application_gets_no_token(scene: Scene):
    http, application = scene.world.http(), await scene.application_with_certificate(self_signed())

    for headers in (shown(self_signed()), {}):
        answer = await asked(http, application, headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
