"""What operators do by /v1: block, free, revoke and destroy keys, and block, free and remove phones."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509

from dss.clients.service import NewClient
from dss.credentials.tables import credentials
from dss.kernel.clock import timestamp
from dss.web.rest.operators import OPERATIONS
from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, fresh, open_scene, scene
from tests.world import world as worlds
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import Application, World

__all__ = ["fresh", "scene"]


@dataclass
class Desk(Application):
    """An application that operators work with."""

    async def act(self, path: str, body: Any = None) -> Any:
        """Do what a path says; it must be done, or proposed."""
        answer = await self.http.post(path, json=body) if body else await self.http.post(path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def actor(self) -> str:
        return f"operator:client:{self.id}"


async def desk_in(world: World) -> Desk:
    new = NewClient(f"Desk {secrets.token_hex(4)}", ("operators",), None, True, "")
    registered = await world.services.clients.register(new, worlds.OPERATOR)
    desk = Desk(world.http(), registered.client.id, registered.secret or "")
    await desk.log_in()
    return desk


@pytest.fixture
async def desk(fresh: Scene) -> Desk:
    return await desk_in(fresh.world)


@pytest.fixture
async def strict(
    softhsm: SoftHsm, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Scene]:
    """A scene of an installation that asks for two operators."""
    as_ever = worlds.settings
    monkeypatch.setattr(worlds, "settings", lambda *known: replace(as_ever(*known), two_operators=True))
    async with worlds.new_world(softhsm, sqlite_url, tmp_path) as world:
        yield await open_scene(world)


async def actors(world: World, subject: str, kind: str) -> list[str]:
    """Who did something on a subject."""
    return [one.event.actor for one in await world.services.audit.of_subject(subject) if one.event.kind == kind]


def key_of(scene: Scene, verb: str) -> str:
    return f"/v1/credentials/{scene.alice.credential_id}/{verb}"


async def phones_of(desk: Desk, login: str = "alice") -> list[dict[str, Any]]:
    return list((await desk.get(f"/v1/users/{login}/phones"))["items"])


# --- keys ---


async def test_a_suspended_key_signs_nothing_until_an_operator_resumes_it(fresh: Scene, desk: Desk):
    """T47: what waits for the key dies with it."""
    asked = await fresh.ask()
    suspended = await desk.act(key_of(fresh, "suspend"))

    (listed,) = (await desk.get("/v1/users/alice/credentials"))["items"]
    expected = {
        "id": fresh.alice.credential_id,
        "state": "suspended",
        "key_type": "P-256",
        "suspended_by": "operator",
        "not_after": fresh.alice.credential["not_after"],
    }
    assert suspended == listed == expected
    assert (await fresh.shop.get(f"/v1/signatures/{asked}"))["state"] == "cancelled"
    await fresh.refuses_wish(Refusal(409, "conflict", "suspended"))

    resumed = await desk.act(key_of(fresh, "resume"))

    assert resumed == {
        "done": True,
        "credential": expected | {"state": "active", "suspended_by": None},
        "proposal": None,
    }
    again = await fresh.ask()
    await fresh.sign(again)
    assert (await fresh.shop.get(f"/v1/signatures/{again}"))["state"] == "signed"
    assert await actors(fresh.world, f"credential:{fresh.alice.credential_id}", "credential.suspended") == [desk.actor]


async def test_the_keys_of_a_signer_are_listed_by_page_whatever_became_of_them(fresh: Scene, desk: Desk):
    asked = await fresh.shop.post("/v1/credentials", {"user": "alice"})
    await fresh.sign(asked["transaction_id"])
    await desk.act(key_of(fresh, "destroy"))

    first = await desk.get("/v1/users/alice/credentials?limit=1")
    second = await desk.get(first["next"])
    last = await desk.get(second["next"].replace("limit=1", "limit=2"))

    told = [(one["id"], one["state"]) for one in (*first["items"], *second["items"])]
    assert told == [(fresh.alice.credential_id, "destroyed"), (asked["id"], "active")]
    assert last == {"items": [], "next": None}


async def test_a_revoked_certificate_is_on_the_next_list_with_its_reason(fresh: Scene, desk: Desk):
    revoked = await desk.act(key_of(fresh, "revoke"), {"reason": "affiliationChanged"})
    await fresh.world.services.ca.publish_due()

    assert revoked["state"] == "revoked"
    (entry,) = x509.load_der_x509_crl((await fresh.world.services.ca.crl("issuing")).der)
    assert entry.extensions.get_extension_for_class(x509.CRLReason).value.reason.value == "affiliationChanged"
    await fresh.refuses_wish(Refusal(409, "conflict", "revoked"))


async def test_a_destroyed_key_leaves_its_certificate_good_until_that_is_revoked_too(fresh: Scene, desk: Desk):
    assert (await desk.act(key_of(fresh, "destroy")))["state"] == "destroyed"

    await fresh.world.services.ca.publish_due()
    assert list(x509.load_der_x509_crl((await fresh.world.services.ca.crl("issuing")).der)) == []
    await fresh.refuses_wish(Refusal(409, "conflict", "destroyed"))
    assert (await desk.act(key_of(fresh, "revoke"), {"reason": "keyCompromise"}))["state"] == "revoked"


@pytest.mark.parametrize("verb", ["suspend", "resume", "destroy", "revoke"])
async def test_what_is_gone_stays_gone(fresh: Scene, desk: Desk, verb: str):
    await desk.act(key_of(fresh, "revoke"), {"reason": "superseded"})
    body = {"reason": "superseded"} if verb == "revoke" else None

    call = desk.http.post(key_of(fresh, verb), json=body) if body else desk.http.post(key_of(fresh, verb))
    await assert_refused(fresh.world, call, Refusal(409, "conflict", "revoked"), by=f"client:{desk.id}")


@pytest.mark.parametrize("body", [{}, {"reason": "boredom"}, {"reason": "superseded", "at": "2020-01-01T00:00:00Z"}])
async def test_a_revocation_names_a_reason_of_the_standard_and_nothing_else(
    fresh: Scene, desk: Desk, body: dict[str, str]
):
    call = desk.http.post(key_of(fresh, "revoke"), json=body)
    await assert_refused(fresh.world, call, Refusal(422, "invalid"), by=f"client:{desk.id}")


async def test_a_key_whose_row_was_edited_is_an_alarm_to_the_operator_too(fresh: Scene, desk: Desk):
    """T18: 423, and the row is not believed."""
    await desk.act(key_of(fresh, "suspend"))
    async with fresh.world.services.database.write() as connection:
        await connection.execute(sa.update(credentials).values(state="active", suspended_by=None))

    answer = await desk.http.post(key_of(fresh, "resume"))

    assert (answer.status_code, answer.json()["type"]) == (423, "urn:dss:error:tampered")
    assert "alarm.seal_broken" in await fresh.world.tells(f"credential:{fresh.alice.credential_id}")


# --- phones ---


async def test_the_phones_of_a_signer_are_listed_with_where_they_stand(fresh: Scene, desk: Desk):
    await fresh.world.phone(fresh.alice.user)

    first, second = await phones_of(desk)

    assert (first["state"], first["lock_reason"], first["until"]) == ("active", None, None)
    assert (second["state"], second["lock_reason"], second["name"]) == ("waiting", None, "Key 1")
    assert (first["destroys"], second["destroys"]) == ([fresh.alice.credential_id], [])
    assert second["until"] > timestamp(fresh.world.clock.now())


async def test_a_blocked_phone_confirms_nothing_until_an_operator_unlocks_it(fresh: Scene, desk: Desk):
    """T47."""
    (phone,) = await phones_of(desk)
    asked = await fresh.ask()

    blocked = await desk.act(f"/v1/phones/{phone['id']}/block")

    assert blocked == phone | {"state": "locked", "lock_reason": "operator"}
    assert await phones_of(desk) == [blocked]
    assert (await fresh.shop.get(f"/v1/signatures/{asked}"))["state"] == "cancelled"

    unlocked = await desk.act(f"/v1/phones/{phone['id']}/unlock")

    assert unlocked == {"done": True, "phone": phone, "proposal": None}
    again = await fresh.ask()
    await fresh.sign(again)
    assert (await fresh.shop.get(f"/v1/signatures/{again}"))["state"] == "signed"


async def test_a_removed_phone_comes_back_by_nothing(fresh: Scene, desk: Desk):
    """The last phone takes its key with it, as the list of phones says beforehand: nothing else unlocks it."""
    (phone,) = await phones_of(desk)

    removed = await desk.act(f"/v1/phones/{phone['id']}/remove")

    assert phone["destroys"] == [fresh.alice.credential_id]
    assert removed == phone | {"state": "removed", "destroys": []}
    assert await phones_of(desk) == [removed]
    for verb in ("block", "unlock", "remove"):
        call = desk.http.post(f"/v1/phones/{phone['id']}/{verb}")
        await assert_refused(fresh.world, call, Refusal(409, "conflict"), by=f"client:{desk.id}")
    await fresh.refuses_wish(Refusal(409, "conflict", "destroyed"))


# --- two operators ---


async def test_where_two_operators_are_asked_for_a_key_is_resumed_by_the_second(strict: Scene):
    """T59: one operator alone never undoes a block."""
    one, two = await desk_in(strict.world), await desk_in(strict.world)
    assert (await one.act(key_of(strict, "suspend")))["state"] == "suspended"

    first = await one.act(key_of(strict, "resume"))
    same = await one.act(key_of(strict, "resume"))

    assert (first["done"], first["credential"], first) == (False, None, same)
    assert (first["proposal"]["action"], first["proposal"]["proposed_by"]) == ("credential.resume", one.actor)
    assert first["proposal"]["subject"] == f"credential:{strict.alice.credential_id}"
    await strict.refuses_wish(Refusal(409, "conflict", "suspended"))
    assert await two.get("/v1/proposals") == {"items": [first["proposal"]]}

    done = await two.act(key_of(strict, "resume"))

    assert (done["done"], done["credential"]["state"], done["proposal"]) == (True, "active", None)
    assert await two.get("/v1/proposals") == {"items": []}


async def test_where_two_operators_are_asked_for_a_phone_is_unlocked_by_the_second(strict: Scene):
    """T59."""
    one, two = await desk_in(strict.world), await desk_in(strict.world)
    (phone,) = await phones_of(one)
    await one.act(f"/v1/phones/{phone['id']}/block")

    assert [(await one.act(f"/v1/phones/{phone['id']}/unlock"))["done"] for _ in range(2)] == [False, False]
    assert [one["state"] for one in await phones_of(two)] == ["locked"]
    assert (await two.act(f"/v1/phones/{phone['id']}/unlock"))["phone"]["state"] == "active"


async def test_a_protection_needs_one_operator_only(strict: Scene):
    one = await desk_in(strict.world)
    (phone,) = await phones_of(one)

    assert (await one.act(f"/v1/phones/{phone['id']}/block"))["state"] == "locked"
    assert (await one.act(key_of(strict, "suspend")))["state"] == "suspended"
    assert (await one.act(key_of(strict, "revoke"), {"reason": "keyCompromise"}))["state"] == "revoked"


# --- who may ---


def path_of(operation: Any) -> str:
    return str(operation.declared.path).format(id=ABSENT, login="nobody")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_relying_application_is_no_operator(scene: Scene, operation: Any):
    call = scene.shop.http.request(operation.declared.method, path_of(operation))
    await scene.refuses(call, Refusal(403, "insufficient_scope", "operators"))


@pytest.mark.parametrize(
    "operation",
    [one for one in OPERATIONS if "{" in one.declared.path],
    ids=lambda operation: operation.name,
)
@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_absent_is_not_found(scene: Scene, operation: Any):
    desk = await desk_in(scene.world)
    body = {"json": {"reason": "superseded"}} if operation.body else {}
    call = desk.http.request(operation.declared.method, path_of(operation), **body)
    await assert_refused(scene.world, call, Refusal(404, "not_found"), by=f"client:{desk.id}")


async def test_an_operator_s_desk_asks_nobody_for_signatures(fresh: Scene, desk: Desk):
    for call in (desk.http.get("/v1/signatures"), desk.http.get("/v1/credentials?user=alice")):
        await assert_refused(fresh.world, call, Refusal(403, "insufficient_scope"), by=f"client:{desk.id}")
    await desk.upload(simple_pdf(), status=403)
