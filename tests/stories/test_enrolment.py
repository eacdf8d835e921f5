"""Stories of a new phone: two letters by two ways, and all the ways in which one of them is not enough."""

import asyncio
import json

import pytest
from joserfc.jwk import ECKey

from dss.devices.enrolling import Enrolling
from dss.kernel import b64
from dss.kernel.ids import EnrolmentId
from mobile_mock.errors import Refused
from mobile_mock.phone import Phone
from tests.world.world import PIN, World


async def enrol(phone: Phone, qr: str, code: str) -> tuple[int, str]:
    """Try to enrol; the refusal."""
    with pytest.raises(Refused) as refusal:
        await phone.enrol(qr, code, PIN)
    return refusal.value.status, refusal.value.reason


async def test_i3_a_phone_enrols_with_the_qr_of_one_letter_and_the_code_of_the_other(world: World) -> None:
    alice = await world.user()
    qr, code = await world.invite(alice)

    receipt = await world.new_phone().enrol(qr, code, PIN, "My phone")

    (device,) = await world.services.devices.of_user(alice.id)
    assert (device.name, device.counter) == ("My phone", 0)
    assert receipt.device == device.id
    assert await world.tells(f"user:{alice.id}") == ["user.registered", "enrolment.opened", "device.enrolled"]


async def test_the_owner_is_told_of_every_new_phone(world: World) -> None:
    await world.phone(await world.user())
    newest = (await world.letters())[-1].read_text()
    assert "Key 1" in newest
    assert "alice@example.org" in newest


async def test_no_letter_holds_both_secrets_and_none_stays_in_the_outbox(world: World) -> None:
    qr, code = await world.invite(await world.user())
    texts = [letter.read_text() for letter in await world.letters()]
    assert [code in text for text in texts].count(True) == 1
    assert all(not (code in text and "image/png" in text) for text in texts)
    assert qr not in "".join(texts)


async def test_t12_a_code_forgives_case_and_look_alikes_only(world: World) -> None:
    qr, code = await world.invite(await world.user())
    typed = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
    assert (await world.new_phone().enrol(qr, typed, PIN)).device


async def test_t12_three_wrong_codes_end_the_enrolment_even_for_the_right_one(world: World) -> None:
    qr, code = await world.invite(await world.user())
    wrong = "0000-0000-0000-0000"
    for _ in range(3):
        assert await enrol(world.new_phone(), qr, wrong) == (403, "activation_refused")
    assert await enrol(world.new_phone(), qr, code) == (410, "expired")


async def test_t12_wrong_codes_at_the_same_time_are_all_counted(world_on_each_database: World) -> None:
    world = world_on_each_database
    qr, code = await world.invite(await world.user())
    refusals = await asyncio.gather(*(enrol(world.new_phone(), qr, "0000-0000-0000-0000") for _ in range(6)))
    assert refusals.count((403, "activation_refused")) <= 3
    assert await enrol(world.new_phone(), qr, code) == (410, "expired")


async def test_t12_a_qr_ends_after_seven_days(world: World) -> None:
    qr, code = await world.invite(await world.user())
    world.clock.move(7 * 24 * 3600)
    assert await enrol(world.new_phone(), qr, code) == (410, "expired")


async def test_t12_a_code_is_good_for_one_phone(world_on_each_database: World) -> None:
    world = world_on_each_database
    alice = await world.user()
    qr, code = await world.invite(alice)
    tries = await asyncio.gather(*(world.new_phone().enrol(qr, code, PIN) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(one, Refused) for one in tries) == 1
    assert len(await world.services.devices.of_user(alice.id)) == 1


async def test_new_letters_end_the_earlier_ones(world: World) -> None:
    alice = await world.user()
    qr, code = await world.invite(alice)
    await world.invite(alice)
    assert await enrol(world.new_phone(), qr, code) == (410, "expired")


async def test_the_code_of_one_person_does_not_open_another_s_qr(world: World) -> None:
    qr, _ = await world.invite(await world.user())
    _, code = await world.invite(await world.user("bob"))
    assert await enrol(world.new_phone(), qr, code) == (403, "activation_refused")


async def test_an_unknown_enrolment_is_not_found(world: World) -> None:
    qr, code = await world.invite(await world.user())
    id = qr.partition("&e=")[2].partition("&")[0]
    assert await enrol(world.new_phone(), qr.replace(id, "0" * 26), code) == (404, "not_found")


async def test_t12_a_qr_without_a_code_enrols_nothing(world: World) -> None:
    qr, _ = await world.invite(await world.user())
    id = qr.partition("&e=")[2].partition("&")[0]
    for body in ({}, {"enrolment": "", "box": ""}, {"enrolment": "a.b.c", "box": "a.b.c.d.e"}, {"box": "x"}):
        answer = await world.http().post(f"/device/v1/enrolments/{id}", json=body)
        assert answer.status_code in {400, 422}, answer.text


async def test_t13_one_phone_key_cannot_serve_two_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob = await world.invite(await world.user()), await world.invite(await world.user("bob"))
    first = world.new_phone()
    await first.enrol(*alice, PIN)
    _reuse_keys(first, monkeypatch)
    assert await enrol(world.new_phone(), *bob) == (409, "key_in_use")


def _reuse_keys(phone: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next phone make the keys that this one has."""
    kept = phone.kept()
    keys = iter([kept.signature_key, kept.encryption_key])
    monkeypatch.setattr("mobile_mock.jose.new_key", lambda: ECKey.import_key(next(keys)))


async def test_an_enrolment_whose_reply_was_lost_gets_the_same_receipt_again(world: World) -> None:
    alice = await world.user()
    phone = await world.phone(alice)
    kept = phone.kept()
    (device,) = await world.services.devices.of_user(alice.id)
    enrolment = json.loads(b64.url_decode(kept.enrolment.split(".")[1]))["enrolment"]

    answer = await world.http().post(
        f"/device/v1/enrolments/{enrolment}", json={"enrolment": kept.enrolment, "box": "x"}
    )

    assert (answer.status_code, answer.json()) == (201, {"receipt": kept.receipt})
    assert await world.services.devices.of_user(alice.id) == [device]


async def test_what_is_refused_to_the_holder_of_a_qr_is_told_once_in_the_log(world: World) -> None:
    qr, code = await world.invite(await world.user())
    id = qr.partition("&e=")[2].partition("&")[0]
    world.clock.move(7 * 24 * 3600)
    await enrol(world.new_phone(), qr, code)
    assert await world.tells(f"enrolment:{id}") == ["request.refused"]


async def test_the_same_enrolment_sent_several_times_at_once_gets_one_receipt(
    world_on_each_database: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = world_on_each_database
    alice = await world.user()
    enrol_once = Enrolling.enrol

    async def enrol_four_times(self: Enrolling, id: EnrolmentId, jws: str, box: str) -> str:
        (receipt,) = set(await asyncio.gather(*(enrol_once(self, id, jws, box) for _ in range(4))))
        return receipt

    monkeypatch.setattr(Enrolling, "enrol", enrol_four_times)
    await world.phone(alice)
    assert len(await world.services.devices.of_user(alice.id)) == 1
