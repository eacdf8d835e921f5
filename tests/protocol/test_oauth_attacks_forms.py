"""What nobody may set by a request or a form of the authorization server, and forms that are used another time."""

import json
from typing import Any

from dss.kernel import b64
from tests.protocol.attack_world import BANK, EVIL, Stage, sign_in, stage, told
from tests.world.visitor import Visitor
from tests.world.world import SERVER

__all__ = ["stage"]

SOMEBODY = "01KAJ9T8VX3N5Q7R9S1T2V4W6Y"
# What decides over tokens and grants, and is no parameter of any request for them.
PROTECTED = {
    "sub": SOMEBODY,
    "user_id": SOMEBODY,
    "session_id": SOMEBODY,
    "signature_id": SOMEBODY,
    "aud": "https://evil.example",
    "iss": "https://evil.example",
    "exp": "9999999999",
    "expires_in": "9999999",
    "lifetime": "9999999",
    "cnf": '{"jkt": "x"}',
    "jkt": "x" * 43,
    "act": '{"sub": "x"}',
    "grant": SOMEBODY,
    "grant_id": SOMEBODY,
    "stage": "redeemed",
    "generation": "9",
    "auth_time": "9999999999",
    "authenticated_at": "9999999999",
    "asked_at": "0",
}
WIDER = {"scope": "service credential signatures operators"}
DETAILS = {"authorization_details": json.dumps([{"type": "signature", "signature_id": SOMEBODY}])}
MEMBERS: tuple[dict[str, Any], ...] = (
    {"signature_id": SOMEBODY},
    {"user": "bob"},
    {"user_id": SOMEBODY},
    {"client_id": SOMEBODY},
    {"state": "signed"},
    {"number": "42"},
    {"policy": "none"},
    {"browser": "b" * 43},
)


def claims(token: str) -> dict[str, Any]:
    """Return what an access token says."""
    said: dict[str, Any] = json.loads(b64.url_decode(token.split(".")[1]))
    return said


async def detail(stage: Stage, text: str, **members: Any) -> str:
    """Return the parameter by which a signature of a new contract of the bank is asked for."""
    asked = {"type": "signature", "text": text, "documents": [{"id": await stage.document()}], **members}
    return json.dumps([asked])


async def waits(stage: Stage) -> list[str]:
    """Return the texts that Alice's phone shows, sorted."""
    phone = stage.alice.phone
    return sorted([(await phone.show(notice.id)).request.text for notice in await phone.waiting()])


async def test_t31_what_is_nobodys_to_set_is_not_set_on_the_way_to_a_signers_token(stage: Stage) -> None:
    """By the address, by the form of the consent, and by the request for the token."""
    await stage.browser.go(stage.url(**PROTECTED))
    form = stage.browser.page.form("Allow")
    form.fields |= PROTECTED | WIDER | DETAILS | {"client_id": stage.evil.client.id, "redirect_uri": EVIL}
    await stage.browser.press("Allow")
    assert stage.browser.left_for.startswith(f"{BANK}?")

    answer = await stage.redeem(stage.answered()["code"], **PROTECTED, **WIDER, **DETAILS)

    said = claims(answer.json()["access_token"])
    (grant,) = await stage.world.services.grants.living(stage.alice.user.id)
    assert {name: said[name] for name in said.keys() - {"jti", "iat", "exp", "auth_time"}} == {
        "iss": SERVER,
        "aud": SERVER,
        "sub": stage.alice.user.id,
        "client_id": stage.bank.client.id,
        "scope": "service",
        "grant": grant.id,
    }
    assert said["exp"] - said["iat"] == 600
    assert said["auth_time"] <= said["iat"]


async def test_t31_what_is_nobodys_to_set_is_not_set_in_an_applications_own_token(stage: Stage) -> None:
    answer = await stage.ask(stage.evil, grant_type="client_credentials", **PROTECTED, **DETAILS)

    said = claims(answer.json()["access_token"])
    assert set(said) == {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope"}
    assert (said["sub"], said["client_id"], said["scope"]) == (*[stage.evil.client.id] * 2, "signatures")
    wider = await stage.ask(stage.evil, grant_type="client_credentials", **WIDER)
    assert wider.json()["error"] == "invalid_scope"


async def test_t31_a_pushed_request_is_its_clients_and_says_nothing_but_what_requests_say(stage: Stage) -> None:
    """Among it when the person was first asked: of a pushed request the server itself knows."""
    form, who = told(stage.url(max_age="60")) | PROTECTED, stage.bank.client.id
    stage.world.clock.move(61)

    for_another = await stage.http.post("/oauth/par", data=form, auth=(stage.evil.client.id, stage.evil.secret or ""))
    pushed = await stage.http.post("/oauth/par", data=form, auth=(who, stage.bank.secret or ""))
    await stage.browser.go(f"/oauth/authorize?client_id={who}&request_uri={pushed.json()['request_uri']}")

    assert (for_another.status_code, for_another.json()["error"]) == (400, "invalid_request")
    assert stage.browser.page.title == "Sign in"


async def test_t31_a_detail_has_the_members_that_a_client_may_say(stage: Stage) -> None:
    """RFC 9396 section 5."""
    for member in MEMBERS:
        asked = stage.url(scope="credential", authorization_details=await detail(stage, "Rent", **member))
        answer = await stage.browser.http.get(asked)

        assert told(answer.headers["location"])["error"] == "invalid_authorization_details", member


async def test_t31_nobody_signs_with_the_key_of_another_signer(stage: Stage) -> None:
    bob = await stage.world.signer(await stage.world.application("Desk"), "bob")
    await stage.browser.go(stage.url(scope="credential", authorization_details=await detail(stage, "Rent")))
    stage.browser.page.form("Ask my phone").fields["credential_id"] = bob.credential_id
    await stage.browser.press("Ask my phone")

    assert stage.browser.page.answer.status_code == 422
    assert await bob.phone.waiting() == []
    assert await waits(stage) == []


async def test_t43_a_form_that_is_sent_twice_asks_once_and_its_nonce_in_another_form_asks_for_that(
    stage: Stage,
) -> None:
    """The nonce of one consent under another text, and under another application: each is shown to the phone."""
    rent = stage.url(scope="credential", authorization_details=await detail(stage, "Rent"))
    sale = stage.url(scope="credential", authorization_details=await detail(stage, "Sale"))
    for url in (rent, rent, sale):
        await stage.browser.go(url)
        await stage.browser.press("Ask my phone", nonce="the same")

    assert await waits(stage) == ["Rent", "Sale"]
    by_hash = json.dumps([{"type": "signature", "text": "Gift", "hashes": [b64.encode(bytes(32))]}])
    for who in (stage.bank, stage.evil):
        await stage.browser.go(stage.url(who, scope="credential", authorization_details=by_hash))
        await stage.browser.press("Ask my phone", nonce="the same")
    assert await waits(stage) == ["Gift", "Gift", "Rent", "Sale"]


async def test_t43_the_nonce_of_one_signer_is_nothing_to_another(stage: Stage) -> None:
    bob = await stage.world.signer(await stage.world.application("Desk"), "bob")
    url = stage.url(scope="credential", authorization_details=await detail(stage, "Rent"))
    await stage.browser.go(url)
    await stage.browser.press("Ask my phone", nonce="the same")
    alices = stage.browser.page.url

    async with stage.world.http() as http:
        theirs = Visitor(http)
        await sign_in(stage.world, bob, theirs)
        await theirs.go(url)
        await theirs.press("Ask my phone", nonce="the same")

        assert theirs.page.url != alices
        assert (await http.get(alices)).status_code == 404
    assert len(await bob.phone.waiting()) == 1
    assert await waits(stage) == ["Rent"]


async def test_t43_a_pushed_request_is_allowed_by_one_form_however_often_that_is_sent(stage: Stage) -> None:
    """RFC 9126 section 7.3; docs/authorization.md section 4."""
    form = told(stage.url(scope="credential")) | {"authorization_details": await detail(stage, "Rent")}
    pushed = await stage.http.post("/oauth/par", data=form, auth=(stage.bank.client.id, stage.bank.secret or ""))
    await stage.browser.go(
        f"/oauth/authorize?client_id={stage.bank.client.id}&request_uri={pushed.json()['request_uri']}"
    )
    consent, seen = stage.browser.page, []
    for nonce in ("the one", "the one", "another"):
        stage.browser.page = consent
        await stage.browser.press("Ask my phone", nonce=nonce)
        seen.append((stage.browser.page.answer.status_code, stage.browser.page.url))

    assert [status for status, _ in seen] == [200, 200, 400]
    assert seen[0] == seen[1]
    assert await waits(stage) == ["Rent"]
