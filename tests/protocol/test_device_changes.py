"""Changes and shares by the device API: what must be in the call, what must be in the answer, and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import pytest
import pytest_asyncio

from dss.ca.model import Reason
from dss.kernel.clock import timestamp
from dss.transactions.changing import SIGNERS_REASONS
from mobile_mock import jose
from mobile_mock.answer import Answer, digest
from mobile_mock.forms import b64url
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, Refusal, assert_refused
from tests.world.owners import NEW_PIN, REFUSED, Owner, Street, id_of, refusal, street
from tests.world.world import PIN

__all__ = ["street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANGES, SHARES = "/device/v1/changes", "/device/v1/shares"
NEEDS = {
    "pin": (),
    "password": ("credential",),
    "relock": ("credential",),
    "resume": ("credential",),
    "revoke": ("credential", "reason"),
    "destroy": ("credential",),
    "remove": ("phone",),
}
GIVEN = ("credential", "phone", "reason")
SETS = [set(some) for size in range(len(GIVEN) + 1) for some in combinations(GIVEN, size)]
WRONG = [(action, tuple(sorted(some))) for action, needed in NEEDS.items() for some in SETS if some != set(needed)]


@dataclass
class Desk:
    """An owner with two phones that open the key, and what a right call would name."""

    owner: Owner
    other: Phone
    prover: Prover

    @property
    def given(self) -> dict[str, str]:
        return {"credential": self.owner.credential_id, "phone": id_of(self.other), "reason": "superseded"}

    async def refuses(self, path: str, expected: Refusal, **how: Any) -> None:
        """Assert how a call is refused."""
        call = self.prover.call("POST", path, **how)
        await assert_refused(self.owner.world, call, expected, by=f"device:{self.prover.device}")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(street: Street) -> Desk:
    """A desk for what is refused, and so changes nothing."""
    owner = await street.owner()
    other = await owner.joined()
    return Desk(owner, other, Prover.of(owner.world, owner.phone))


# --- the call ---


@pytest.mark.parametrize(("action", "given"), WRONG, ids=str)
async def test_a_change_names_what_its_action_needs_and_nothing_else(desk: Desk, action: str, given: tuple[str, ...]):
    amiss = set(given) ^ set(NEEDS[action])
    body = {"action": action} | {name: desk.given[name] for name in given}
    answer = await desk.prover.call("POST", CHANGES, json=body)
    assert any(name in answer.json()["detail"] for name in amiss), answer.text
    await desk.refuses(CHANGES, Refusal(422, "invalid", action), json=body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "action"),
        ({"action": None}, "action"),
        ({"action": 1}, "action"),
        ({"action": "PIN"}, "action"),
        ({"action": "unlock"}, "action"),
        ({"action": "pin", "pin": NEW_PIN}, "pin"),
        ({"action": "pin", "device": ABSENT}, "device"),
        ({"action": "remove", "phone": 7}, "phone"),
        ({"action": "remove", "phone": ""}, "phone"),
        ({"action": "remove", "phone": ABSENT.lower()}, "phone"),
        ({"action": "remove", "phone": ABSENT + "\n"}, "phone"),
        ({"action": "destroy", "credential": ABSENT[1:]}, "credential"),
        ({"action": "destroy", "credential": [ABSENT]}, "credential"),
        ({"action": "revoke", "credential": ABSENT, "reason": "boredom"}, "reason"),
        ({"action": "revoke", "credential": ABSENT, "reason": {}}, "reason"),
    ],
    ids=str,
)
async def test_t31_a_change_of_another_form_is_refused_and_told_where_it_is_wrong(
    desk: Desk, body: dict[str, Any], named: str
):
    await desk.refuses(CHANGES, Refusal(422, "invalid", named), json=body)


@pytest.mark.parametrize("reason", sorted(set(Reason) - SIGNERS_REASONS))
async def test_a_signer_revokes_for_reasons_of_a_signer_only(desk: Desk, reason: str):
    body = {"action": "revoke", "credential": desk.owner.credential_id, "reason": reason}
    await desk.refuses(CHANGES, Refusal(422, "invalid", "reason"), json=body)


@pytest.mark.parametrize(
    ("body", "named"),
    [({}, "phone"), ({"phone": None}, "phone"), ({"phone": "x"}, "phone"), ({"phone": ABSENT, "to": ABSENT}, "to")],
    ids=str,
)
async def test_t31_a_share_of_another_form_is_refused_and_told_where_it_is_wrong(
    desk: Desk, body: dict[str, Any], named: str
):
    await desk.refuses(SHARES, Refusal(422, "invalid", named), json=body)


@pytest.mark.parametrize("path", [CHANGES, SHARES])
@pytest.mark.parametrize(
    ("content", "media_type", "expected"),
    [
        (b"", "application/json", Refusal(400, "bad_request")),
        (b"{", "application/json", Refusal(400, "bad_request")),
        (b"[]", "application/json", Refusal(422, "invalid")),
        (b"{}", "text/plain", Refusal(415, "unsupported_media_type", "application/json")),
    ],
    ids=str,
)
async def test_t31_what_is_no_json_object_is_refused(
    desk: Desk, path: str, content: bytes, media_type: str, expected: Refusal
):
    headers = {"DPoP": desk.prover.proof("POST", path), "Content-Type": media_type}
    call = desk.owner.world.http().post(path, content=content, headers=headers)
    await assert_refused(desk.owner.world, call, expected, by=f"device:{desk.prover.device}")


async def test_t56_a_body_over_the_limit_is_refused(desk: Desk):
    body = {"action": "pin", "reason": "x" * (1024 * 1024)}
    await desk.refuses(CHANGES, Refusal(413, "too_large", "1048576"), json=body)


async def test_a_phone_shares_with_another_one(desk: Desk):
    await desk.refuses(SHARES, Refusal(409, "conflict", "another phone"), json={"phone": desk.prover.device})


# --- the transaction that comes of it ---


@pytest.mark.parametrize("action", sorted(set(NEEDS) - {"resume"}))
async def test_a_change_is_a_transaction_for_the_phone_that_asked_alone(desk: Desk, action: str):
    body = {"action": action} | {name: desk.given[name] for name in NEEDS[action]}
    answer = await desk.prover.call("POST", CHANGES, json=body)
    opened = answer.json()
    owner, id = desk.owner, opened["id"]
    shown = await desk.prover.call(path=f"/device/v1/transactions/{id}")
    request = payload_of(shown.json()["request"])

    assert (answer.status_code, set(opened)) == (201, {"id", "expires"})
    assert answer.headers["Location"] == f"/device/v1/transactions/{id}"
    assert (request["kind"], request["phone"], request["documents"]) == ("change", desk.prover.device, [])
    assert request["expires"] == opened["expires"]
    assert request["change"]["action"] == action
    assert ("credential" in request) is ("credential" in NEEDS[action])
    listed = (await desk.prover.call()).json()["transactions"]
    assert {"id": id, "kind": "change", "expires": opened["expires"]} in listed
    theirs = Prover.of(owner.world, desk.other)
    assert id not in {one["id"] for one in (await theirs.call()).json()["transactions"]}
    assert (await theirs.call(path=f"/device/v1/transactions/{id}")).status_code == 404
    assert (await owner.application.http.get(f"/v1/signatures/{id}")).status_code == 404


async def test_a_share_shows_the_phone_and_the_keys_that_it_is_for(desk: Desk):
    opened = (await desk.prover.call("POST", SHARES, json={"phone": id_of(desk.other)})).json()
    shown = await desk.prover.call(path=f"/device/v1/transactions/{opened['id']}")
    request, kept = payload_of(shown.json()["request"]), desk.other.kept()
    keys = {"enc": kept.encryption_key, "sig": kept.signature_key}
    public = {name: jose.public(jose.read_private(key)) for name, key in keys.items()}

    assert request["share"]["phone"] == {"id": kept.device, "name": "Key 2", "keys": public}
    assert [one["id"] for one in request["share"]["credentials"]] == [desk.owner.credential_id]
    assert (request["kind"], request["phone"], "credential" in request) == ("share", desk.prover.device, False)
    assert request["expires"] == opened["expires"] == timestamp(_expiry(desk))


def _expiry(desk: Desk) -> Any:
    settings = desk.owner.world.services.settings
    return desk.owner.world.clock.now() + settings.confirm_within


# --- the answer ---

Alter = Callable[[dict[str, str]], dict[str, str]]
SECRET = b64url(b"s" * 32)
BOXES: dict[str, Alter] = {
    "without a new PIN": lambda box: {"pin_proof": box["pin_proof"]},
    "with a share of a key": lambda box: {**box, "k_act": SECRET},
    "with a password": lambda box: {**box, "k_pwd_next": SECRET},
    "with a short proof": lambda box: {**box, "pin_proof_next": b64url(b"s" * 31)},
    "with no proof of the old PIN": lambda box: {"pin_proof_next": box["pin_proof_next"]},
}


@pytest.mark.parametrize("alter", BOXES.values(), ids=BOXES)
async def test_t28_the_box_of_a_change_holds_its_own_members_and_no_others(
    desk: Desk, alter: Alter, monkeypatch: pytest.MonkeyPatch
):
    shown, before = await desk.owner.wishes("pin"), await desk.owner.device()
    seal = jose.seal
    monkeypatch.setattr(jose, "seal", lambda plaintext, to, binding: seal(alter(plaintext), to, binding))
    answer = await desk.owner.phone.prepare(shown, PIN, new_pin=NEW_PIN)

    assert await refusal(desk.owner.phone.send(answer)) == REFUSED
    after = await desk.owner.device()
    assert (after.pin_failures, after.pin_check) == (0, before.pin_check)
    await desk.owner.phone.decline(shown)


async def test_t28_what_is_shared_comes_with_a_share_and_with_nothing_else(desk: Desk):
    owner = desk.owner
    change, signature = await owner.wishes("pin"), await owner.asked()
    answers = [
        await owner.phone.prepare(signature, PIN),
        await owner.phone.prepare(change, PIN, new_pin=NEW_PIN),
    ]
    for shown, answer in zip((signature, change), answers, strict=True):
        for forged in (replace(answer, share=answer.box), with_share(desk, shown, answer)):
            assert await refusal(owner.phone.send(forged)) == REFUSED
    assert (await owner.device()).pin_failures == 0
    await owner.phone.decline(change)


def with_share(desk: Desk, shown: Shown, answer: Answer) -> Answer:
    """The same answer, which says that its box is shared too, with a counter of its own."""
    phone = desk.owner.phone
    kept = phone.kept()
    phone._store.save(replace(kept, counter=kept.counter + 1))
    claims = payload_of(answer.jws) | {"counter": kept.counter + 1, "share_sha256": digest(answer.box or "")}
    return replace(answer, jws=desk.prover.answer(claims), share=answer.box, transaction=shown.id)


async def test_t22_a_change_is_not_answered_by_another_phone_of_its_owner(desk: Desk):
    shown = await desk.owner.wishes("pin")
    answer = await desk.owner.phone.prepare(shown, PIN, new_pin=NEW_PIN)
    theirs = Prover.of(desk.owner.world, desk.other)
    claims = payload_of(answer.jws) | {"counter": desk.other.kept().counter + 1}
    forged = replace(answer, jws=theirs.answer(claims))
    for attempt in (answer, forged):
        path = f"/device/v1/transactions/{shown.id}/answer"
        assert (await theirs.call("POST", path, json=attempt.body())).status_code == 404
    await desk.owner.phone.decline(shown)
