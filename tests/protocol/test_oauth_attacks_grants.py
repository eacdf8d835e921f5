"""Attacks on what a signer allowed: to get more codes, longer, elsewhere, or again after it was taken back."""

import asyncio
from typing import Any
from urllib.parse import parse_qs

import pytest

from dss.clients.change import Change
from dss.kernel.errors import Tampered, Unauthenticated
from dss.login.model import Standing
from dss.oauth.authorization_errors import PageFault, RequestGone, SentBack
from dss.oauth.grant import Stage
from dss.oauth.steps import Step
from dss.transactions.machine import State
from tests.protocol.authorizing_world import (
    BROWSER,
    AuthorizingWorld,
    answer,
    grant_of,
    signing,
    world,
    world_on_each,
)
from tests.protocol.oauth_world import ALICE
from tests.protocol.signing_desk import KEY

__all__ = ["world", "world_on_each"]

HASH = "A" * 43 + "="
TEXTS = ("\\ud800", "\\u0000")
PLACES = (
    '"text":"%s"',
    '"hash_algorithm":"%s"',
    '"scheme":"%s"',
    '"verification":"%s"',
    '"%s":1',
    '"hashes":["%s"]',
    '"documents":[{"%s":1}]',
)


async def changed(world: AuthorizingWorld, **members: Any) -> None:
    """Let an operator change the shop's registration."""
    await world.server.clients.change(world.shop.client.id, Change(**members), "operator:test")


async def consented(world: AuthorizingWorld, session: Any) -> dict[str, Any]:
    """Let the signer consent, and return what the shop gets."""
    url = await world.authorizing.allow(await world.wish(), session, BROWSER, nonce="consent")
    told: dict[str, Any] = (await world.redeemed(url)).json()
    return told


class TestTexts:
    """What no database and no UTF-8 holds."""

    @pytest.mark.parametrize("place", PLACES)
    @pytest.mark.parametrize("text", TEXTS)
    async def test_t33_no_detail_has_text_that_cannot_be_kept(self, world: AuthorizingWorld, place: str, text: str):
        usual = "" if "hashes" in place else f'"hashes":["{HASH}"],'
        asks = {"scope": "credential", "authorization_details": f'[{{"type":"signature",{usual}{place % text}}}]'}

        with pytest.raises(SentBack) as back:
            await world.wish(**asks)
        pushed = await world.push(**asks)

        assert answer(back.value.url)["error"] == pushed.json()["error"] == "invalid_authorization_details"


class TestCodes:
    """One decision, one code."""

    async def test_t33_one_form_gives_one_code_however_often_it_is_sent(self, world_on_each: AuthorizingWorld):
        world, session = world_on_each, world_on_each.session()
        for wish in (await world.wish(), await world.bring(await world.pushed())):
            sent = [world.authorizing.allow(wish, session, BROWSER, nonce=wish.reached_by[-9:]) for _ in range(20)]
            (url,) = set(await asyncio.gather(*sent))

            assert (await world.redeemed(url)).status_code == 200
            with pytest.raises(RequestGone):
                await world.authorizing.allow(wish, session, BROWSER, nonce=wish.reached_by[-9:])

    async def test_t33_a_form_that_is_sent_again_late_gives_nothing(self, world: AuthorizingWorld):
        wish, session = await world.wish(), world.session()
        await world.authorizing.allow(wish, session, BROWSER, nonce="n")
        world.server.clock.move(61)

        with pytest.raises(RequestGone):
            await world.authorizing.allow(wish, session, BROWSER, nonce="n")

    async def test_t18_no_code_comes_of_a_row_that_says_it_is_signed(self, world: AuthorizingWorld):
        id, session = await waiting(world), world.session()
        await world.desk.comes_to(State.SIGNED)
        world.desk.is_confirmed = False

        with pytest.raises(Tampered):
            await world.authorizing.finish(id, session)
        assert (await world.server.grants.get(id)).stage is Stage.PENDING

    @pytest.mark.parametrize("state", [State.SIGNED, State.DECLINED])
    async def test_t33_no_answer_goes_where_the_client_is_registered_no_more(
        self, world: AuthorizingWorld, state: State
    ):
        id, session = await waiting(world), world.session()
        await changed(world, redirect_uris=("https://shop.example/new",))
        await world.desk.comes_to(state)

        with pytest.raises(PageFault):
            await world.authorizing.finish(id, session)
        assert (await world.server.grants.get(id)).stage is Stage.ENDED


class TestConsent:
    """What is remembered, and for how long."""

    async def test_t33_what_is_remembered_ends_with_the_consent_that_it_rests_on(self, world: AuthorizingWorld):
        session, clock = world.session(), world.server.clock
        first = await consented(world, session)
        (known,) = await world.server.grants.living(ALICE)
        clock.move(29 * 24 * 3600)

        told = (await world.redeemed(await world.authorizing.go_on(await world.wish(), session))).json()
        assert {grant.expires_at for grant in await world.server.grants.living(ALICE)} == {known.expires_at}

        clock.move(24 * 3600)
        for token in (first["refresh_token"], told["refresh_token"]):
            form = {"grant_type": "refresh_token", "refresh_token": token}
            who = {"client_id": world.shop.client.id, "client_secret": world.shop.secret}
            assert (await world.http.post("/oauth/token", data=form | who)).json()["error"] == "invalid_grant"
        assert await world.authorizing.next_step(await world.wish(), session) is Step.CONSENT
        with pytest.raises(Unauthenticated):
            await world.authorizing.go_on(await world.wish(), session)

    async def test_t33_a_code_that_nobody_redeemed_is_no_consent(self, world: AuthorizingWorld):
        session = world.session()
        await world.authorizing.allow(await world.wish(), session, BROWSER, nonce="n")

        assert await world.authorizing.next_step(await world.wish(), session) is Step.CONSENT

    async def test_t33_what_is_taken_back_of_a_client_is_all_of_it(self, world: AuthorizingWorld):
        session = world.session()
        await consented(world, session)
        await world.redeemed(await world.authorizing.go_on(await world.wish(), session))
        other = await world.authorizing.allow(await world.wish(world.other), session, BROWSER, nonce="other")
        await world.redeemed(other, world.other)

        await world.server.grants.end_all_between(ALICE, world.shop.client.id, "taken back", session.actor)

        (left,) = await world.server.grants.living(ALICE)
        assert left.client_id == world.other.client.id
        assert await world.authorizing.next_step(await world.wish(), session) is Step.CONSENT

    async def test_t35_what_a_client_is_registered_for_no_more_it_gets_no_more(self, world: AuthorizingWorld):
        token = (await consented(world, world.session()))["refresh_token"]
        code = await world.authorizing.allow(await world.wish(), world.session(), BROWSER, nonce="other")
        await changed(world, scopes=("credential",))

        form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": world.shop.client.id}
        refreshed = await world.http.post("/oauth/token", data=form | {"client_secret": world.shop.secret or ""})

        assert refreshed.json()["error"] == (await world.redeemed(code)).json()["error"] == "invalid_grant"


class TestFreshSignIn:
    """OpenID Connect Core 1.0 section 3.1.2.1."""

    @pytest.mark.parametrize("asks", [{"prompt": "login"}, {"max_age": "0"}])
    async def test_t33_no_edited_address_makes_an_old_sign_in_a_fresh_one(
        self, world: AuthorizingWorld, asks: dict[str, str]
    ):
        early = world.session()
        before = await world.wish(**asks, state="another")
        world.server.clock.move(5)
        known = parse_qs((await world.wish(**asks)).reached_by)["asked_at"][0]
        anothers = parse_qs(before.reached_by)["asked_at"][0]

        for text in ("0", f"0.{known.partition('.')[2]}", anothers, "x", known + "A"[: len(known) < 55]):
            wish = await world.wish(**asks, asked_at=text)
            assert await world.authorizing.next_step(wish, early) is Step.SIGN_IN

    async def test_a_request_that_is_brought_again_much_later_is_asked_anew(self, world: AuthorizingWorld):
        wish = await world.wish(prompt="login")
        world.server.clock.move(1)
        session = world.session()
        assert await again(world, wish) is not None
        assert await world.authorizing.next_step(await again(world, wish), session) is Step.CONSENT

        world.server.clock.move(3600)
        assert await world.authorizing.next_step(await again(world, wish), session) is Step.SIGN_IN


class TestRefusals:
    """What the log tells of them."""

    async def test_t33_a_refusal_is_noted_of_who_has_signed_in_and_once_a_minute(self, world: AuthorizingWorld):
        full, half = world.session(), world.session(standing=Standing.HALF)
        for session in (None, half, full, full):
            await world.authorizing.refuse(await world.wish(), session)
        world.server.clock.move(60)
        await world.authorizing.refuse(await world.wish(), full)

        events = await world.server.audit.newest(kind="authorization.refused")
        assert [event.event.actor for event in events] == [f"user:{ALICE}"] * 2

    async def test_t33_who_has_not_signed_in_decides_on_no_pushed_request(self, world: AuthorizingWorld):
        wish = await world.bring(await world.pushed())
        await world.authorizing.refuse(wish)

        assert "code" in answer(await world.authorizing.allow(wish, world.session(), BROWSER, nonce="n"))


async def waiting(world: AuthorizingWorld) -> Any:
    """Have the signer consent to a signature, and return the grant that waits."""
    wish = await world.wish(**signing(world))
    return grant_of(await world.authorizing.allow(wish, world.session(), BROWSER, KEY, "nonce"))


async def again(world: AuthorizingWorld, wish: Any) -> Any:
    """Bring a request by the address that its pages have."""
    return await world.authorizing.read_query(wish.reached_by.encode())
