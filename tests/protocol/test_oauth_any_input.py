"""Whatever a program sends to the authorization server, it answers by a code of the standard, and never fails.

The readers have such tests of their own beside them; here they are behind one another, as callers reach them.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.kernel import b64
from dss.oauth import client_secret
from dss.oauth.errors import InvalidClient
from dss.web.oauth.problems import CODES
from dss.web.oauth.token import TokenForm
from tests.protocol.oauth_world import OAuthWorld, world

__all__ = ["world"]

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
FIXTURES = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

grants = st.sampled_from(
    [
        "client_credentials",
        "authorization_code",
        "refresh_token",
        "password",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]
)
words = st.text(max_size=40) | st.sampled_from(["..", "a.b.c", "e30.e30.", "1" * 26 + "." + "A" * 43, "\x00", "%00"])
forms = st.dictionaries(st.sampled_from(TokenForm.__struct_fields__), words, max_size=6)
# What a header can carry at all (RFC 9110 section 5.5).
values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
@FIXTURES
@given(body=st.binary(max_size=200))
async def test_any_body_is_refused_by_a_code_of_the_standard(world: OAuthWorld, path: str, body: bytes) -> None:
    """RFC 6749 section 5.2."""
    answer = await world.http.post(path, content=body, headers=FORM)

    assert answer.status_code in {400, 401}
    assert answer.json()["error"] in CODES


@FIXTURES
@given(form=forms, grant_type=grants, authorization=values, proof=values, proven=st.booleans())
async def test_any_token_request_is_answered_by_a_code_of_the_standard(
    world: OAuthWorld, form: dict[str, str], grant_type: str, authorization: str, proof: str, proven: bool
) -> None:
    """RFC 6749 section 5.2, RFC 9449 section 5."""
    me = {"client_id": world.shop.client.id, "client_secret": world.shop.secret or ""} if proven else {}
    sent = {"DPoP": proof, **({} if proven else {"Authorization": authorization})}
    sent = {name: value for name, value in sent.items() if value.strip()}

    answer = await world.http.post("/oauth/token", data={**form, "grant_type": grant_type, **me}, headers=sent)

    assert answer.status_code in {200, 400, 401}
    assert answer.status_code == 200 or answer.json()["error"] in CODES


@given(text=values | st.binary(max_size=60).map(lambda secret: f"Basic {b64.encode(secret)}"))
def test_any_basic_credentials_are_read_or_refused(text: str) -> None:
    """RFC 6749 section 2.3.1, RFC 7617."""
    try:
        claimed = client_secret.from_basic(text)
    except InvalidClient:
        return
    assert text.lower().startswith("basic ")
    assert isinstance(claimed.secret, str)
