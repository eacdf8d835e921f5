"""The pages over the whole server: from the letter of a password to the code of a signature, as a browser goes."""

import json
from email import message_from_bytes
from email.policy import default
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from dss.clients.profile import GrantType, Profile
from dss.clients.service import NewClient
from dss.oauth import pkce
from tests.protocol.html_reading import Reading
from tests.protocol.pages_world import code_in
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN, Application, Signer, World

CALLBACK = "https://contracts.example/back"
PASSWORD = "Corr3ct horse"
SCOPES = ("signatures", "credentials", "service", "credential")
GRANTS = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE)


async def sent(browser: httpx.AsyncClient, at: str, **fields: str) -> str:
    """Send a form of ours from a page to itself, and return where it leads."""
    code = code_in((await browser.get(at)).text)
    answer = await browser.post(at, data={"form": code, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def has_password(world: World, browser: httpx.AsyncClient, signer: Signer) -> None:
    """Set a signer's password by a letter."""
    await world.services.login.send_letter(signer.user.login, OPERATOR)
    bodies = [
        message_from_bytes(one.read_bytes(), policy=default).get_body(("plain",)) for one in await world.letters()
    ]
    words = [word for body in bodies if body for word in body.get_content().split()]
    (link,) = [word for word in words if "/signin/password/" in word]
    await sent(browser, urlsplit(link).path, password=PASSWORD, repeated=PASSWORD)


async def confirms(world: World, signer: Signer) -> None:
    """Confirm what waits on the phone."""
    (notice,) = await signer.phone.waiting()
    await signer.phone.confirm(await signer.phone.show(notice.id), PIN)
    await world.settle()


async def test_a_browser_without_a_script_goes_from_signing_in_to_the_clients_code(world: World):
    profile = Profile(redirect_uris=(CALLBACK,), grants=GRANTS)
    new = NewClient("Contracts Ltd", SCOPES, with_secret=True, profile=profile)
    registered = await world.services.clients.register(new, OPERATOR)
    application = Application(world.http(), registered.client.id, registered.secret or "")
    await application.log_in()
    alice, browser = await world.signer(application), world.http()
    await has_password(world, browser, alice)
    document = await application.upload(simple_pdf())
    detail = {"type": "signature", "text": "The contract", "documents": [{"id": document["id"]}]}
    asked = urlencode(
        {
            "response_type": "code",
            "client_id": application.id,
            "redirect_uri": CALLBACK,
            "scope": "credential",
            "state": "a state",
            "code_challenge": pkce.challenge_of("v" * 43),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([detail]),
        }
    )

    signin = (await browser.get(f"/oauth/authorize?{asked}")).headers["location"]
    phone = await sent(browser, signin, login="alice", password=PASSWORD)
    assert Reading((await browser.get(phone)).text).text("h1") == "Confirm on your phone"
    await confirms(world, alice)
    consent = (await browser.get(phone)).headers["location"]
    assert Reading((await browser.get(consent)).text).text("h1") == "Sign for this application?"
    key = alice.credential_id
    waiting = await sent(browser, consent, decision="allow", credential_id=key, nonce="once")
    assert Reading((await browser.get(waiting)).text).text("h1") == "Confirm on your phone"
    await confirms(world, alice)

    back = (await browser.get(waiting)).headers["location"]
    assert back.startswith(f"{CALLBACK}?")
    assert {"code", "state", "iss"} == set(parse_qs(urlsplit(back).query))
    assert Reading((await browser.get("/account")).text).text("h1") == "Your account"
