"""Stories of the end of codes: with the policy, the PIN, the key's lock, the phone; and what is kept then: nothing."""

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.credentials.code_door import CodeDoor
from dss.credentials.tables import offline_keys
from dss.kernel.ids import ClientId, CredentialId, DeviceId
from dss.kernel.policy import Policy
from tests.stories.codes import Desk, allow, set_up
from tests.stories.shop import Shop, refused_change, shop
from tests.stories.witness import signatures_of
from tests.world.owners import Owner, id_of
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["shop"]

NEW_PIN, PASSWORD = "739157", "Correct7Horse"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def confirms(shop: Shop, signer: Signer, action: str, about: dict[str, str], **typed: str) -> None:
    """Let a signer open a change, and confirm it."""
    id = await signer.phone.change(action, **about)
    await signer.phone.confirm(await signer.phone.show(id), PIN, **typed)
    await shop.world.settle()
    assert await signer.phone.state(id) == "signed"


# --- the policy ---


async def test_t50_codes_are_off_unless_the_policy_of_the_key_allows_them(shop: Shop) -> None:
    signer = await shop.signer()

    assert (await refused_change(signer, "offline"))[0] == 409
    await Desk(shop, signer).refused()


async def test_t50_an_application_s_own_policy_forbids_codes_for_what_it_asks(shop: Shop) -> None:
    desk = await set_up(shop)
    policies, client = shop.world.services.policies, ClientId(shop.application.id)

    await policies.change_client(client, Policy(offline=False), OPERATOR)
    await desk.refused()

    await policies.change_client(client, Policy(), OPERATOR)
    assert await desk.confirmed(await desk.ask()) == "signed"


async def test_t50_a_policy_that_forbids_codes_ends_them_and_what_waits(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    right = (await desk.codes(asked)).confirm

    await allow(shop, desk.signer, Policy())

    assert (await desk.type(asked, right)).status_code == 409
    assert (await desk.kept()).secrets == b""
    await allow(shop, desk.signer, Policy(offline=True))
    await desk.refused()


async def test_t50_the_door_refuses_a_code_that_the_key_s_policy_does_not_allow_whatever_was_taken(shop: Shop) -> None:
    """The policy changes by hand, so that nothing else ends by it."""
    desk = await set_up(shop)
    asked = await desk.ask()
    await desk.type(asked, (await desk.codes(asked)).confirm)
    services = shop.world.services
    key = await services.credentials.sealed(CredentialId(desk.signer.credential_id))
    draft = await services.seals.draft(key, replace(key.value, policy=Policy()))
    async with services.database.write() as connection:
        await services.seals.write(connection, draft, Event("credential.policy_changed", OPERATOR, key.name))

    await shop.world.settle()

    assert await shop.end(asked["id"]) == "failed"
    assert await desk.signatures() == 0


# --- what ends them ---


async def _new_pin(desk: Desk) -> None:
    await confirms(desk.shop, desk.signer, "pin", {}, new_pin=NEW_PIN)


async def _relock(desk: Desk) -> None:
    await confirms(desk.shop, desk.signer, "relock", {"credential": desk.signer.credential_id})


async def _password(desk: Desk) -> None:
    about = {"credential": desk.signer.credential_id}
    await confirms(desk.shop, desk.signer, "password", about, new_key_password=PASSWORD)


async def _by_the_owner(desk: Desk) -> None:
    await confirms(desk.shop, desk.signer, "offline_end", {"credential": desk.signer.credential_id})
    assert await desk.letters() == ["on", "off"]


async def _remove_phone(desk: Desk) -> None:
    (phone,) = await desk.shop.world.services.devices.of_user(desk.signer.user.id)
    await desk.shop.world.services.phones.remove(phone.id, OPERATOR)


@pytest.mark.parametrize("event", [_new_pin, _relock, _password, _by_the_owner, _remove_phone])
async def test_t50_codes_end_with_what_they_stand_on_and_the_server_keeps_nothing_of_them(
    shop: Shop, event: Any
) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    right = (await desk.codes(asked)).confirm

    await event(desk)

    assert (await desk.kept()).secrets == b""
    assert await desk.tells_of_codes() == ["offline.set", "offline.ended"]
    assert (await desk.type(asked, right)).status_code == 409
    await shop.world.settle()
    assert await desk.signatures() == 0


async def _block(desk: Desk) -> None:
    (phone,) = await desk.shop.world.services.devices.of_user(desk.signer.user.id)
    await desk.shop.world.services.phones.block(DeviceId(phone.id), OPERATOR)


async def _forbid(desk: Desk) -> None:
    await allow(desk.shop, desk.signer, Policy())


@pytest.mark.parametrize("event", [_new_pin, _relock, _remove_phone, _block, _forbid])
@pytest.mark.parametrize("decision", ["confirm", "decline"])
async def test_t50_t47_an_end_between_the_look_at_a_code_and_its_taking_goes_before_it(
    shop: Shop, event: Any, decision: str
) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    code = getattr(await desk.codes(asked), decision)

    assert await _typed_while(desk, asked, code, event) == 409

    await shop.world.settle()
    assert await shop.end(asked["id"]) in {"awaiting", "cancelled"}
    assert await desk.signatures() == 0


async def test_t50_codes_that_are_set_up_anew_at_the_moment_of_an_old_one_make_it_wrong(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    old = (await desk.codes(asked)).confirm

    async def set_up_anew(desk: Desk) -> None:
        assert await desk.shop.change(desk.signer, "offline") == "signed"

    assert await _typed_while(desk, asked, old, set_up_anew) == 403


async def test_t50_what_was_set_up_is_gone_when_a_signature_locks_the_key_anew(shop: Shop) -> None:
    """A removed phone's share is on its way out; a code cannot bring the fresh one."""
    desk = await set_up(shop)
    signer = desk.signer
    second = await Owner(shop.world, shop.application, signer.user, signer.phone, signer.credential_id).joined()
    await confirms(shop, signer, "remove", {"phone": id_of(second)})
    asked = await desk.ask()
    assert (await desk.type(asked, "12345678")).status_code == 409

    await shop.confirm(desk.signer, asked["id"])

    assert await shop.end(asked["id"]) == "signed"
    assert (await desk.kept()).secrets == b""


async def test_t50_while_a_phone_is_blocked_its_codes_are_worth_nothing(shop: Shop) -> None:
    """T20, T47."""
    desk = await set_up(shop)
    phones = shop.world.services.phones
    asked, taken = await desk.ask(), await desk.ask()
    right = (await desk.codes(asked)).confirm
    await desk.type(taken, (await desk.codes(taken)).confirm)
    (phone,) = await shop.world.services.devices.of_user(desk.signer.user.id)

    await phones.block(DeviceId(phone.id), OPERATOR)

    assert (await desk.type(asked, right)).status_code == 409
    await shop.world.settle()
    assert await shop.end(taken["id"]) == "cancelled"
    await phones.unlock(DeviceId(phone.id), OPERATOR)
    assert await desk.confirmed(await desk.ask()) == "signed"
    assert await signatures_of(shop.world, taken["id"]) == 0


async def test_t50_another_phone_that_sets_codes_up_takes_the_place_of_the_first(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    old = (await desk.codes(asked)).confirm

    assert await shop.change(desk.signer, "offline") == "signed"

    assert (await desk.type(asked, old)).status_code == 403
    assert await desk.confirmed(asked) == "signed"


# --- what lies in the database ---


async def test_t50_t18_what_was_set_up_and_edited_is_an_alarm_and_opens_nothing(shop: Shop) -> None:
    desk = await set_up(shop)
    asked = await desk.ask()
    right, kept = (await desk.codes(asked)).confirm, await desk.kept()

    await _write(desk, failures=-100)
    assert (await desk.type(asked, right)).status_code == 423
    await _write(desk, failures=kept.failures)

    assert await desk.confirmed(asked) == "signed"


async def test_t50_t52_what_has_ended_and_is_put_back_is_an_alarm_and_opens_nothing(shop: Shop) -> None:
    desk = await set_up(shop)
    before = dict((await desk.kept())._mapping)
    await _new_pin(desk)
    after = dict((await desk.kept())._mapping)
    asked = await desk.ask()

    await _write(desk, **before)
    assert (await desk.type(asked, "12345678")).status_code == 423
    await _write(desk, **after)


async def _typed_while(desk: Desk, asked: Any, code: str, event: Any) -> int:
    """Type a code, and let something happen once the server has looked at it; return the status."""
    examine, looks = CodeDoor.examine, list[Any]()

    async def look(*arguments: Any) -> Any:
        looks.append(await examine(*arguments))
        if len(looks) == 1:
            await event(desk)
        return looks[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CodeDoor, "examine", look)
        typed = await desk.type(asked, code)
    assert looks[0].decision is not None
    return typed.status_code


async def _write(desk: Desk, **values: Any) -> None:
    mine = offline_keys.c.credential_id == desk.signer.credential_id
    async with desk.shop.world.services.database.write() as connection:
        await connection.execute(sa.update(offline_keys).where(mine).values(values))
