"""What the history says of sessions and of how the owner made sure (device protocol, section 9)."""

from typing import Any

import pytest

from dss.kernel.ids import CredentialId
from dss.kernel.policy import Bounds, Policy
from mobile_mock.errors import PhoneError
from tests.protocol.looking_back import told_of, whole
from tests.world.owners import HASH, Owner, alice, id_of, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked(owner: Owner, **more: Any) -> Any:
    """Be asked to sign a hash, and two others, in some way."""
    wish = {"credential_id": owner.credential_id, "text": "Please sign", "hashes": [HASH] * 3}
    return await owner.application.post("/v1/signatures", wish | more)


async def session(owner: Owner) -> str:
    """A session that the owner confirms by a number, and in which nothing is signed yet."""
    key = CredentialId(owner.credential_id)
    await owner.world.services.policies.change_credential(key, Policy(session=Bounds(3, 15)), OPERATOR)
    wish = {"credential_id": key, "text": "Today's letters", "signatures": 3, "minutes": 15, "verification": "choose"}
    made = await owner.application.post("/v1/sessions", wish)
    shown = await owner.phone.show(made["id"])
    assert await owner.confirms(shown, number=made["verification"]["number"]) == "confirmed"
    return str(made["id"])


async def test_what_is_signed_in_a_session_is_told_with_how_the_session_was_confirmed(alice: Owner):
    of = await session(alice)
    id = (await asked(alice, session_id=of))["id"]
    await alice.world.settle()
    assert of not in [entry["id"] for entry in await whole(alice)], "it goes on"
    await alice.application.post(f"/v1/sessions/{of}/end", {}, status=200)

    entry, ended = await told_of(alice, id), await told_of(alice, of)
    assert (entry["state"], entry["session"], entry["hashes"]["count"]) == ("signed", {"id": of}, 3)
    assert (ended["state"], ended["session"]) == ("cancelled", {"signatures": 3, "minutes": 15})
    for told in (entry, ended):
        assert (told["phone"]["id"], told["verification"], told["mode"]) == (id_of(alice.phone), "pin", "choose")
    past = {one.id: one for one in (await alice.phone.history()).entries}
    assert (past[id].session_id, past[of].session_id) == (of, None)


async def test_a_wrong_number_is_no_confirmation_and_its_declined_documents_are_none(alice: Owner):
    made = await asked(alice, verification="choose")
    shown = await alice.phone.show(made["id"])
    right = made["verification"]["number"]
    wrong = next(number for number in shown.request.verification.numbers if number != right)
    assert await alice.phone.confirm(shown, PIN, number=wrong, declined_documents=(1,)) == "cancelled"

    entry = await told_of(alice, made["id"])
    assert (entry["state"], entry["why"]) == ("cancelled", "a wrong number was chosen")
    assert entry["phone"]["id"] == id_of(alice.phone)
    assert not {"verification", "mode", "declined"} & set(entry)


async def test_a_decline_says_by_no_mode_though_one_was_asked_for(alice: Owner):
    made = await asked(alice, verification="compare")
    await alice.phone.decline(await alice.phone.show(made["id"]), cause="code_differs")

    assert not {"verification", "mode", "declined"} & set(await told_of(alice, made["id"]))


async def test_an_application_that_may_ask_again_is_named(alice: Owner):
    stopped = await alice.world.application("Stopped Ltd")
    id = (await stopped.post("/v1/credentials", {"user": alice.user.login}))["transaction_id"]
    await alice.phone.decline(await alice.phone.show(id), cause="not_me")
    shown = await alice.wishes("allow", relying_application=stopped.id)
    assert await alice.confirms(shown) == "signed"

    named = {"id": stopped.id, "name": "Stopped Ltd"}
    assert (await told_of(alice, shown.id))["change"] == {"action": "allow", "relying_application": named}
    (past,) = [one for one in (await alice.phone.history()).entries if one.id == shown.id]
    assert past.allowed is not None
    assert (past.allowed.id, past.allowed.name) == (stopped.id, "Stopped Ltd")


async def test_codes_that_were_switched_on_and_off_are_told_and_so_is_what_was_answered_by_one(alice: Owner):
    key = CredentialId(alice.credential_id)
    await alice.world.services.policies.change_credential(key, Policy(offline=True), OPERATOR)
    on = await alice.of_key("offline")
    assert await alice.confirms(on) == "signed"
    id = (await asked(alice))["id"]
    qr = (await alice.application.get(f"/v1/transactions/{id}/offline-qr"))["text"]
    code = (await alice.phone.offline_codes(alice.phone.show_offline(qr), PIN)).confirm
    await alice.application.post(f"/v1/transactions/{id}/offline-code", {"code": code}, status=200)
    await alice.world.settle()
    off = await alice.of_key("offline_end")
    assert await alice.confirms(off) == "signed"

    entry = await told_of(alice, id)
    assert (entry["state"], entry["verification"], entry["phone"]["id"]) == ("signed", "code", id_of(alice.phone))
    told = [await told_of(alice, shown.id) for shown in (on, off)]
    assert [one["change"] for one in told] == [{"action": "offline"}, {"action": "offline_end"}]
    assert {one["credential"] for one in told} == {alice.credential_id}


async def test_the_evidence_of_what_was_confirmed_by_a_number_reaches_the_phone(alice: Owner):
    made = await asked(alice, verification="choose")
    shown = await alice.phone.show(made["id"])
    assert await alice.confirms(shown, number=made["verification"]["number"]) == "signed"
    await alice.world.seal()

    assert b'"number_salt"' in await alice.phone.evidence(made["id"])
    with pytest.raises(PhoneError, match="without an index"):
        await alice.phone.evidence(made["id"], index=0)
