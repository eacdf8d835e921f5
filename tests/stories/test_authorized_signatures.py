"""A relying application has a contract signed by way of the authorization endpoint, from its request to the PDF.

Source: docs/authorization.md sections 3 to 8.
"""

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from dss.clients.profile import GrantType, Profile
from dss.clients.service import NewClient
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import NotFound, Tampered
from dss.kernel.ids import CredentialId, GrantId, LoginId, TransactionId
from dss.kernel.policy import Mode
from dss.login.model import Factor, Session, Standing
from dss.oauth import pkce
from dss.oauth.authorization_errors import SentBack
from dss.oauth.authorizing import Authorizing
from dss.oauth.grant import Stage as GrantStage
from dss.transactions.machine import State
from dss.transactions.tables import transactions
from dss.users.model import User
from tests.world.intruder import Intruder
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN, SERVER, Application, Signer, World

CALLBACK = "https://contracts.example/back"
VERIFIER = "a-verifier-that-only-its-client-has-ever-seen.~_"
BROWSER = "b" * 43


@dataclass
class Stage:
    """A relying application that sends people to the authorization endpoint, and Alice with her phone and her key."""

    world: World
    application: Application
    alice: Signer

    @property
    def authorizing(self) -> Authorizing:
        """The verbs behind the pages."""
        return self.world.services.authorizing

    def session(self, user: User | None = None) -> Session:
        """Return a session of Alice, or of another signer."""
        now = self.world.clock.now()
        return Session(
            id=LoginId("01KAJ9T8VX3N5Q7R9S1T2V4W6Y"),
            user_id=(user or self.alice.user).id,
            standing=Standing.FULL,
            first=Factor.PASSWORD,
            second=Factor.PHONE,
            browser_sha256=b"",
            address="",
            agent="",
            renewals=1,
            created_at=now,
            used_at=now,
            ends_at=now,
        )

    async def asks(self, **members: Any) -> Any:
        """Push a request for the signature of a contract, and read it as the browser brings it."""
        document = await self.application.upload(simple_pdf())
        detail = {"type": "signature", "text": "The contract", "documents": [{"id": document["id"]}], **members}
        form = {
            "response_type": "code",
            "redirect_uri": CALLBACK,
            "scope": "credential",
            "state": "a state",
            "code_challenge": pkce.challenge_of(VERIFIER),
            "code_challenge_method": "S256",
            "authorization_details": json.dumps([detail]),
        }
        who = (self.application.id, self.application.secret)
        pushed = (await self.application.http.post("/oauth/par", data=form, auth=who)).json()
        named = {"client_id": self.application.id, "request_uri": pushed["request_uri"]}
        return await self.authorizing.read_query(urlencode(named).encode())

    async def consents(self, **members: Any) -> GrantId:
        """Let Alice consent, and return the grant that waits for her phone."""
        wish, session = await self.asks(**members), self.session()
        key = self.alice.credential_id
        return GrantId((await self.authorizing.allow(wish, session, BROWSER, key, "form")).rpartition("/")[2])

    async def redeems(self, url: str) -> Any:
        """Redeem the code of an answer."""
        form = {"grant_type": "authorization_code", "code": answer(url)["code"], "code_verifier": VERIFIER}
        who = (self.application.id, self.application.secret)
        return (await self.application.http.post("/oauth/token", data=form, auth=who)).json()


@pytest.fixture
async def stage(world: World) -> Stage:
    grants = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE)
    new = NewClient(
        "Contracts Ltd",
        ("signatures", "credentials", "service", "credential"),
        with_secret=True,
        profile=Profile(redirect_uris=(CALLBACK,), grants=grants),
    )
    registered = await world.services.clients.register(new, OPERATOR)
    application = Application(world.http(), registered.client.id, registered.secret or "")
    await application.log_in()
    return Stage(world, application, await world.signer(application))


def answer(url: str | None) -> dict[str, str]:
    """Return what an answer tells the client; every one names the server (RFC 9207)."""
    assert url is not None
    assert url.startswith(f"{CALLBACK}?")
    told = {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}
    assert (told.pop("iss"), told.pop("state")) == (SERVER, "a state")
    return told


async def test_a_contract_is_signed_once_the_phone_has_confirmed_it(stage: Stage):
    world, session = stage.world, stage.session()
    grant = await stage.consents()
    view = await stage.authorizing.waiting(grant, session)
    assert (view.client.name, view.shown.text, view.shown.names) == ("Contracts Ltd", "The contract", ("contract.pdf",))
    assert [(document.name, document.size) for document in view.documents] == [("contract.pdf", len(simple_pdf()))]
    assert await stage.authorizing.finish(grant, session) is None

    (notice,) = await stage.alice.phone.waiting()
    await stage.alice.phone.confirm(await stage.alice.phone.show(notice.id), PIN)
    assert await stage.authorizing.finish(grant, session) is None
    await world.settle()

    token = await stage.redeems(await stage.authorizing.finish(grant, session) or "")
    (detail,) = token["authorization_details"]
    assert (detail["credential_id"], detail["signature_id"]) == (stage.alice.credential_id, notice.id)
    headers = {"Authorization": f"Bearer {token['access_token']}"}
    signed = await world.http().get(f"/v1/signatures/{notice.id}/documents/0", headers=headers)
    assert signed.status_code == 200
    assert signed.content.startswith(simple_pdf())


async def test_a_decline_goes_back_to_the_application(stage: Stage):
    grant, session = await stage.consents(), stage.session()

    (notice,) = await stage.alice.phone.waiting()
    await stage.alice.phone.decline(await stage.alice.phone.show(notice.id), "not today")

    told = answer(await stage.authorizing.finish(grant, session))
    assert told == {"error": "access_denied", "error_description": "the signer declined"}


async def test_the_person_stops_on_the_page_and_the_phone_has_nothing_to_answer(stage: Stage):
    grant = await stage.consents()

    told = answer(await stage.authorizing.stop(grant, stage.session()))

    assert told == {"error": "access_denied", "error_description": "the request was cancelled"}
    assert await stage.alice.phone.waiting() == []


async def test_a_form_that_is_sent_twice_at_once_asks_the_phone_once(stage: Stage):
    wish, session, key = await stage.asks(), stage.session(), stage.alice.credential_id

    pages = await asyncio.gather(*(stage.authorizing.allow(wish, session, BROWSER, key, "form") for _ in range(4)))

    assert len(set(pages)) == 1
    assert len(await stage.alice.phone.waiting()) == 1


async def test_the_page_shows_the_number_that_the_phone_asks_for(stage: Stage):
    grant = await stage.consents(verification="choose")

    view = await stage.authorizing.waiting(grant, stage.session())

    assert (view.shown.mode, view.shown.state, bool(view.shown.number)) == (Mode.CHOOSE, State.AWAITING, True)


async def test_the_page_shows_the_hashes_whose_content_the_server_has_not_seen(stage: Stage):
    given = Digest.of(b"a contract elsewhere")
    grant = await stage.consents(documents=[], hashes=[b64.encode(given.value)], verification="choose")

    view = await stage.authorizing.waiting(grant, stage.session())

    assert (view.documents, view.hashes) == ((), (given,))


async def test_nobody_else_sees_what_waits_or_has_it_signed(stage: Stage):
    """T16: Mallory signs in as herself, and knows every id."""
    mallory = await stage.world.user("mallory")
    grant, session = await stage.consents(), stage.session(mallory)

    for verb in (stage.authorizing.waiting, stage.authorizing.finish, stage.authorizing.stop, stage.authorizing.link):
        with pytest.raises(NotFound):
            await verb(grant, session)
    wish = await stage.asks(credential_id=stage.alice.credential_id)
    assert await stage.authorizing.keys_for(wish, session) == ()
    with pytest.raises(SentBack) as back:
        await stage.authorizing.allow(wish, session, BROWSER, stage.alice.credential_id, "form")
    assert answer(back.value.url)["error"] == "access_denied"


async def test_a_key_that_cannot_sign_now_is_not_offered(stage: Stage):
    wish, session = await stage.asks(), stage.session()
    assert [key.id for key in await stage.authorizing.keys_for(wish, session)] == [stage.alice.credential_id]

    await stage.world.services.keys.suspend(CredentialId(stage.alice.credential_id), OPERATOR)

    assert await stage.authorizing.keys_for(wish, session) == ()


async def test_a_signer_who_blocked_the_application_is_not_asked_by_this_way_either(stage: Stage):
    await stage.consents()
    (notice,) = await stage.alice.phone.waiting()
    await stage.alice.phone.decline(await stage.alice.phone.show(notice.id), "", "not_me")

    wish = await stage.asks()
    with pytest.raises(SentBack) as back:
        await stage.authorizing.allow(wish, stage.session(), BROWSER, stage.alice.credential_id, "form")

    assert answer(back.value.url)["error"] == "access_denied"
    assert await stage.alice.phone.waiting() == []


async def test_what_a_client_asks_for_here_it_can_read_as_its_own(stage: Stage):
    """The transaction is the client's like any other: one signature, one log."""
    await stage.consents()
    (notice,) = await stage.alice.phone.waiting()

    found = await stage.application.get(f"/v1/signatures/{TransactionId(notice.id)}")

    assert (found["text"], found["state"]) == ("The contract", "awaiting")


async def test_t18_an_edited_row_gives_the_application_no_code(stage: Stage):
    """Who may write into the database, and has no phone, signs nothing and opens nothing by it."""
    grant, session = await stage.consents(), stage.session()
    (notice,) = await stage.alice.phone.waiting()
    intruder = Intruder(stage.world.services.database)
    await intruder.edit(transactions, notice.id, state=State.SIGNED.value)

    with pytest.raises(Tampered):
        await stage.authorizing.finish(grant, session)

    assert (await stage.world.services.grants.get(grant)).stage is GrantStage.PENDING
    told = await stage.world.services.audit.newest(kind="alarm.")
    assert f"transaction:{notice.id}" in {one.event.subject for one in told}
    await intruder.edit(transactions, notice.id, state=State.AWAITING.value)
