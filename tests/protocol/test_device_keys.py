"""The owner's keys on `/device/v1`: looking at them, blocking one, and opening changes of them."""

from typing import Any

import pytest
import pytest_asyncio

from dss.ca.model import Reason
from dss.kernel.ids import CredentialId, DeviceId
from tests.protocol.prover import Prover
from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, scene
from tests.world.world import OPERATOR, PIN

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

KEYS, CHANGES = "/device/v1/credentials", "/device/v1/changes"
OF_KEYS = ("password", "relock", "resume", "revoke", "destroy")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owner(scene: Scene) -> Prover:
    """Alice's phone, whose key is active."""
    return Prover.of(scene.world, scene.alice.phone)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stranger(scene: Scene) -> Prover:
    """The phone of somebody else."""
    return Prover.of(scene.world, await scene.world.phone(await scene.world.user("bob")))


async def new_key(scene: Scene) -> CredentialId:
    """Make Alice one more key."""
    asked = await scene.shop.post("/v1/credentials", {"user": "alice"})
    await scene.alice.phone.confirm(await scene.alice.phone.show(asked["transaction_id"]), PIN)
    await scene.world.settle()
    return CredentialId(asked["id"])


async def gone_key(scene: Scene, verb: str) -> CredentialId:
    """Make Alice a key, and block it or end it."""
    id, keys = await new_key(scene), scene.world.services.keys
    if verb == "revoked":
        await keys.revoke(id, Reason.SUPERSEDED, OPERATOR)
    elif verb == "destroyed":
        await keys.destroy(id, OPERATOR)
    elif verb == "suspended":
        await keys.suspend(id, OPERATOR)
    return id


def change_of(action: str, credential: str) -> dict[str, Any]:
    return {"action": action, "credential": credential} | ({"reason": "superseded"} if action == "revoke" else {})


async def refuses(scene: Scene, phone: Prover, path: str, expected: Refusal, body: Any = None) -> None:
    """Assert how a call of a phone is refused, that the log tells of it, and that nothing else changes."""
    more = {} if body is None else {"json": body}
    await assert_refused(scene.world, phone.call("POST", path, **more), expected, by=f"device:{phone.device}")


async def test_a_phone_reads_all_that_the_contract_names_of_each_key(scene: Scene, owner: Prover):
    """Device protocol, section 3."""
    answer = await owner.call("GET", KEYS)
    assert answer.status_code == 200
    first = answer.json()["credentials"][0]
    told = await scene.shop.get(f"/v1/credentials/{scene.alice.credential_id}")
    request = (await scene.alice.phone.show(await scene.ask())).request
    assert first == {
        "id": scene.alice.credential_id,
        "state": "active",
        "key_type": "P-256",
        "subject": told["subject"],
        "certificate_sha256": first["certificate_sha256"],
        "not_after": told["not_after"],
        "has_password": False,
        "relock": False,
        "held": True,
    }
    (own,) = [one for one in await scene.alice.phone.credentials() if one.id == first["id"]]
    assert own.certificate_sha256 == request.credential.certificate_sha256


async def test_t32_a_phone_is_told_of_its_owner_s_keys_only(scene: Scene, stranger: Prover):
    assert (await stranger.call("GET", KEYS)).json() == {"credentials": []}


@pytest.mark.parametrize("state", ["active", "suspended", "revoked", "destroyed"])
async def test_t32_a_key_of_another_person_is_not_there_whatever_its_state(scene: Scene, stranger: Prover, state: str):
    """T16: it looks like one that is absent."""
    id = await gone_key(scene, state)
    missing = Refusal(404, "not_found", "there is no such credential")
    for credential in (id, ABSENT):
        await refuses(scene, stranger, f"{KEYS}/{credential}/suspend", missing)
    for action in OF_KEYS:
        answer = await stranger.call("POST", CHANGES, json=change_of(action, id))
        assert (answer.status_code, answer.json()["detail"]) == (404, missing.says)


@pytest.mark.parametrize("state", ["revoked", "destroyed"])
async def test_nothing_is_done_to_a_key_that_is_gone(scene: Scene, owner: Prover, state: str):
    id = await gone_key(scene, state)
    await refuses(scene, owner, f"{KEYS}/{id}/suspend", Refusal(409, "conflict", f"the credential is {state}"))
    for action in OF_KEYS:
        await refuses(scene, owner, CHANGES, Refusal(409, "conflict", state), change_of(action, id))


async def test_a_key_that_is_not_suspended_is_not_resumed(scene: Scene, owner: Prover):
    body = change_of("resume", scene.alice.credential_id)
    await refuses(scene, owner, CHANGES, Refusal(409, "conflict", "not suspended"), body)


async def test_a_key_that_an_operator_suspended_is_not_resumed_by_its_owner(scene: Scene, owner: Prover):
    body = change_of("resume", await gone_key(scene, "suspended"))
    await refuses(scene, owner, CHANGES, Refusal(409, "conflict", "only an operator resumes it"), body)


@pytest.mark.parametrize(
    "changed",
    [
        {"action": "suspend"},
        {"action": None},
        {"credential": None},
        {"credential": 7},
        {"credential": "not an id"},
        {"phone": ABSENT},
        {"reason": None},
        {"reason": "boredom"},
        {"reason": "cACompromise"},
        {"reason": "privilegeWithdrawn"},
        {"state": "revoked"},
        {"user_id": ABSENT},
        {"at": "2020-01-01T00:00:00Z"},
    ],
    ids=str,
)
async def test_t31_a_change_names_what_it_needs_and_nothing_else(scene: Scene, owner: Prover, changed: dict[str, Any]):
    body = change_of("revoke", scene.alice.credential_id) | changed
    body = {name: value for name, value in body.items() if value is not None}
    await refuses(scene, owner, CHANGES, Refusal(422, "invalid"), body)


@pytest.mark.parametrize("action", [action for action in OF_KEYS if action != "revoke"])
async def test_t31_only_a_revocation_has_a_reason(scene: Scene, owner: Prover, action: str):
    body = change_of(action, scene.alice.credential_id) | {"reason": "superseded"}
    await refuses(scene, owner, CHANGES, Refusal(422, "invalid", "needs no reason"), body)


@pytest.mark.parametrize("action", ["relock", "password"])
async def test_a_phone_that_holds_no_share_of_a_key_cannot_lock_it_anew(scene: Scene, action: str):
    second = await active_second_phone(scene)
    body = change_of(action, scene.alice.credential_id)
    await refuses(scene, second, CHANGES, Refusal(409, "conflict", "holds no share"), body)
    listed = (await second.call("GET", KEYS)).json()["credentials"]
    assert {one["held"] for one in listed} == {False}
    await scene.world.services.phones.remove(DeviceId(second.device), OPERATOR)


async def test_t22_a_phone_that_waits_is_shown_no_key_and_changes_none(scene: Scene):
    """Device protocol, section 7."""
    second = await second_phone(scene)
    looked = await second.call("GET", KEYS)
    assert (looked.status_code, looked.json()["type"]) == (423, "urn:dss:error:locked")
    key, first = scene.alice.credential_id, scene.alice.phone.kept().device
    calls: list[tuple[str, Any]] = [(CHANGES, change_of(action, key)) for action in OF_KEYS]
    calls += [(f"{KEYS}/{key}/suspend", None), (f"/device/v1/phones/{first}/block", None)]
    for path, body in calls:
        await refuses(scene, second, path, Refusal(423, "locked", "the phone waits"), body)


async def second_phone(scene: Scene) -> Prover:
    return Prover.of(scene.world, await scene.world.phone(scene.alice.user))


async def active_second_phone(scene: Scene) -> Prover:
    """Enrol Alice one more phone, whose waiting time is over."""
    second = await second_phone(scene)
    scene.world.clock.move(3601)
    await scene.shop.log_in()
    return second


async def test_an_opened_change_is_there_for_the_phone_that_opened_it_alone(scene: Scene, owner: Prover):
    """Device protocol, section 6."""
    second = await active_second_phone(scene)
    answer = await owner.call("POST", CHANGES, json=change_of("destroy", await new_key(scene)))
    assert answer.status_code == 201
    opened = answer.json()
    assert answer.headers["location"] == f"/device/v1/transactions/{opened['id']}"
    assert set(opened) == {"id", "expires"}
    listed = [(await phone.call()).json()["transactions"] for phone in (owner, second)]
    assert [opened["id"] in [one["id"] for one in each] for each in listed] == [True, False]
    assert (await second.call("GET", f"/device/v1/transactions/{opened['id']}")).status_code == 404
