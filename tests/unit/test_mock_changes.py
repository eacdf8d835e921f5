"""docs/device-protocol.md sections 5 and 6: the owner changes what is theirs, by a transaction of this phone."""

import pytest

from mobile_mock import passwords, pins
from mobile_mock.errors import BadInput, Difference
from mobile_mock.passwords import Recipe
from tests.unit.mock_server import (
    CREDENTIAL,
    FIRST,
    ITERATIONS,
    KEY,
    OTHER_CREDENTIAL,
    OTHER_DEVICE,
    PIN,
    RECIPE,
    FakeServer,
    b64,
    unb64,
)

NEW_PIN, PASSWORD, NEW_PASSWORD = "240891", "Passw0rd", "An0ther-one"
NEXT_RECIPE = RECIPE | {"salt": b64(b"b" * 16)}
WITH_PASSWORD = KEY | {"password": RECIPE}


def k_pwd(password: str, recipe: dict) -> bytes:
    return passwords.stretch(password, Recipe(unb64(recipe["salt"]), recipe["memory_kib"], 1, 1))


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


async def shown_change(server, phone, action, *, credential=KEY, **change):
    """Open a change of the credential, and show what the server makes of it."""
    server.ask_to_change(action, credential=credential, **change)
    reason = change.get("reason")
    return await phone.show(await phone.change(action, credential=credential["id"], reason=reason))


def box(server) -> dict:
    """The newest box as it was opened, without its header."""
    opened = server.opened(server.sent[-1][1])
    return {name: unb64(value) for name, value in opened.items() if name != "header"}


def proof(phone, pin: str) -> bytes:
    return pins.proof(pin, phone.kept().salt, ITERATIONS)


# --- opening ---


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("pin", {}),
        *((action, {"credential": CREDENTIAL}) for action in ("password", "relock", "resume", "destroy")),
        ("revoke", {"credential": CREDENTIAL, "reason": "keyCompromise"}),
        ("remove", {"phone": OTHER_DEVICE}),
    ],
)
async def test_a_change_is_opened_with_the_members_of_its_action(server, phone, action, given):
    assert await phone.change(action, **given) == FIRST

    assert server.sent == [("/device/v1/changes", {"action": action, **given})]


@pytest.mark.parametrize(
    ("action", "given"),
    [
        *(("unlock", {}), ("pin", {"credential": CREDENTIAL}), ("relock", {}), ("remove", {"credential": CREDENTIAL})),
        *(("revoke", {"credential": CREDENTIAL}), ("revoke", {"credential": CREDENTIAL, "reason": "because"})),
        *(("resume", {"credential": "7"}), ("remove", {"phone": "../x"}), ("destroy", {"phone": OTHER_DEVICE})),
    ],
    ids=str,
)
async def test_a_change_with_other_members_is_not_opened(server, phone, action, given):
    with pytest.raises(BadInput):
        await phone.change(action, **given)
    assert server.sent == []


@pytest.mark.parametrize(
    "reply", [{}, {"id": FIRST}, {"id": "7", "expires": "2026-03-02T09:05:00Z"}, {"id": FIRST, "expires": 7}]
)
async def test_an_opened_change_in_another_form_is_refused(server, phone, reply):
    server.pages["POST /device/v1/changes"] = reply

    with pytest.raises(Difference):
        await phone.change("pin")


async def test_a_change_that_the_owner_did_not_ask_for_on_this_phone_is_refused(server, phone):
    """T18: a server that asks for a change by itself gets none."""
    server.ask_to_change("pin")

    with pytest.raises(Difference, match="did not ask"):
        await phone.show(FIRST)


@pytest.mark.parametrize(
    ("action", "credential", "change"),
    [
        ("destroy", KEY, {}),
        ("revoke", KEY | {"id": OTHER_CREDENTIAL}, {"reason": "superseded"}),
        ("revoke", KEY, {"reason": "keyCompromise"}),
        ("pin", None, {}),
    ],
    ids=["another action", "another key", "another reason", "of the phone"],
)
async def test_a_change_of_anything_else_than_the_owner_asked_for_is_refused(server, phone, action, credential, change):
    await phone.change("revoke", credential=CREDENTIAL, reason="superseded")
    server.ask_to_change(action, credential=credential, **change)

    with pytest.raises(Difference, match="something else"):
        await phone.show(FIRST)


async def test_the_removal_of_another_phone_than_the_owner_asked_for_is_refused(server, phone):
    await phone.change("remove", phone=OTHER_DEVICE)
    server.ask_to_change("remove", phone={"id": OTHER_CREDENTIAL, "name": "Phone"})

    with pytest.raises(Difference, match="something else"):
        await phone.show(FIRST)


async def test_what_was_opened_is_known_after_a_restart_and_of_the_newest_twenty(server, phone, tmp_path):
    for number in range(25):
        server.opens = f"01J{number:023d}"
        await phone.change("pin")

    assert list(server.phone(tmp_path).kept().opened) == [f"01J{number:023d}" for number in range(5, 25)]


# --- what the box holds ---


@pytest.mark.parametrize(("action", "change"), [("resume", {}), ("destroy", {}), ("revoke", {"reason": "superseded"})])
async def test_a_change_that_does_not_open_the_key_sends_no_share_and_no_password(server, phone, action, change):
    shown = await shown_change(server, phone, action, credential=WITH_PASSWORD, **change)
    await phone.confirm(shown, PIN)

    assert box(server) == {"pin_proof": proof(phone, PIN)}


async def test_a_removal_sends_the_pin_proof_alone(server, phone):
    server.ask_to_change("remove", phone={"id": OTHER_DEVICE, "name": "Old phone"})
    await phone.confirm(await phone.show(await phone.change("remove", phone=OTHER_DEVICE)), PIN)

    assert set(box(server)) == {"pin_proof"}


async def test_the_first_password_of_a_key_goes_with_the_share(server, phone):
    shown = await shown_change(server, phone, "password", password=RECIPE)
    await phone.confirm(shown, PIN, new_key_password=PASSWORD)

    k_act = phone.kept().shares[CREDENTIAL].k_act
    right = {"pin_proof": proof(phone, PIN), "k_act": k_act, "k_pwd_next": k_pwd(PASSWORD, RECIPE)}
    assert box(server) == right


async def test_another_password_of_a_key_goes_with_the_old_one(server, phone):
    shown = await shown_change(server, phone, "password", credential=WITH_PASSWORD, password=NEXT_RECIPE)
    await phone.confirm(shown, PIN, key_password=PASSWORD, new_key_password=NEW_PASSWORD)

    sent = box(server)
    assert set(sent) == {"pin_proof", "k_act", "k_pwd", "k_pwd_next"}
    assert (sent["k_pwd"], sent["k_pwd_next"]) == (k_pwd(PASSWORD, RECIPE), k_pwd(NEW_PASSWORD, NEXT_RECIPE))


async def test_a_signature_by_a_key_with_a_password_carries_the_proof_of_it(server, phone):
    server.ask(credential=WITH_PASSWORD)
    await phone.confirm(await phone.show(FIRST), PIN, key_password=PASSWORD)

    assert box(server)["k_pwd"] == k_pwd(PASSWORD, RECIPE)


@pytest.mark.parametrize("password", [None, "", "cafe\u0301CAFE1"], ids=ascii)
async def test_without_a_password_that_can_be_right_nothing_is_sent(server, phone, password):
    server.ask(credential=WITH_PASSWORD)
    shown = await phone.show(FIRST)

    with pytest.raises(BadInput, match="password"):
        await phone.confirm(shown, PIN, key_password=password)
    assert server.sent == []


@pytest.mark.parametrize("password", [None, "password"])
async def test_a_new_password_that_is_refused_is_not_sent(server, phone, password):
    """Q8."""
    shown = await shown_change(server, phone, "password", password=RECIPE)

    with pytest.raises(BadInput, match="password"):
        await phone.confirm(shown, PIN, new_key_password=password)
    assert [path for path, _ in server.sent] == ["/device/v1/changes"]


async def test_no_password_and_nothing_made_of_one_is_kept(server, phone, tmp_path):
    shown = await shown_change(server, phone, "password", credential=WITH_PASSWORD, password=NEXT_RECIPE)
    before = phone.kept()
    await phone.confirm(shown, PIN, key_password=PASSWORD, new_key_password=NEW_PASSWORD)

    after = phone.kept()
    assert (after.shares, after.salt, after.pin_proof) == (before.shares, before.salt, before.pin_proof)


async def test_a_relock_sends_both_shares_and_the_next_one_holds_once_it_signed(server, phone):
    old = phone.kept().shares[CREDENTIAL].k_act
    shown = await shown_change(server, phone, "relock", credential=WITH_PASSWORD)
    await phone.confirm(shown, PIN, key_password=PASSWORD)

    sent = box(server)
    assert set(sent) == {"pin_proof", "k_act", "k_act_next", "k_pwd"}
    assert sent["k_act"] == old
    assert phone.kept().shares[CREDENTIAL].k_act == sent["k_act_next"] != old


async def test_without_a_share_of_the_key_it_cannot_be_locked_anew(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    shown = await shown_change(server, phone, "relock")

    with pytest.raises(Difference, match="no share"):
        await phone.confirm(shown, PIN)
