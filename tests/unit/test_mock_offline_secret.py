"""docs/device-protocol.md section 12: setting a phone up to confirm by codes, and what ends it."""

import pytest

from mobile_mock import pins
from mobile_mock.errors import NothingToDo, Refused
from mobile_mock.offline_secret import OfflineSecret
from mobile_mock.phone import Phone
from tests.unit.mock_offline import change, hkdf, set_up
from tests.unit.mock_server import (
    CREDENTIAL,
    FIRST,
    KEY,
    OTHER_CREDENTIAL,
    PIN,
    SECOND,
    FakeServer,
    problem,
    transaction_id,
)

FOURTH, FIFTH = transaction_id(4), transaction_id(5)
NEW_PIN = "240891"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    phone = await server.with_share(tmp_path)
    await set_up(server, phone)
    server.sent.clear()
    return phone


def secret_of(phone: Phone) -> OfflineSecret | None:
    return phone.kept().offline.get(CREDENTIAL)


async def test_the_owner_sets_it_up_and_the_server_is_never_told_the_secret(server, tmp_path):
    phone = await server.with_share(tmp_path)
    k_offline = await set_up(server, phone)
    kept = phone.kept()
    secret = kept.offline[CREDENTIAL].secret
    proof = pins.proof(PIN, kept.salt, kept.iterations)

    assert set(server.opened(server.sent[-1][1])) == {"header", "pin_proof", "k_act", "k_offline"}
    assert len(secret) == 32
    assert k_offline == hkdf(secret + proof, CREDENTIAL.encode(), b"dss/offline/v1")
    assert secret not in (k_offline, proof)


async def test_each_time_the_secret_is_another(server, phone):
    first = secret_of(phone)
    await set_up(server, phone, SECOND)

    assert secret_of(phone).secret != first.secret


async def test_a_set_up_that_came_to_nothing_changes_nothing(server, phone):
    first = secret_of(phone)
    server.refuse = lambda path: problem(403, "answer_refused") if path.endswith("/answer") else None
    with pytest.raises(Refused):
        await set_up(server, phone, FOURTH)

    assert secret_of(phone) == first


async def test_a_first_set_up_that_came_to_nothing_leaves_nothing(server, tmp_path):
    phone = await server.with_share(tmp_path)
    server.after_answer = "failed"
    await set_up(server, phone)

    assert phone.kept().offline == {}


async def test_a_set_up_whose_reply_was_lost_is_sent_again_with_the_same_secret(server, tmp_path):
    phone = await server.with_share(tmp_path)
    server.ask_to_change("offline", credential=KEY)
    shown = await phone.show(await phone.change("offline", credential=CREDENTIAL))
    server.refuse = lambda path: problem(502, "") if path.endswith("/answer") else None
    with pytest.raises(Refused):
        await phone.confirm(shown, PIN)
    offered = secret_of(phone).following
    server.refuse = lambda _: None
    await phone.confirm(shown, PIN)

    assert secret_of(phone) == OfflineSecret(offered)


@pytest.mark.parametrize(
    ("action", "typed"),
    [
        *(("offline_end", {}), ("relock", {}), ("pin", {"new_pin": NEW_PIN})),
        ("password", {"new_key_password": "Passw0rd"}),
    ],
)
async def test_what_ends_it_makes_the_phone_forget_the_secret(server, phone, action, typed):
    """Section 12: a change of the PIN ends it, and so does one of the key's lock."""
    await change(server, phone, action, SECOND, **typed)

    assert phone.kept().offline == {}


async def test_what_would_have_ended_it_and_came_to_nothing_does_not(server, phone):
    first = secret_of(phone)
    server.after_answer = "cancelled"
    await change(server, phone, "pin", SECOND, new_pin=NEW_PIN)

    assert secret_of(phone) == first


async def test_while_its_end_is_on_the_way_the_secret_is_kept(server, phone):
    first = secret_of(phone)
    server.after_answer = "confirmed"
    await change(server, phone, "offline_end", SECOND)
    assert secret_of(phone).secret == first.secret

    server.states[SECOND] = "signed"
    await phone.state(SECOND)
    assert phone.kept().offline == {}


async def test_a_signature_under_which_the_key_is_locked_anew_ends_it(server, phone):
    server.ask(FIRST, relock=True)
    await phone.confirm(await phone.show(FIRST), PIN)

    assert phone.kept().offline == {}


async def test_the_state_of_an_old_change_does_not_end_a_newer_secret(server, phone):
    await change(server, phone, "offline_end", SECOND)
    await set_up(server, phone, FIRST)
    await phone.state(SECOND)

    assert secret_of(phone).secret is not None


async def test_while_a_set_up_is_on_the_way_what_depends_on_it_waits_and_other_keys_do_not(server, phone):
    server.after_answer = "confirmed"
    await change(server, phone, "offline", FOURTH)

    with pytest.raises(NothingToDo):
        await change(server, phone, "pin", FIFTH, new_pin=NEW_PIN)
    kept = phone.kept()
    assert kept.unsettled([CREDENTIAL]) == {FOURTH}
    assert kept.unsettled([OTHER_CREDENTIAL]) == set()
