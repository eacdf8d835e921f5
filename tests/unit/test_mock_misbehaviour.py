"""What testers can make the phone do wrong: each switch does exactly what it says."""

import json
import shutil
from dataclasses import fields
from pathlib import Path

import pytest

from mobile_mock import pins
from mobile_mock.errors import Difference, NothingToDo
from mobile_mock.misbehave import BadList, Misbehaviour
from tests.unit.mock_batch import BatchServer, bare
from tests.unit.mock_server import (
    CREDENTIAL,
    FIRST,
    KEY,
    OTHER_DEVICE,
    PIN,
    RECIPE,
    SECOND,
    THIRD,
    FakeServer,
    b64,
    unb64,
)

COMPARE, LAST = {"mode": "compare", "code": "4821"}, {"mode": "compare", "code": "9999"}
CHOOSE = {"mode": "choose", "numbers": ["41", "07", "88"], "commitment": b64(b"c" * 32)}


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


async def test_a_counter_that_was_left_out_is_used_after_it_was_overtaken(server, phone):
    """Section 5: an overtaken counter that was never used is refused, and is no sign of a clone."""
    server.ask()
    shown = await phone.show(FIRST)
    for wrong in (Misbehaviour(skip_counter=True), Misbehaviour(), Misbehaviour(overtaken_counter=True)):
        await phone.send(await phone.prepare(shown, PIN, misbehave=wrong))

    assert [claims["counter"] for claims in server.answers()] == [3, 4, 2]
    assert phone.kept().counter == 5


async def test_without_a_counter_that_was_left_out_there_is_none_to_go_back_to(server, phone):
    server.ask()
    with pytest.raises(NothingToDo, match="left out"):
        await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(overtaken_counter=True))


async def test_a_wrong_password_of_the_key_is_proved_wrong(server, phone):
    """T48."""
    server.ask(credential=KEY | {"password": RECIPE})
    shown = await phone.show(FIRST)
    for wrong in (None, Misbehaviour(wrong_password=True)):
        await phone.send(await phone.prepare(shown, PIN, misbehave=wrong, key_password="Passw0rd"))

    right, other = (server.opened(body) for _, body in server.sent)
    assert len(unb64(other["k_pwd"])) == 32
    assert (right["k_pwd"] != other["k_pwd"], right["k_act"] == other["k_act"]) == (True, True)


async def test_a_wrong_share_is_sent_and_the_right_one_is_kept(server, phone):
    """T18."""
    server.ask()
    right = phone.kept().shares[CREDENTIAL]
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(wrong_share=True))

    sent = unb64(server.opened(server.sent[0][1])["k_act"])
    assert (len(sent), sent != right.k_act, phone.kept().shares[CREDENTIAL]) == (32, True, right)


async def test_a_skipped_fresh_share_is_not_in_the_box(server, phone):
    server.ask(relock=True)
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(skip_next=True))

    assert set(server.opened(server.sent[0][1])) == {"header", "pin_proof", "k_act"}


@pytest.mark.parametrize("name", ["wrong_share", "wrong_password", "skip_next"])
async def test_what_a_box_does_not_hold_cannot_be_wrong_in_it(server, phone, name):
    server.ask_to_change("resume", credential=KEY)
    shown = await phone.show(await phone.change("resume", credential=CREDENTIAL))
    with pytest.raises(NothingToDo):
        await phone.confirm(shown, PIN, misbehave=Misbehaviour(**{name: True}))


async def test_an_unnamed_phone_answers_what_another_alone_may_answer(server, phone):
    """T32."""
    server.ask_to_change("resume", credential=KEY)
    server.ask(FIRST, **{**json.loads(server.requests[FIRST]), "phone": OTHER_DEVICE})
    wrong = Misbehaviour(unnamed=True)
    with pytest.raises(Difference, match="another phone"):
        await phone.show(FIRST)

    await phone.confirm(await phone.show(FIRST, misbehave=wrong), PIN, misbehave=wrong)

    assert server.answers()[0]["txn"] == FIRST


async def test_a_copy_of_the_store_is_a_clone(server, phone, tmp_path):
    """T21: two phones with one key use one counter for two answers."""
    copy = server.phone(Path(shutil.copytree(tmp_path, tmp_path.parent / "copy")))
    for id, one in ((FIRST, phone), (THIRD, copy)):
        server.ask(id)
        await one.confirm(await one.show(id), PIN)

    assert [(claims["txn"], claims["counter"]) for claims in server.answers()] == [(FIRST, 2), (THIRD, 2)]


@pytest.mark.parametrize(
    ("verification", "number", "said"),
    [(CHOOSE, "41", {"07", "88"}), (CHOOSE, "07", {"41", "88"}), (COMPARE, "4821", {"4822"}), (LAST, "9999", {"0000"})],
)
async def test_a_wrong_number_is_one_that_the_page_does_not_show(server, phone, verification, number, said):
    """T14."""
    server.ask(verification=verification)
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(wrong_number=True), number=number)

    assert server.answers()[0]["number"] in said


async def test_where_no_number_is_asked_for_none_can_be_wrong(server, phone):
    server.ask()
    with pytest.raises(NothingToDo):
        await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(wrong_number=True))


@pytest.mark.parametrize("verification", [{"mode": "none"}, COMPARE, CHOOSE, {**CHOOSE, "numbers": ["10", "12", "11"]}])
async def test_a_strange_number_was_not_offered(server, phone, verification):
    """T14, T29."""
    server.ask(verification=verification)
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(strange_number=True))

    said = server.answers()[0]["number"]
    assert len(said) == 2
    assert said not in verification.get("numbers", [])


@pytest.mark.parametrize("verification", [COMPARE, CHOOSE])
async def test_a_skipped_number_answers_by_less_than_the_request_asks_for(server, phone, verification):
    """T29."""
    server.ask(verification=verification)
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(skip_number=True))

    assert "number" not in server.answers()[0]


async def test_a_batch_is_confirmed_without_looking(tmp_path):
    """What the phone must never do, and what no server can see."""
    server = BatchServer()
    phone = await server.with_share(tmp_path)
    server.ask_for_batch(server.documents_of(101))
    server.calls.clear()
    wrong = Misbehaviour(unseen=True)
    shown = await phone.show(FIRST, misbehave=wrong)
    await phone.confirm(shown, PIN, misbehave=wrong)

    assert (shown.fetched, shown.request.documents) == (False, ())
    assert [call.url.path.rpartition("/")[2] for call in server.calls] == [FIRST, "answer"]


@pytest.mark.parametrize(
    ("how", "declined"),
    [("beyond", [4]), ("all", [0, 1, 2, 3]), ("twice", [0, 0]), ("backwards", [1, 0]), ("empty", [])],
)
async def test_a_list_of_declined_documents_can_be_wrong_in_each_way(server, phone, how, declined):
    server.ask(documents=[bare(index) for index in range(4)])
    wrong = Misbehaviour(bad_list=BadList(how))
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=wrong, declined_documents=[2])

    assert server.answers()[0]["declined_documents"] == declined


@pytest.mark.parametrize("how", BadList)
async def test_what_has_no_documents_can_have_a_list_of_declined_ones_too(server, phone, how):
    """T28: a member of another kind."""
    server.ask_to_create()
    await phone.confirm(await phone.show(FIRST), PIN, misbehave=Misbehaviour(bad_list=how))

    assert "declined_documents" in server.answers()[0]


def test_every_misbehaviour_says_what_it_does():
    values = {"replay_of": SECOND, "swap_transaction": SECOND, "swap_share": SECOND, "late": 1.0}
    values |= {"bad_list": BadList.ALL}
    for switch in fields(Misbehaviour):
        assert len(Misbehaviour(**{switch.name: values.get(switch.name, True)}).says()) == 1
    assert Misbehaviour().says() == []
