"""Stories of policies: what is asked of a confirmation is the strictest of all, and nobody lowers it silently."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import pytest

from dss.audit.event import Event
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import SAYS_NOTHING, Mode, Policy
from dss.operators.model import Proposal
from dss.transactions.asking import USUAL
from dss.transactions.tables import transactions
from dss.wiring import opened
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.showing import Shown
from tests.world.intruder import Intruder
from tests.world.owners import HASH, REFUSED, Owner, Street, alice, elsewhere, refusal, street
from tests.world.world import OPERATOR, PIN, Application

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHOOSE = Policy(verification={"sign": Mode.CHOOSE})
COMPARE = Policy(verification={"sign": Mode.COMPARE})


@pytest.fixture
async def bank(alice: Owner) -> Application:
    """A relying application of the test's own."""
    return await alice.world.application(f"Bank of {alice.user.login}")


async def ask(by: Application, alice: Owner, verification: str = "none", status: int = 201) -> Any:
    """Ask for a signature, verified at least so."""
    wish = {"credential_id": alice.credential_id, "hashes": [HASH], "verification": verification}
    return await by.post("/v1/signatures", wish, status=status)


async def modes(by: Application, alice: Owner, *asked: str) -> list[str]:
    """How the person makes sure, as phone and application are told, by what the application asked for."""
    told = []
    for verification in asked:
        opened = await ask(by, alice, verification)
        shown = await alice.phone.show(opened["id"])
        assert shown.request.verification.mode == opened["verification"]["mode"]
        told.append(opened["verification"]["mode"])
        await alice.phone.decline(shown)
        alice.world.clock.move(3600)
        await by.log_in()
    return told


async def test_t14_a_new_key_is_verified_by_the_stricter_of_policy_and_wish(alice: Owner, bank: Application):
    told = []
    compare, choose = Policy(verification={"create": Mode.COMPARE}), Policy(verification={"create": Mode.CHOOSE})
    for policy, wished in ((SAYS_NOTHING, "compare"), (compare, "none"), (compare, "choose"), (choose, "compare")):
        await alice.world.services.policies.change_client(ClientId(bank.id), policy, OPERATOR)
        opened = await bank.post("/v1/credentials", {"user": alice.user.login, "verification": wished})
        shown = await alice.phone.show(opened["transaction_id"])
        assert shown.request.verification.mode == opened["verification"]["mode"]
        told.append(opened["verification"]["mode"])
        read = await bank.get(f"/v1/credentials/{opened['id']}")
        assert (read["verification"], read["answered"]) == (opened["verification"], None), "the page may be shown anew"
        await alice.phone.decline(shown, "Not today", "wrong_data")
        read = await bank.get(f"/v1/credentials/{opened['id']}")
        assert [read[name] for name in ("state", "reason", "cause")] == ["declined", "Not today", "wrong_data"]
        assert read["verification"]["number"] is None

    assert told == ["compare", "compare", "choose", "choose"]


def wrong_number(shown: Shown, asked: Any) -> str:
    """A number that the phone offers and the page does not show."""
    return next(one for one in shown.request.verification.numbers if one != asked["verification"]["number"])


def of_application(alice: Owner, bank: Application, policy: Policy) -> Awaitable[Policy | Proposal]:
    return alice.world.services.policies.change_client(ClientId(bank.id), policy, OPERATOR)


def of_key(alice: Owner, policy: Policy) -> Awaitable[Policy | Proposal]:
    return alice.world.services.policies.change_credential(CredentialId(alice.credential_id), policy, OPERATOR)


async def test_t29_an_application_asks_for_more_and_never_for_less(alice: Owner, bank: Application) -> None:
    assert await modes(bank, alice, "none", "compare", "choose") == ["none", "compare", "choose"]
    await of_application(alice, bank, COMPARE)
    assert await modes(bank, alice, "none", "compare", "choose") == ["compare", "compare", "choose"]
    await of_key(alice, CHOOSE)
    assert await modes(bank, alice, "none", "compare", "choose") == ["choose"] * 3


async def test_t29_a_policy_of_one_application_is_not_anothers(alice: Owner, bank: Application) -> None:
    await of_application(alice, bank, CHOOSE)
    assert await modes(bank, alice, "none") == ["choose"]
    await alice.application.log_in()
    assert await modes(alice.application, alice, "none") == ["none"]


async def test_t29_the_page_shows_the_number_that_the_person_chooses(alice: Owner, bank: Application) -> None:
    await of_application(alice, bank, CHOOSE)
    asked = await ask(bank, alice)
    number = asked["verification"]["number"]
    shown = await alice.phone.show(asked["id"])
    assert number in shown.request.verification.numbers
    assert await alice.confirms(shown, number=number) == "signed"
    told = await bank.get(f"/v1/signatures/{asked['id']}")
    assert told["verification"]["mode"] == "choose"
    assert not told["verification"].get("number")
    events = await alice.world.services.audit.of_subject(f"transaction:{asked['id']}")
    (confirmed,) = [one.event for one in events if one.event.kind == "transaction.confirmed"]
    assert (confirmed.details["verification"], confirmed.details["mode"]) == ("pin", "choose")


async def test_t14_a_wrong_choice_ends_the_transaction_whatever_the_pin(alice: Owner, bank: Application) -> None:
    asked = await ask(bank, alice, "choose")
    shown, number = await alice.phone.show(asked["id"]), asked["verification"]["number"]
    assert await alice.phone.confirm(shown, PIN, number=wrong_number(shown, asked)) == "cancelled"
    await alice.world.settle()
    told = await bank.get(f"/v1/signatures/{asked['id']}")
    assert (told["state"], told["reason"]) == ("cancelled", "a wrong number was chosen")
    assert (await refusal(alice.phone.confirm(shown, PIN, number=number)))[0] == 409


async def test_t14_wrong_choices_count_and_make_the_application_wait(alice: Owner) -> None:
    settings = replace(alice.world.services.settings, asking=USUAL)
    alice.world.clock.move(1)
    async with opened(settings, alice.world.clock) as services:
        there = elsewhere(alice, services)
        for _ in range(USUAL.unanswered):
            asked = await ask(there.application, there, "choose")
            shown = await there.phone.show(asked["id"])
            assert await there.phone.confirm(shown, PIN, number=wrong_number(shown, asked)) == "cancelled"
        refused = await ask(there.application, there, "choose", status=429)
    assert refused["type"] == "urn:dss:error:too_many"


async def test_t14_nothing_about_a_code_follows_from_what_is_signed(alice: Owner, bank: Application) -> None:
    codes = set()
    for _ in range(4):
        asked = await ask(bank, alice, "compare")
        shown = await alice.phone.show(asked["id"])
        assert await alice.confirms(shown, number=asked["verification"]["number"]) == "signed"
        codes.add(asked["verification"]["number"])
    assert len(codes) > 1, "the same hash by the same key gave one code four times"


@pytest.mark.parametrize("mode", ["compare", "choose"])
async def test_t29_an_answer_by_less_than_the_request_asks_for_is_refused(
    alice: Owner, bank: Application, mode: str
) -> None:
    asked = await ask(bank, alice, mode)
    shown = await alice.phone.show(asked["id"])
    assert await refusal(alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(skip_number=True))) == REFUSED
    assert await alice.confirms(shown, number=asked["verification"]["number"]) == "signed"


async def with_biometric(street: Street) -> Owner:
    """Somebody whose phone can answer by a biometric."""
    world = street.world
    user = await world.user(f"bio{street.owners}")
    street.owners += 1
    qr, code = await world.invite(user)
    phone = world.new_phone()
    await phone.enrol(qr, code, PIN, "Key 1", biometric=True)
    await street.application.log_in()
    asked = await street.application.post("/v1/credentials", {"user": user.login})
    owner = Owner(world, street.application, user, phone, asked["id"])
    assert await owner.confirms(await phone.show(asked["transaction_id"])) == "signed"
    return owner


async def test_t29_a_biometric_answers_only_where_the_keys_policy_allows_it(street: Street) -> None:
    owner = await with_biometric(street)
    shown = await owner.asked()
    assert shown.request.answer_by == {"pin"}
    bold = replace(shown, request=replace(shown.request, answer_by=frozenset({"pin", "biometric"})))
    assert await refusal(owner.phone.confirm(bold, by="biometric")) == REFUSED
    await owner.phone.decline(shown)

    await of_key(owner, Policy(biometric=True))
    shown = await owner.asked()
    await owner.phone.confirm(shown, by="biometric")
    await owner.world.settle()
    assert await owner.phone.state(shown.id) == "signed"


async def test_t29_a_raised_policy_of_a_key_ends_what_was_asked_for_by_less(alice: Owner, bank: Application) -> None:
    waits, confirmed = await ask(bank, alice), await ask(bank, alice)
    await alice.phone.confirm(await alice.phone.show(confirmed["id"]), PIN)
    await of_key(alice, CHOOSE)
    await alice.world.settle()
    for asked in (waits, confirmed):
        told = await bank.get(f"/v1/signatures/{asked['id']}")
        assert (told["state"], told["reason"]) == ("cancelled", "the key's policy asks for more")


async def test_t29_a_lowered_policy_ends_nothing(alice: Owner, bank: Application) -> None:
    await of_key(alice, CHOOSE)
    asked = await ask(bank, alice)
    await of_key(alice, SAYS_NOTHING)
    shown = await alice.phone.show(asked["id"])
    assert shown.request.verification.mode == "choose"
    assert await alice.confirms(shown, number=asked["verification"]["number"]) == "signed"


async def test_t29_what_was_confirmed_below_the_keys_policy_is_not_let_in(alice: Owner, bank: Application) -> None:
    """The door looks for itself: here the key's policy was raised by a hand that ended nothing."""
    asked = await ask(bank, alice, "compare")
    await alice.phone.confirm(await alice.phone.show(asked["id"]), PIN, number=asked["verification"]["number"])
    s = alice.world.services
    key = await s.credentials.sealed(CredentialId(alice.credential_id))
    draft = await s.seals.draft(key, key.value.under(CHOOSE))
    async with s.database.write() as connection:
        await s.seals.write(connection, draft, Event("credential.policy_changed", OPERATOR, key.name))
    await alice.world.settle()
    told = await bank.get(f"/v1/signatures/{asked['id']}")
    assert (told["state"], told["documents"][0].get("signature")) == ("failed", None)


async def test_t29_the_mode_of_a_request_is_under_the_channel_keys_signature(alice: Owner, bank: Application) -> None:
    asked = await ask(bank, alice, "choose")
    intruder = Intruder(alice.world.services.database)
    row = await intruder.row(transactions, asked["id"])
    lowered = row["request"].replace(b'"mode":"choose"', b'"mode":"none"')
    await intruder.edit(transactions, asked["id"], request=lowered, number="", number_salt=b"")
    shown = await alice.phone.show(asked["id"])
    assert shown.request.verification.mode == "choose"
    await refusal(alice.phone.confirm(shown, PIN, misbehave=Misbehaviour(skip_number=True)))
    await alice.world.settle()
    assert (await bank.get(f"/v1/signatures/{asked['id']}"))["state"] == "awaiting"
