"""Stories of what two things at once leave behind: no key that nobody needs, no request that nobody may answer."""

import asyncio
from typing import Any

import pytest

from dss.ca.model import Reason
from dss.credentials.making import Making
from dss.credentials.tables import credentials
from dss.credentials.verifying import serial_of
from dss.kernel.ids import CredentialId
from dss.transactions.admitting import OWN_WAITING
from dss.transactions.drafting import Draft, Drafting
from dss.transactions.model import Transaction
from dss.users.tables import users
from tests.world.intruder import Intruder
from tests.world.owners import HASH, Owner, alice, id_of, refusal, states, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def asked_for_another_key(alice: Owner) -> str:
    """A further key that its owner confirmed, and that is not made yet."""
    asked = await alice.application.post("/v1/credentials", {"user": alice.user.login, "key_type": "P-256"})
    await alice.phone.confirm(await alice.phone.show(asked["transaction_id"]), PIN)
    return str(asked["id"])


async def is_gone(alice: Owner, id: str) -> bool:
    """Whether nothing is left of a key: it is destroyed, its bytes erased, and held by nobody."""
    row = await Intruder(alice.world.services.database).row(credentials, id)
    return (row["state"], row["key_blob"], row["holders"], row["certificate"]) == ("destroyed", b"", [], None)


# --- keys that are never certified ---


async def test_a_key_whose_phone_is_removed_while_it_is_made_is_destroyed(
    alice: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    id, new_key = await asked_for_another_key(alice), Making._new_key

    async def made_and_removed(self: Making, *given: Any) -> Any:
        made = await new_key(self, *given)
        await alice.world.services.phones.remove(id_of(alice.phone), OPERATOR)
        return made

    monkeypatch.setattr(Making, "_new_key", made_and_removed)
    await alice.world.settle()

    assert await is_gone(alice, id)
    assert "credential.destroyed" in await alice.world.tells(f"credential:{id}")


async def test_a_key_that_is_not_certified_is_destroyed(alice: Owner) -> None:
    """Certification fails for good: the person's row says what it was never sealed with."""
    id = await asked_for_another_key(alice)
    intruder = Intruder(alice.world.services.database)
    surname = (await intruder.row(users, alice.user.id))["surname"]
    (key,) = [one for one in alice.world.services.performing if one._work == "key"]
    assert await key.next()
    assert (await intruder.row(credentials, id))["state"] == "requested"

    await intruder.edit(users, alice.user.id, surname="Other")
    await alice.world.settle()
    await intruder.edit(users, alice.user.id, surname=surname)

    assert await is_gone(alice, id)
    assert await alice.signs() == "signed"


# --- a request that is opened while its key is being suspended ---


async def test_a_request_that_is_opened_while_its_key_is_suspended_is_refused_or_ended(
    alice: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Drafting.open

    async def suspended_first(self: Drafting, draft: Draft) -> Transaction:
        monkeypatch.undo()
        await alice.phone.suspend(alice.credential_id)
        return await opened(self, draft)

    monkeypatch.setattr(Drafting, "open", suspended_first)
    wish = {"credential_id": alice.credential_id, "text": "Please sign", "hashes": [HASH]}
    answer = await alice.application.http.post("/v1/signatures", json=wish)

    assert answer.status_code == 409, answer.text
    assert await alice.phone.waiting() == []
    assert await alice.confirms(await alice.of_key("resume")) == "signed"
    assert await alice.phone.waiting() == []
    assert await alice.signs() == "signed"


# --- the stop button, pressed again and again ---


async def test_t22_a_stop_button_that_is_pressed_six_times_at_once_says_each_time_that_the_phone_is_stopped(
    alice: Owner,
) -> None:
    link = await alice.stop_link()
    async with alice.world.http() as http:
        pages = await asyncio.gather(*(http.post(link) for _ in range(6)))
    assert [page.status_code for page in pages] == [200] * 6
    assert all("The phone is stopped" in page.text for page in pages)
    assert await states(alice.phone) == ["locked"]
    told = await alice.world.tells(f"device:{id_of(alice.phone)}")
    assert told.count("device.locked") == 1


# --- a destroyed key's certificate ---


async def test_a_destroyed_key_s_certificate_can_still_be_revoked_by_operators(alice: Owner) -> None:
    keys, id = alice.world.services.keys, CredentialId(alice.credential_id)
    await keys.destroy(id, OPERATOR)
    assert (await keys.revoke(id, Reason.KEY_COMPROMISE, OPERATOR)).state == "revoked"

    row = await Intruder(alice.world.services.database).row(credentials, id)
    assert (row["state"], row["key_blob"]) == ("revoked", b"")
    assert [kind for kind in await alice.world.tells(f"credential:{id}") if "revoked" in kind] == ["credential.revoked"]
    assert await alice.world.services.ca.is_revoked(serial_of(row["certificate"]))


# --- changes that wait ---


async def test_a_phone_opens_at_most_ten_changes_that_wait_and_applications_can_still_ask(alice: Owner) -> None:
    ids = [await alice.phone.change("pin") for _ in range(OWN_WAITING)]
    assert len(set(ids)) == 10
    assert (await refusal(alice.phone.change("pin")))[0] == 429

    shown = await alice.asked()
    await alice.phone.decline(await alice.phone.show(ids[0]))
    assert await alice.phone.change("pin")
    assert await alice.confirms(shown) == "signed"
