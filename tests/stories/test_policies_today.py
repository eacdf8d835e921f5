"""Stories of policies that are raised beside what goes on: what rests on less is not taken for enough."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from dss.audit.event import Event
from dss.kernel.digest import SHA256
from dss.kernel.errors import Conflict
from dss.kernel.ids import ClientId, CredentialId, TransactionId
from dss.kernel.policy import NO_SESSION, SAYS_NOTHING, STRICTEST, Bounds, Mode, Policy
from dss.operators.model import Proposal
from dss.transactions.machine import Work
from dss.transactions.model import OpenSigning
from dss.transactions.plans import Plan, Plans
from dss.wiring import opened
from tests.stories.desk import Desk, allowed, asked, begun, count
from tests.stories.shop import Shop, shop
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["shop"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

Happens = Callable[[], Awaitable[object]]

CHOOSE = Policy(verification={"create": Mode.CHOOSE, "sign": Mode.CHOOSE})
COMPARE = Policy(verification={"sign": Mode.COMPARE})


async def of_key(shop: Shop, signer: Signer, policy: Policy) -> None:
    await shop.world.services.policies.change_credential(CredentialId(signer.credential_id), policy, OPERATOR)


async def of_application(shop: Shop, policy: Policy) -> None:
    await shop.world.services.policies.change_client(ClientId(shop.application.id), policy, OPERATOR)


async def policy_of(shop: Shop, id: str) -> Policy:
    return (await shop.world.services.credentials.get(CredentialId(id))).policy


# --- a key in another's place ---


async def test_t29_a_key_in_anothers_place_is_asked_for_by_the_policy_of_that_one_and_has_it(shop: Shop) -> None:
    signer = await shop.signer()
    await of_key(shop, signer, CHOOSE)
    wish = await shop.ask_key(signer, replaces=signer.credential_id)
    shown = await signer.phone.show(wish["transaction_id"])
    assert shown.request.verification.mode == wish["verification"]["mode"] == "choose"

    await signer.phone.confirm(shown, PIN, number=wish["verification"]["number"])
    await shop.world.settle()

    assert await signer.phone.state(shown.id) == "signed"
    assert await policy_of(shop, wish["id"]) == CHOOSE
    told = (await shop.world.services.audit.of_subject(f"credential:{wish['id']}"))[-1].event
    assert told.details["policy"] == '{"verification":{"create":"choose","sign":"choose"}}'


async def test_t29_a_key_beside_another_has_no_policy_of_its_own(shop: Shop) -> None:
    signer = await shop.signer()
    await of_key(shop, signer, CHOOSE)
    assert await policy_of(shop, await shop.new_key(signer)) == SAYS_NOTHING


async def test_t29_a_key_that_was_asked_for_by_less_does_not_take_the_place_of_one_that_asks_for_more(
    shop: Shop,
) -> None:
    signer = await shop.signer()
    wish = await shop.ask_key(signer, replaces=signer.credential_id)
    await of_key(shop, signer, CHOOSE)

    await shop.confirm(signer, wish["transaction_id"])

    assert await signer.phone.state(wish["transaction_id"]) == "failed"
    assert (await shop.row(signer.credential_id)).state == "active"


async def test_t29_a_policy_that_is_raised_before_the_certificate_holds_for_the_new_key_too(shop: Shop) -> None:
    signer = await shop.signer()
    wish = await shop.ask_key(signer, replaces=signer.credential_id)
    await signer.phone.confirm(await signer.phone.show(wish["transaction_id"]), PIN)
    assert await shop.node(Work.KEY).next()
    await of_key(shop, signer, COMPARE)
    await shop.world.settle()
    assert await signer.phone.state(wish["transaction_id"]) == "signed"
    assert await policy_of(shop, wish["id"]) == COMPARE


# --- sessions ---


RAISED = [
    Policy(verification={"session": Mode.COMPARE}),
    Policy(verification={"sign": Mode.CHOOSE}),
    Policy(session=NO_SESSION),
    Policy(session=Bounds(2, 15)),
    Policy(session=Bounds(3, 14)),
]


@pytest.mark.parametrize("raised", RAISED, ids=repr)
async def test_t37_a_session_below_its_applications_policy_gives_nothing_more(shop: Shop, raised: Policy) -> None:
    desk = await begun(shop, signatures=3, minutes=15)
    await desk.signed("a")
    await of_application(shop, raised)
    try:
        refused = await desk.sign("b")
    finally:
        await of_application(shop, SAYS_NOTHING)
    assert refused.status_code == 409
    assert refused.json()["detail"].startswith("the session's confirmation is below today's policy")
    await shop.world.settle()
    assert await count(desk) == 1
    assert (await desk.signed("b"))["state"] == "signed", "it had not ended, and is enough again"


async def test_t37_a_session_below_the_settings_gives_nothing_more(shop: Shop) -> None:
    desk = await begun(shop)
    key, application = CredentialId(desk.signer.credential_id), ClientId(shop.application.id)
    wish = OpenSigning(application, key, "", hashes=(bytes(32),), hash_algorithm=SHA256)
    in_session = replace(wish, session_id=TransactionId(desk.session))
    raised = replace(shop.world.services.settings, verification={"session": Mode.CHOOSE})
    async with opened(raised, shop.world.clock) as services:
        with pytest.raises(Conflict, match="below today's policy"):
            await services.opening.open_signing(in_session)
    assert (await desk.signed("a"))["state"] == "signed", "by the settings of before"


async def test_t37_a_session_that_is_as_strict_as_todays_policy_goes_on(shop: Shop) -> None:
    signer = await allowed(shop)
    session = await asked(shop, signer, verification="choose")
    shown = await signer.phone.show(session["id"])
    await signer.phone.confirm(shown, PIN, number=session["verification"]["number"])
    await of_application(shop, CHOOSE)
    try:
        assert (await Desk(shop, signer, session["id"]).signed("a"))["state"] == "signed"
    finally:
        await of_application(shop, SAYS_NOTHING)


async def test_t37_no_session_passes_by_a_lock_that_is_to_be_changed(shop: Shop) -> None:
    desk = await begun(shop)
    await to_relock(desk.shop, desk.signer)

    for refused in (await desk.sign("a"), await open_session(desk)):
        assert (refused.status_code, refused.json()["detail"]) == (
            409,
            "the key waits to be locked anew: have a signature confirmed on the phone first",
        )
    assert await shop.signs(desk.signer)
    assert (await open_session(desk)).status_code == 201


async def to_relock(shop: Shop, signer: Signer) -> None:
    """Let the key wait to be locked anew, as the removal of another phone does."""
    s = shop.world.services
    key = await s.credentials.sealed(CredentialId(signer.credential_id))
    draft = await s.seals.draft(key, replace(key.value, relock=True))
    async with s.database.write() as connection:
        await s.seals.write(connection, draft, Event("credential.to_relock", OPERATOR, key.name))


async def open_session(desk: Desk) -> Any:
    body = {"credential_id": desk.signer.credential_id, "text": "More letters", "signatures": 2, "minutes": 5}
    return await desk.shop.application.http.post("/v1/sessions", json=body)


# --- two operators ---


def just_before_a_plan_is_written(patch: pytest.MonkeyPatch, happens: Happens) -> None:
    """Let something happen once, between what a change was judged by and its writing."""
    commit = Plans.commit

    async def commit_late(plans: Plans, plan: Plan, actor: str) -> None:
        patch.setattr(Plans, "commit", commit)
        await happens()
        await commit(plans, plan, actor)

    patch.setattr(Plans, "commit", commit_late)


@pytest.mark.parametrize("before", [None, COMPARE], ids=["none before", "one before"])
@pytest.mark.parametrize("of", ["client", "credential"])
async def test_t29_what_is_raised_at_the_moment_of_a_change_is_not_lowered_by_one_operator(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, of: str, before: Policy | None
) -> None:
    signer, application = await shop.signer(), await shop.world.application(f"{of} {before is None}")
    settings = replace(shop.world.services.settings, two_operators=True)
    async with opened(settings, shop.world.clock) as services:
        id = ClientId(application.id) if of == "client" else CredentialId(signer.credential_id)
        change = partial(getattr(services.policies, f"change_{of}"), id)
        if before is not None:
            assert await change(before, "operator:one") == before
        just_before_a_plan_is_written(monkeypatch, lambda: change(STRICTEST, "operator:two"))

        assert isinstance(await change(COMPARE, "operator:one"), Proposal)

        key = await services.credentials.get(CredentialId(signer.credential_id))
        policy = await services.policies.of_client(ClientId(application.id)) if of == "client" else key.policy
        assert policy == STRICTEST
        assert await change(COMPARE, "operator:two") == COMPARE


async def test_t29_another_change_of_the_key_meanwhile_costs_two_operators_no_second_agreement(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = await shop.signer()
    await of_key(shop, signer, CHOOSE)
    settings = replace(shop.world.services.settings, two_operators=True)
    async with opened(settings, shop.world.clock) as services:
        change = partial(services.policies.change_credential, CredentialId(signer.credential_id), COMPARE)
        assert isinstance(await change("operator:one"), Proposal)
        just_before_a_plan_is_written(monkeypatch, lambda: to_relock(shop, signer))
        assert await change("operator:two") == COMPARE
