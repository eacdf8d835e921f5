"""The authorization endpoint's decisions: where an answer goes, and who is asked what.

Source: docs/authorization.md section 4.
"""

from urllib.parse import parse_qsl

import pytest

from dss.clients.profile import GrantType
from dss.kernel.errors import Unauthenticated
from dss.login.model import Standing
from dss.oauth.authorization_errors import PageFault, SentBack
from dss.oauth.steps import Step
from tests.protocol.authorizing_world import (
    BROWSER,
    MALLORY,
    AuthorizingWorld,
    answer,
    registered,
    signing,
    world,
    world_on_each,
)
from tests.protocol.oauth_world import CALLBACK

__all__ = ["world", "world_on_each"]


async def told_back(world: AuthorizingWorld, **changes: str | None) -> dict[str, str]:
    with pytest.raises(SentBack) as back:
        await world.wish(**changes)
    return answer(back.value.url)


class TestWhereAnAnswerGoes:
    """RFC 6749 section 4.1.2.1; T33."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"client_id": None},
            {"client_id": "0" * 26},
            {"client_id": "x\x00"},
            {"redirect_uri": None},
            {"redirect_uri": "https://evil.example/"},
            {"redirect_uri": f"{CALLBACK}/../evil"},
            {"redirect_uri": f"{CALLBACK}?x=1"},
            {"redirect_uri": f"{CALLBACK}#x"},
        ],
    )
    async def test_nowhere_where_client_or_redirect_uri_is_not_known(
        self, world: AuthorizingWorld, changes: dict[str, str | None]
    ):
        """RFC 9700 section 4.11.2: there is no open redirector, and all such faults look alike."""
        with pytest.raises(PageFault) as fault:
            await world.wish(**changes, scope="wrong", state="x")

        assert "not known" in fault.value.detail

    async def test_nowhere_where_the_client_may_not_ask_for_codes(self, world: AuthorizingWorld):
        machine = await registered(world.server, "Machine", "signatures", grants=(GrantType.CLIENT_CREDENTIALS,))

        with pytest.raises(PageFault):
            await world.wish(machine)

    async def test_nowhere_for_a_redirect_uri_of_another_client(self, world: AuthorizingWorld):
        other = await registered(world.server, "Elsewhere", redirect_uris=("https://elsewhere.example/back",))

        with pytest.raises(PageFault):
            await world.wish(other)

    @pytest.mark.parametrize(
        ("changes", "error"),
        [
            ({"response_type": "token"}, "unsupported_response_type"),
            ({"response_type": "id_token"}, "unsupported_response_type"),
            ({"code_challenge": None}, "invalid_request"),
            ({"code_challenge_method": "plain"}, "invalid_request"),
            ({"scope": "signatures"}, "invalid_scope"),
            ({"scope": "credential"}, "invalid_authorization_details"),
            ({"request": "eyJhbGciOiJub25lIn0.e30."}, "request_not_supported"),
            ({"prompt": "none login"}, "invalid_request"),
        ],
    )
    async def test_every_other_fault_goes_back_with_the_state(
        self, world: AuthorizingWorld, changes: dict[str, str | None], error: str
    ):
        """RFC 9207 section 2: `answer` holds each of them against the name of the server."""
        told = await told_back(world, **changes, state="a+b &=%20")

        assert (told["error"], told["state"]) == (error, "a+b &=%20")
        assert told["error_description"]

    async def test_a_parameter_that_stands_twice_goes_back(self, world: AuthorizingWorld):
        """T33: parameter pollution."""
        query = "&".join(f"{name}={value}" for name, value in world.request(state="x").items())

        with pytest.raises(SentBack) as back:
            await world.authorizing.read_query(f"{query}&state=y&scope=service".encode())

        assert answer(back.value.url).keys() == {"error", "error_description"}

    async def test_a_document_of_another_client_is_not_there(self, world: AuthorizingWorld):
        """T16, T17: another's document and none look alike."""
        other, absent = world.upload(of=world.other.client), "0" * 26
        told = [await told_back(world, **signing(world, documents=[{"id": id}])) for id in (other.id, absent)]

        assert told[0] == told[1]
        assert told[0]["error"] == "invalid_authorization_details"

    async def test_a_document_that_is_not_the_one_that_is_meant_is_refused(self, world: AuthorizingWorld):
        documents = [{"id": world.upload().id, "sha256": "0" * 64}]

        told = await told_back(world, **signing(world, documents=documents))

        assert told["error"] == "invalid_authorization_details"


class TestWhatComesNext:
    """OpenID Connect Core 1.0 section 3.1.2.1."""

    async def test_a_person_signs_in_and_consents(self, world: AuthorizingWorld):
        wish = await world.wish()

        assert await world.authorizing.next_step(wish, None) is Step.SIGN_IN
        assert await world.authorizing.next_step(wish, world.session(standing=Standing.HALF)) is Step.SIGN_IN
        assert await world.authorizing.next_step(wish, world.session()) is Step.CONSENT

    async def test_a_consent_is_remembered_while_what_it_gave_lives(self, world: AuthorizingWorld):
        wish, session = await world.wish(), world.session()
        url = await world.authorizing.allow(wish, session, BROWSER)
        assert (await world.redeemed(url)).status_code == 200

        assert await world.authorizing.next_step(wish, session) is Step.GO_ON
        assert await world.authorizing.next_step(await world.wish(world.other), session) is Step.CONSENT
        assert await world.authorizing.next_step(wish, world.session(MALLORY)) is Step.CONSENT
        assert await world.authorizing.next_step(await world.wish(prompt="consent"), session) is Step.CONSENT
        assert await world.authorizing.next_step(await world.wish(**signing(world)), session) is Step.CONSENT
        (grant,) = await world.server.grants.living(session.user_id)
        await world.server.grants.end(grant.id, "revoked", "operator:test")
        assert await world.authorizing.next_step(wish, session) is Step.CONSENT

    async def test_a_public_client_is_consented_to_each_time(self, world: AuthorizingWorld):
        """RFC 6749 section 10.2, RFC 8252 section 8.6: anybody can say to be it."""
        wish, session = await world.wish(world.phone_app), world.session()
        await world.authorizing.allow(wish, session, BROWSER)

        assert await world.authorizing.next_step(wish, session) is Step.CONSENT

    @pytest.mark.parametrize(("prompt", "max_age"), [("login", None), (None, "0")])
    async def test_a_new_sign_in_is_one_after_the_request(
        self, world: AuthorizingWorld, prompt: str | None, max_age: str | None
    ):
        early = world.session()
        world.server.clock.move(1)
        wish = await world.wish(prompt=prompt, max_age=max_age)
        assert await world.authorizing.next_step(wish, early) is Step.SIGN_IN
        with pytest.raises(Unauthenticated):
            await world.authorizing.allow(wish, early, BROWSER)

        world.server.clock.move(30)
        again = await world.authorizing.read_query(wish.reached_by.encode())

        assert await world.authorizing.next_step(again, world.session()) is Step.CONSENT
        assert await world.authorizing.next_step(again, early) is Step.SIGN_IN

    async def test_a_sign_in_may_be_as_old_as_the_client_says(self, world: AuthorizingWorld):
        session = world.session()
        world.server.clock.move(60)

        assert await world.authorizing.next_step(await world.wish(max_age="60"), session) is Step.CONSENT
        assert await world.authorizing.next_step(await world.wish(max_age="59"), session) is Step.SIGN_IN

    async def test_of_a_pushed_request_the_sign_in_is_younger_than_the_push(self, world: AuthorizingWorld):
        early = world.session()
        world.server.clock.move(1)
        named = await world.pushed(prompt="login")
        wish = await world.bring({**named, "asked_at": "0"})

        assert await world.authorizing.next_step(wish, early) is Step.SIGN_IN
        assert await world.authorizing.next_step(wish, world.session()) is Step.CONSENT

    async def test_a_silent_request_shows_nothing(self, world: AuthorizingWorld):
        session = world.session()
        asks = {"login_required": (None, {}), "consent_required": (session, {})}
        asks["interaction_required"] = (session, signing(world))
        for error, (who, changes) in asks.items():
            wish = await world.wish(prompt="none", **changes)
            with pytest.raises(SentBack) as back:
                await world.authorizing.next_step(wish, who)
            assert answer(back.value.url) == {"error": error, "state": "a state"}

    async def test_a_request_is_come_back_to_by_its_address(self, world: AuthorizingWorld):
        """The server keeps nothing of a request that is not pushed."""
        wish = await world.wish(login_hint="alice", unknown="x")

        assert dict(parse_qsl(wish.reached_by)) == world.request(login_hint="alice")
        assert await world.authorizing.read_query(wish.reached_by.encode()) == wish


class TestReadingKeys:
    """Scope `service`: a consent gives a code at once."""

    async def test_a_consent_gives_a_code_that_its_client_redeems(self, world_on_each: AuthorizingWorld):
        world = world_on_each
        url = await world.authorizing.allow(await world.wish(), world.session(), BROWSER)

        assert answer(url)["state"] == "a state"
        token = await world.redeemed(url)
        assert (token.status_code, token.json()["scope"]) == (200, "service")

    async def test_a_refusal_goes_back(self, world: AuthorizingWorld):
        session = world.session()

        told = answer(await world.authorizing.refuse(await world.wish(), session))

        refused = {"error": "access_denied", "error_description": "the signer refused", "state": "a state"}
        assert told == refused
        (event,) = await world.server.audit.newest(1)
        assert (event.event.kind, event.event.actor) == ("authorization.refused", session.actor)

    async def test_who_has_not_signed_in_allows_nothing(self, world: AuthorizingWorld):
        wish = await world.wish()

        with pytest.raises(Unauthenticated):
            await world.authorizing.allow(wish, world.session(standing=Standing.HALF), BROWSER)
        assert await world.authorizing.keys_for(wish, world.session()) == ()
