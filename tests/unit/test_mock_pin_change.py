"""docs/device-protocol.md section 6: the owner changes the PIN, and the phone never loses the one that holds."""

import pytest

from mobile_mock import pins
from mobile_mock.errors import BadInput, NothingToDo, Refused
from tests.unit.mock_server import FIRST, ITERATIONS, PIN, THIRD, FakeServer, problem, unb64

NEW_PIN = "240891"


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


async def shown_pin_change(server, phone, id=FIRST):
    server.opens = id
    server.ask_to_change("pin", id)
    return await phone.show(await phone.change("pin"))


def box(server) -> dict:
    """The newest box as it was opened, without its header."""
    opened = server.opened(server.sent[-1][1])
    return {name: unb64(value) for name, value in opened.items() if name != "header"}


def proof(phone, pin: str) -> bytes:
    return pins.proof(pin, phone.kept().salt, ITERATIONS)


async def test_a_new_pin_has_a_new_salt_and_holds_once_it_signed(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    old_salt, old_proof = phone.kept().salt, proof(phone, PIN)
    await phone.confirm(await shown_pin_change(server, phone), PIN, new_pin=NEW_PIN)

    kept, sent = phone.kept(), box(server)
    assert kept.salt != old_salt
    assert (len(kept.salt), kept.pin_next, kept.pin_proof) == (16, None, None)
    assert sent == {"pin_proof": old_proof, "pin_proof_next": proof(phone, NEW_PIN)}


@pytest.mark.parametrize("pin", [None, "", "12345678", "111111", "4938", "secret"])
async def test_a_new_pin_that_is_refused_is_not_sent(server, phone, pin):
    """F17, as at enrolment."""
    shown = await shown_pin_change(server, phone)

    with pytest.raises(BadInput):
        await phone.confirm(shown, PIN, new_pin=pin)
    assert (len(server.sent), phone.kept().pin_next) == (1, None)


async def test_a_new_pin_is_as_long_as_the_server_demanded_at_the_enrolment(server, tmp_path):
    server.change_offer = {"pin": {"digits": 8, "iterations": ITERATIONS}}
    phone = server.phone(tmp_path)
    await phone.enrol(server.qr(), "7K3M9Q2X8WHT4VNB", "49381702")
    shown = await shown_pin_change(server, phone)

    with pytest.raises(BadInput, match="8 to 32"):
        await phone.confirm(shown, "49381702", new_pin=NEW_PIN)


async def test_both_salts_are_kept_before_the_answer_is_sent_and_until_the_end_is_known(server, phone):
    """The reply may be lost: the phone then has to be able to prove either PIN."""
    shown = await shown_pin_change(server, phone)
    old, saved = phone.kept().salt, []
    server.refuse = lambda path: saved.append(phone.kept()) if path.endswith("/answer") else None
    server.after_answer = "confirmed"
    await phone.confirm(shown, PIN, new_pin=NEW_PIN)

    new = saved[0].pin_next.salt
    assert (saved[0].salt, phone.kept().salt, phone.kept().pin_next.salt) == (old, old, new)

    server.states[FIRST] = "signed"
    await phone.state(FIRST)
    assert (phone.kept().salt, phone.kept().pin_next) == (new, None)


async def test_a_pin_change_that_came_to_nothing_leaves_the_old_pin(server, phone):
    shown, old = await shown_pin_change(server, phone), phone.kept().salt
    server.after_answer = "failed"
    await phone.confirm(shown, PIN, new_pin=NEW_PIN)

    assert (phone.kept().salt, phone.kept().pin_next) == (old, None)


async def test_a_refused_pin_change_leaves_the_old_pin_and_the_next_try_has_another_salt(server, phone):
    shown, old, salts = await shown_pin_change(server, phone), phone.kept().salt, []

    def refuse(path: str):
        salts.append(phone.kept().pin_next.salt)
        return problem(403, "answer_refused")

    server.refuse = refuse
    for _ in range(2):
        with pytest.raises(Refused):
            await phone.confirm(shown, "311299", new_pin=NEW_PIN)

    assert (phone.kept().salt, phone.kept().pin_next) == (old, None)
    assert salts[0] != salts[1]


async def test_the_next_confirmation_first_learns_which_pin_holds(server, phone):
    server.after_answer = "confirmed"
    await phone.confirm(await shown_pin_change(server, phone), PIN, new_pin=NEW_PIN)
    server.ask(THIRD)
    shown = await phone.show(THIRD)
    with pytest.raises(NothingToDo, match="has not ended"):
        await phone.confirm(shown, NEW_PIN)

    server.states[FIRST] = "signed"
    await phone.confirm(shown, NEW_PIN)

    assert box(server)["pin_proof"] == proof(phone, NEW_PIN)


async def test_the_biometric_gives_the_proof_of_the_new_pin_after_a_change(server, phone):
    await phone.confirm(await shown_pin_change(server, phone), by="biometric", new_pin=NEW_PIN)

    assert phone.kept().pin_proof == proof(phone, NEW_PIN) == box(server)["pin_proof_next"]


async def test_two_answers_to_one_pin_change_offer_one_salt(server, phone):
    """Either may be the one that the server takes."""
    shown, salts = await shown_pin_change(server, phone), []
    for _ in range(2):
        await phone.prepare(shown, PIN, new_pin=NEW_PIN)
        salts.append(phone.kept().pin_next.salt)

    assert salts[0] == salts[1]
