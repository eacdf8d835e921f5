"""Attacks on the way to the code, as RFC 9700 section 4 lists them, on the whole server and by a signer's browser.

Those that other tests try already are named in docs/conformance/oauth.md.
"""

import re

import httpx

from dss.oauth import pkce
from tests.protocol.attack_world import BANK, EVIL, VERIFIER, Stage, stage, told
from tests.protocol.html_reading import Reading
from tests.protocol.pages_world import code_in

__all__ = ["stage"]

ANOTHER_VERIFIER = "another-verifier-of-another-session-of-the-same-client"
NOT_REGISTERED = (
    None,
    EVIL,
    f"{BANK}/../../open?to=https://evil.example",
    f"{BANK}?to=https://evil.example",
    f"{BANK}#https://evil.example",
    BANK.replace("https", "http"),
    BANK.replace("bank.example", "bank.example.evil.example"),
    BANK.replace("bank.example", "bank.example@evil.example"),
    BANK.replace("bank.example", "bank.example:444"),
    BANK.replace("bank.example", "BANK.example"),
    "javascript:alert(1)",
    "//evil.example/back",
)
OTHER_ANSWERS = (
    ("response_type", "token", "unsupported_response_type"),
    ("response_type", "code token", "unsupported_response_type"),
    ("response_type", "code id_token", "unsupported_response_type"),
    ("response_mode", "fragment", "invalid_request"),
    ("response_mode", "form_post", "invalid_request"),
    ("response_mode", "web_message", "invalid_request"),
)
NO_CHALLENGE: tuple[dict[str, str | None], ...] = (
    {"code_challenge": None, "code_challenge_method": None},
    {"code_challenge_method": None},
    {"code_challenge_method": "plain"},
    {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
    {"code_challenge": ""},
)


def abroad(answer: httpx.Response) -> list[str]:
    """Return what a page loads or links from other sites, or sends there."""
    named = [given.get(name) or "" for _, given in Reading(answer.text).found for name in ("src", "href", "action")]
    return [address for address in named if address.startswith("//") or re.match("(?!data:)[a-z]+:", address)]


async def test_t33_no_code_goes_where_the_client_is_not_registered(stage: Stage) -> None:
    """RFC 9700 section 4.1: the person sees a page, and is sent nowhere."""
    seen = {uri: await stage.browser.http.get(stage.url(redirect_uri=uri)) for uri in NOT_REGISTERED}

    assert {uri: answer.status_code for uri, answer in seen.items()} == dict.fromkeys(NOT_REGISTERED, 400)
    assert [uri for uri, answer in seen.items() if "location" in answer.headers or abroad(answer)] == []


async def test_t33_no_page_tells_another_site_the_address_that_it_has(stage: Stage) -> None:
    """RFC 9700 section 4.2: the state, and what is asked for, stand in the addresses of our pages."""
    async with stage.world.http() as stranger:
        signing_in = await stranger.get(stage.url(), follow_redirects=True)
    consent = await stage.browser.http.get(stage.url())
    leaving = await stage.http.get(stage.url(scope="x"))

    assert [answer.status_code for answer in (signing_in, consent, leaving)] == [200, 200, 303]
    told_to = {answer.headers["referrer-policy"] for answer in (signing_in, consent, leaving)}
    assert told_to <= {"same-origin", "no-referrer"}
    assert [address for answer in (signing_in, consent) for address in abroad(answer)] == []


async def test_t33_no_token_stands_in_an_address(stage: Stage) -> None:
    """RFC 9700 section 4.3: what a browser's history keeps is a code that was used."""
    answer = await stage.allowed()
    tokens = (await stage.redeem(answer["code"])).json()

    assert set(answer) == {"code", "state", "iss"}
    visited = " ".join(address for _, address in stage.hops)
    assert [name for name in ("access_token", "refresh_token") if tokens[name] in visited] == []
    assert (await stage.redeem(answer["code"])).json()["error"] == "invalid_grant"
    assert (await stage.http.get("/v1/credentials", params={"access_token": tokens["access_token"]})).status_code == 401


async def test_t33_every_answer_names_the_server_that_gives_it(stage: Stage) -> None:
    """RFC 9700 section 4.4 (mix-up), RFC 9207: by the name that the metadata say, with a code and without."""
    issuer = (await stage.http.get("/.well-known/oauth-authorization-server")).json()["issuer"]
    good = await stage.allowed()
    bad = told((await stage.http.get(stage.url(scope="everything"))).headers["location"])
    await stage.browser.go(stage.url(prompt="consent"))
    await stage.browser.press("Refuse")
    refused = stage.answered()

    assert (bad["error"], refused["error"]) == ("invalid_scope", "access_denied")
    assert {answer["iss"] for answer in (good, bad, refused)} == {issuer}


async def test_t33_a_code_that_was_carried_to_another_application_is_of_no_use_there(stage: Stage) -> None:
    """RFC 9700 section 4.4: whoever gets a code by a mix-up, with all that belongs to it, cannot redeem it."""
    code = (await stage.allowed())["code"]

    stolen = await stage.redeem(code, stage.evil, redirect_uri=BANK)
    late = await stage.redeem(code)

    assert [answer.json()["error"] for answer in (stolen, late)] == ["invalid_grant"] * 2


async def test_t33_a_code_put_into_another_session_of_its_client_is_refused(stage: Stage) -> None:
    """RFC 9700 section 4.5: the client sends the verifier of the session that it is in."""
    await stage.allowed(code_challenge=pkce.challenge_of(ANOTHER_VERIFIER))  # the session of the attacker
    stolen = (await stage.allowed())["code"]

    injected = await stage.redeem(stolen, code_verifier=ANOTHER_VERIFIER)

    assert injected.json()["error"] == "invalid_grant"


async def test_t33_nothing_but_a_code_comes_back_in_the_query(stage: Stage) -> None:
    """RFC 9700 sections 4.6 and 4.17: there are no tokens to inject, and no messages between windows to listen to."""
    for name, value, error in OTHER_ANSWERS:
        answer = await stage.browser.http.get(stage.url(**{name: value}))

        address = answer.headers["location"]
        assert (told(address)["error"], "#" in address, "token" in told(address)) == (error, False, False)


async def test_t33_what_another_site_sends_by_a_signers_browser_allows_nothing(stage: Stage) -> None:
    """RFC 9700 section 4.7: neither a foreign form, nor the form of the attacker's own browser."""
    async with stage.world.http() as theirs:
        code = code_in((await theirs.get("/signin")).text)
    mine = (await stage.browser.http.get(stage.url())).text
    attempts = [
        ({"decision": "allow"}, {}),
        ({"decision": "allow", "form": code}, {}),
        ({"decision": "allow", "form": code_in(mine)}, {"Origin": "https://evil.example"}),
        ({"decision": "allow", "form": code_in(mine)}, {"Sec-Fetch-Site": "cross-site"}),
    ]

    answers = [await stage.browser.http.post(stage.url(), data=form, headers=sent) for form, sent in attempts]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert await stage.world.services.grants.living(stage.alice.user.id) == []


async def test_t33_no_request_goes_without_a_challenge(stage: Stage) -> None:
    """RFC 9700 section 4.8 (PKCE downgrade)."""
    answers = [await stage.browser.http.get(stage.url(**changes)) for changes in NO_CHALLENGE]

    assert {told(answer.headers["location"]).get("error") for answer in answers} == {"invalid_request"}


async def test_t33_no_code_is_redeemed_without_its_verifier(stage: Stage) -> None:
    """RFC 9700 section 4.8.2."""
    for verifier in ("", pkce.challenge_of(VERIFIER)):
        code = (await stage.allowed())["code"]

        assert (await stage.redeem(code, code_verifier=verifier)).json()["error"] == "invalid_grant"


async def test_t33_whoever_is_sent_on_after_a_form_goes_without_what_was_typed(stage: Stage) -> None:
    """RFC 9700 section 4.12: 303 after the password, after the consent and everywhere; never 307 or 308."""
    await stage.allowed()
    await stage.browser.go("/account")
    await stage.browser.press("Sign out")

    assert [address.split("?")[0] for _, address in stage.hops if address != "/account"] == [
        "/signin",
        "/signin/second",
        BANK,
        "/signin",
    ]
    assert {status for status, _ in stage.hops} == {303}


async def test_t33_a_redirect_to_a_client_is_for_who_has_signed_in(stage: Stage) -> None:
    """RFC 9700 section 4.11.2: to a right request of an operator's client nobody is sent on before they signed in."""
    async with stage.world.http() as stranger:
        answer = await stranger.get(stage.url())

    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/signin?")
