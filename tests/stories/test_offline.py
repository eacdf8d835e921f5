"""Stories of codes: a phone without a connection answers by what its owner types where they are asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dss.evidence.saying import say
from dss.hsm.servicekeys import ServiceKeys
from dss.kernel.errors import HsmUnavailable
from dss.kernel.policy import Link, Policy
from mobile_mock.errors import Difference, Refused
from mobile_mock.scanning import text_of
from tests.referee.forging import Case
from tests.stories.codes import Desk, allow, set_up
from tests.stories.desk import hash_of
from tests.stories.shop import Shop, shop, shop_on_each_database
from tests.world.pdfs import simple_pdf
from tests.world.stranger import proven, sealed_evidence, trust
from tests.world.verdicts import disagreement
from tests.world.world import PIN

__all__ = ["shop", "shop_on_each_database"]

MODES = ("none", "compare", "choose")

module_loop = pytest.mark.asyncio(loop_scope="module")


async def is_proven(desk: Desk, id: str) -> bool:
    """Whether both verifiers find the evidence of a transaction good, and tell the same of it."""
    services = desk.shop.world.services
    record, known = await sealed_evidence(services, id), await trust(services)
    return disagreement(Case(record.encoded(), known.root, known.log_key.text), good=True) is None


# --- what a code does ---


@module_loop
@pytest.mark.parametrize("mode", MODES)
async def test_a_signer_confirms_by_the_code_that_their_phone_shows(shop: Shop, mode: str) -> None:
    desk = await set_up(shop)
    asked = await desk.ask(verification=mode)

    assert await desk.confirmed(asked) == "signed"

    told = await shop.application.get(f"/v1/signatures/{asked['id']}")
    assert told["answered"]["by"] == "code"
    steps = ["transaction.opened", "transaction.confirmed", "activation.reserved", "transaction.signed"]
    assert await desk.tells(asked) == steps
    (entry, *_) = (await desk.signer.phone.history()).entries
    assert (entry.id, entry.verification) == (asked["id"], "code")


@module_loop
@pytest.mark.parametrize("mode", MODES)
async def test_a_signer_declines_by_the_other_code(shop: Shop, mode: str) -> None:
    desk = await set_up(shop)
    asked = await desk.ask(verification=mode)

    typed = await desk.type(asked, (await desk.codes(asked)).decline)
    await shop.world.settle()

    assert (typed.status_code, typed.json()) == (200, {"state": "declined"})
    assert await shop.end(asked["id"]) == "declined"
    assert await is_proven(desk, asked["id"])


@module_loop
async def test_the_evidence_says_that_the_server_could_have_computed_the_code_too(shop: Shop) -> None:
    """docs/evidence.md section 4."""
    desk = await set_up(shop)
    asked = await desk.ask()
    await desk.confirmed(asked)

    said = say(await proven(shop.world.services, asked["id"]), "en")

    assert await is_proven(desk, asked["id"])
    assert "by a code that the server could compute too" in "\n".join(said.proven.sentences)
    assert "the server could have computed the code itself" in "\n".join(said.unproven.sentences)


@module_loop
async def test_t50_no_code_answers_a_batch_whose_documents_the_phone_cannot_name(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask(*(hash_of(str(number)) for number in range(101)))
    at = f"/v1/transactions/{asked['id']}"

    answers = [await shop.application.http.get(f"{at}/{of}") for of in ("offline-qr", "offline-qr.png")]
    answers.append(await desk.type(asked, "12345678"))

    told = {(answer.status_code, answer.json()["detail"]) for answer in answers}
    assert told == {(409, "a batch of more than 100 is confirmed on a phone with a connection only")}
    async with desk.shop.world.http() as browser:
        assert "code?k=" not in (await browser.get(asked["page"])).text
    await desk.signer.phone.decline(await desk.signer.phone.show(asked["id"]))


@module_loop
async def test_a_code_signs_a_pdf_and_the_qr_is_a_picture_too(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await shop.application.ask(desk.signer, simple_pdf())
    picture = await shop.application.http.get(f"/v1/transactions/{asked['id']}/offline-qr.png")
    shown = desk.signer.phone.show_offline(text_of(picture.content))

    await desk.type(asked, (await desk.signer.phone.offline_codes(shown, PIN)).confirm)
    await shop.world.settle()

    assert await shop.end(asked["id"]) == "signed"
    assert await is_proven(desk, asked["id"])


@module_loop
async def test_the_phone_takes_no_request_whose_qr_was_changed(shop: Shop) -> None:
    """T02."""
    desk = await set_up(shop)
    one, other = [await desk.qr(await desk.ask()) for _ in range(2)]
    payload, signature = one.partition("&s=")[0], other.partition("&s=")[2]

    with pytest.raises(Difference):
        desk.signer.phone.show_offline(f"{payload}&s={signature}")


# --- outages and the phone itself ---


@module_loop
async def test_t50_an_hsm_that_is_away_costs_no_try(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    right = (await desk.codes(asked)).confirm

    async def fail(*_: Any) -> bytes:
        raise HsmUnavailable

    with pytest.MonkeyPatch.context() as outage:
        outage.setattr(ServiceKeys, "hmac", fail)
        away = [await desk.type(asked, code) for code in ("00000000", "00000001", "00000002", right)]

    assert {one.status_code for one in away} == {503}
    assert (await desk.kept()).failures == 0
    assert (await desk.type(asked, "00000000")).json()["detail"].endswith("2 of 3 tries are left")
    assert await desk.confirmed(asked) == "signed"


async def test_t50_t07_a_code_and_a_phone_that_answer_at_once_give_one_signature(shop_on_each_database: Shop) -> None:
    desk = await set_up(shop_on_each_database)

    async def by_phone(answer: Callable[[], Awaitable[str]]) -> int:
        try:
            await answer()
        except Refused as refused:
            return refused.status
        return 200

    for _ in range(5):
        asked = await desk.ask()
        code, shown = (await desk.codes(asked)).confirm, await desk.signer.phone.show(asked["id"])
        typed, answered = await asyncio.gather(
            desk.type(asked, code), by_phone(lambda shown=shown: desk.signer.phone.confirm(shown, PIN))
        )
        await desk.shop.world.settle()
        assert sorted([typed.status_code, answered]) == [200, 409]
        assert await desk.shop.end(asked["id"]) == "signed"
    assert await desk.signatures() == 5


async def test_t10_no_code_takes_the_place_of_the_link_that_the_policy_asks_for(shop: Shop) -> None:
    """A QR that stands still may be read by somebody far away; the link's is good for three seconds."""
    desk = await set_up(shop)
    await allow(shop, desk.signer, Policy(offline=True, device_link=Link.ALWAYS))

    await desk.refused()
