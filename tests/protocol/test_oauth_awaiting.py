"""What comes of a signature that a client asks for at the authorization endpoint.

Source: docs/authorization.md section 8.
"""

import pytest

from dss.kernel.errors import (
    BadDocument,
    Conflict,
    DssError,
    Forbidden,
    HsmUnavailable,
    Invalid,
    NotFound,
    Tampered,
    TooMany,
)
from dss.kernel.ids import GrantId
from dss.login.model import Standing
from dss.oauth.authorization_errors import RequestGone, SentBack
from dss.oauth.grant import Stage
from dss.transactions.machine import State
from tests.protocol.authorizing_world import (
    BROWSER,
    MALLORY,
    AuthorizingWorld,
    answer,
    grant_of,
    signing,
    world,
    world_on_each,
)
from tests.protocol.signing_desk import KEY, OTHER_KEY

__all__ = ["world", "world_on_each"]


async def asked(world: AuthorizingWorld) -> GrantId:
    """Have the signer consent to a signature, and return the grant that waits."""
    wish = await world.wish(**signing(world))
    return grant_of(await world.authorizing.allow(wish, world.session(), BROWSER, KEY, "nonce"))


class TestAskingForASignature:
    """Scope `credential`: the phone is asked as it is for any other request."""

    async def test_the_signature_is_the_clients_and_by_the_key_that_was_chosen(self, world: AuthorizingWorld):
        world.ring.keys = (KEY, OTHER_KEY)
        wish, session = await world.wish(**signing(world, verification="choose")), world.session()
        assert [key.id for key in await world.authorizing.keys_for(wish, session)] == [KEY, OTHER_KEY]

        await world.authorizing.allow(wish, session, BROWSER, OTHER_KEY, "nonce")

        (opened,) = world.desk.wishes
        assert (opened.client_id, opened.credential_id) == (world.shop.client.id, OTHER_KEY)
        assert (opened.text, opened.mode, opened.browser) == ("Rent", "choose", BROWSER)
        assert [document.name for document in wish.documents] == ["rent.pdf"]

    async def test_a_form_that_is_sent_twice_asks_once(self, world_on_each: AuthorizingWorld):
        world = world_on_each
        session = world.session()
        for wish in (await world.wish(**signing(world)), await world.bring(await world.pushed(**signing(world)))):
            world.desk.wishes.clear()
            world.desk.asked.clear()
            first, second = [await world.authorizing.allow(wish, session, BROWSER, KEY, "one form") for _ in range(2)]

            assert first == second
            assert len(world.desk.wishes) == 1

    async def test_another_form_asks_again(self, world: AuthorizingWorld):
        wish, session = await world.wish(**signing(world)), world.session()
        pages = {await world.authorizing.allow(wish, session, BROWSER, KEY, nonce) for nonce in ("1", "2", "", "")}

        assert len(pages) == 4

    async def test_a_key_that_is_named_is_the_only_one(self, world: AuthorizingWorld):
        world.ring.keys = (KEY, OTHER_KEY)
        wish, session = await world.wish(**signing(world, credential_id=KEY)), world.session()

        assert [key.id for key in await world.authorizing.keys_for(wish, session)] == [KEY]
        with pytest.raises(Invalid):
            await world.authorizing.allow(wish, session, BROWSER, OTHER_KEY, "nonce")
        assert world.desk.wishes == []

    async def test_of_another_signers_key_nothing_is_known(self, world: AuthorizingWorld):
        """T16, T17."""
        told = []
        for key, user in ((KEY, MALLORY), ("0" * 26, world.session().user_id)):
            wish = await world.wish(**signing(world, credential_id=key))
            with pytest.raises(SentBack) as back:
                await world.authorizing.allow(wish, world.session(user), BROWSER, key, "nonce")
            told.append(answer(back.value.url))

        assert told[0] == told[1]
        assert told[0]["error"] == "access_denied"

    @pytest.mark.parametrize(
        ("refusal", "error"),
        [
            (TooMany("later"), "temporarily_unavailable"),
            (Forbidden("the signer wants no requests"), "access_denied"),
            (Conflict("the signer has no phone that can answer now"), "access_denied"),
            (BadDocument("documents[0]: broken"), "invalid_authorization_details"),
            (NotFound(), "invalid_authorization_details"),
            (Tampered(), "server_error"),
        ],
    )
    async def test_what_speaks_against_it_is_told_to_the_client(
        self, world: AuthorizingWorld, refusal: DssError, error: str
    ):
        wish, world.desk.refusal = await world.wish(**signing(world)), refusal

        with pytest.raises(SentBack) as back:
            await world.authorizing.allow(wish, world.session(), BROWSER, KEY, "nonce")

        told = answer(back.value.url)
        assert (told["error"], told["error_description"]) == (error, refusal.detail or refusal.title)

    async def test_an_outage_is_no_answer(self, world: AuthorizingWorld):
        """The same form may be sent again, also of a pushed request."""
        wish, session = await world.bring(await world.pushed(**signing(world))), world.session()
        world.desk.refusal = HsmUnavailable()
        with pytest.raises(HsmUnavailable):
            await world.authorizing.allow(wish, session, BROWSER, KEY, "nonce")

        world.desk.refusal = None
        assert await world.authorizing.allow(wish, session, BROWSER, KEY, "nonce")


class TestTheWait:
    """docs/authorization.md section 8."""

    async def test_the_page_tells_what_waits_to_its_signer_only(self, world: AuthorizingWorld):
        """T16: to another there is no such thing, as to nobody."""
        id, half = await asked(world), world.session(standing=Standing.HALF)

        view = await world.authorizing.waiting(id, world.session())
        assert (view.client.name, view.shown.state, view.is_over) == ("Shop", State.AWAITING, False)
        for session in (world.session(MALLORY), half):
            for verb in (world.authorizing.waiting, world.authorizing.finish, world.authorizing.stop):
                with pytest.raises(NotFound) as fault:
                    await verb(id, session)
                with pytest.raises(NotFound) as absent:
                    await verb(GrantId("0" * 26), session)
                assert str(fault.value) == str(absent.value)

    async def test_a_consent_to_something_else_has_no_such_page(self, world: AuthorizingWorld):
        session = world.session()
        await world.authorizing.allow(await world.wish(), session, BROWSER)
        (grant,) = await world.server.grants.living(session.user_id)

        with pytest.raises(NotFound):
            await world.authorizing.waiting(grant.id, session)

    async def test_the_code_comes_with_the_signature_and_not_before(self, world_on_each: AuthorizingWorld):
        world = world_on_each
        id, session = await asked(world), world.session()
        for state in (State.AWAITING, State.CONFIRMED, State.SIGNING):
            await world.desk.comes_to(state)
            assert await world.authorizing.finish(id, session) is None

        await world.desk.comes_to(State.SIGNED)
        url = await world.authorizing.finish(id, session)

        assert url is not None
        assert answer(url)["state"] == "a state"
        token = (await world.redeemed(url)).json()
        (detail,) = token["authorization_details"]
        assert (token["scope"], detail["credential_id"]) == ("credential", KEY)
        assert detail["signature_id"] == next(iter(world.desk.asked))

    async def test_once_the_code_is_used_there_is_nothing_left_to_bring(self, world: AuthorizingWorld):
        """RFC 9700 section 4.5: a page that is loaded anew must not make a client use a code again."""
        id, session = await asked(world), world.session()
        await world.desk.comes_to(State.SIGNED)
        url = await world.authorizing.finish(id, session) or ""
        assert (await world.redeemed(url)).status_code == 200

        assert await world.authorizing.finish(id, session) is None
        assert (await world.authorizing.waiting(id, session)).is_over

    @pytest.mark.parametrize(
        ("state", "error", "description"),
        [
            (State.DECLINED, "access_denied", "the signer declined"),
            (State.CANCELLED, "access_denied", "the request was cancelled"),
            (State.EXPIRED, "access_denied", "the time to confirm has passed"),
            (State.FAILED, "server_error", "the signature could not be made"),
        ],
    )
    async def test_an_end_without_a_signature_is_told_by_its_name(
        self, world: AuthorizingWorld, state: State, error: str, description: str
    ):
        id, session = await asked(world), world.session()
        await world.desk.comes_to(state)

        told = [answer(await world.authorizing.finish(id, session) or "") for _ in range(2)]

        assert told == [{"error": error, "error_description": description, "state": "a state"}] * 2
        assert (await world.server.grants.get(id)).stage is Stage.ENDED

    async def test_a_wait_that_nobody_answers_is_over_by_its_time(self, world: AuthorizingWorld):
        id = await asked(world)
        world.server.clock.move(301)

        told = answer(await world.authorizing.finish(id, world.session()) or "")

        assert told["error_description"] == "the time to confirm has passed"

    async def test_the_person_stops_it(self, world: AuthorizingWorld):
        id, session = await asked(world), world.session()

        told = answer(await world.authorizing.stop(id, session))

        assert (told["error"], told["error_description"]) == ("access_denied", "the request was cancelled")
        assert {one.state for one in world.desk.asked.values()} == {State.CANCELLED}

    async def test_what_is_confirmed_is_not_stopped(self, world: AuthorizingWorld):
        id, session = await asked(world), world.session()
        await world.desk.comes_to(State.SIGNING)
        assert await world.authorizing.stop(id, session) == f"/oauth/waiting/{id}"

        await world.desk.comes_to(State.SIGNED)
        assert "code" in answer(await world.authorizing.stop(id, session))

    async def test_a_grant_that_was_taken_back_meanwhile_gives_no_code(self, world: AuthorizingWorld):
        id, session = await asked(world), world.session()
        await world.server.grants.end(id, "revoked", session.actor)
        await world.desk.comes_to(State.SIGNED)

        assert await world.authorizing.finish(id, session) is None

    async def test_who_waits_is_told_of_a_change(self, world: AuthorizingWorld):
        id, session = await asked(world), world.session()
        mark = (await world.authorizing.waiting(id, session)).mark
        assert not await world.authorizing.await_change(id, session, 0)
        assert not await world.authorizing.await_change(id, session, 0, mark)

        await world.desk.comes_to(State.CONFIRMED)

        assert await world.authorizing.await_change(id, session, 30, mark)

    async def test_a_pushed_request_is_over_once_the_phone_is_asked(self, world: AuthorizingWorld):
        named, session = await world.pushed(**signing(world)), world.session()
        await world.authorizing.allow(await world.bring(named), session, BROWSER, KEY, "nonce")

        with pytest.raises(RequestGone):
            await world.authorizing.next_step(await world.bring(named), session)
