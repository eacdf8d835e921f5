"""What testers can make the phone do wrong: each switch does exactly what it says."""

from dataclasses import replace

import pytest

from mobile_mock import pins
from mobile_mock.errors import NothingToDo
from mobile_mock.misbehave import Misbehaviour
from tests.unit.mock_server import FIRST, PIN, SECOND, THIRD, FakeServer, b64, unb64


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


async def test_a_replay_sends_the_kept_answer_byte_for_byte(server, phone):
    """T01."""
    server.ask()
    shown = await phone.show(FIRST)
    await phone.confirm(shown, PIN)
    await phone.confirm(shown, misbehave=Misbehaviour(replay=True))

    assert server.sent[0] == server.sent[1]


async def test_a_replay_of_another_transaction_sends_that_answer_here(server, phone):
    """T02."""
    server.ask()
    await phone.confirm(await phone.show(FIRST), misbehave=Misbehaviour(replay_of=SECOND))

    assert server.sent[0][0] == f"/device/v1/transactions/{FIRST}/answer"
    assert server.answers()[0]["txn"] == SECOND


async def test_there_is_nothing_to_replay_where_no_answer_is_kept(phone):
    with pytest.raises(NothingToDo):
        await phone.replay(FIRST)


async def test_a_swapped_transaction_stands_in_the_answer_alone(server, phone):
    """T02."""
    server.ask()
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(swap_transaction=THIRD))

    assert server.sent[0][0] == f"/device/v1/transactions/{FIRST}/answer"
    assert server.answers()[0]["txn"] == THIRD


async def test_an_altered_binding_is_the_same_in_answer_and_box(server, phone):
    """T02: an answer that is right in itself, to a request that nobody made."""
    server.ask()
    shown = await phone.show(FIRST)
    await phone.confirm(shown, PIN, misbehave=Misbehaviour(alter_binding=True))

    binding = server.answers()[0]["binding"]
    assert binding != b64(shown.request.binding)
    assert server.opened(server.sent[0][1])["header"]["apv"] == binding


async def test_a_late_answer_waits_past_the_end(server, phone):
    """T23."""
    shown = await phone.show(server.ask()["transaction"])
    await phone.confirm(shown, PIN, misbehave=Misbehaviour(late=7))

    assert server.answers()[0]["iat"] == int(shown.request.expires.timestamp()) + 7


async def test_a_wrong_pin_is_proved_wrong(server, phone):
    """T48."""
    server.ask()
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(wrong_pin=True))

    kept = phone.kept()
    assert unb64(server.opened(server.sent[0][1])["pin_proof"]) != pins.proof(PIN, kept.salt, kept.iterations)


async def test_a_stale_counter_goes_back_to_one_that_the_server_took(server, phone):
    """T21."""
    server.ask()
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(stale_counter=True))

    assert server.answers()[0]["counter"] == 1
    assert phone.kept().counter == 2


async def test_without_a_taken_answer_there_is_no_counter_to_go_back_to(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.ask_to_create()
    with pytest.raises(NothingToDo):
        await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(stale_counter=True))


async def test_answers_can_be_made_first_and_raced_later(server, phone):
    """T24: for testers who answer in parallel."""
    server.ask()
    shown = await phone.show(FIRST)
    answers = [await phone.prepare(shown, PIN) for _ in range(2)]
    assert server.sent == []

    assert [await phone.send(answer) for answer in answers] == ["signed", "signed"]
    assert [claims["counter"] for claims in server.answers()] == [2, 3]


def test_every_misbehaviour_says_what_it_does():
    names = {"replay": True, "replay_of": SECOND, "swap_transaction": SECOND, "alter_binding": True}
    for name, value in {**names, "late": 1.0, "wrong_pin": True, "stale_counter": True}.items():
        assert len(replace(Misbehaviour(), **{name: value}).says()) == 1
    assert Misbehaviour().says() == []
