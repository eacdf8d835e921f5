"""docs/device-protocol.md section 12: confirming by a code, on a phone without a connection."""

import hashlib

import httpx
import pytest

from mobile_mock import pins
from mobile_mock.errors import BadInput, Difference, StoreFault
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.offline_code import OfflineRequest, read_offline_request
from mobile_mock.phone import Phone
from mobile_mock.scanning import text_of
from tests.unit.mock_offline import by_hand, set_up
from tests.unit.mock_pages import encoded, offline_text, qr, screen
from tests.unit.mock_server import (
    CREDENTIAL,
    FIRST,
    KEY,
    OTHER_CREDENTIAL,
    PIN,
    RECIPE,
    SECOND,
    USER,
    FakeServer,
    b64,
    canonical,
    new_key,
)

OTHER_PIN = "805263"
NUMBERS = {"mode": "choose", "numbers": ["17", "42", "93"], "commitment": b64(b"m" * 32)}
COMPARE = {"mode": "compare", "code": "0417"}


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    phone = await server.with_share(tmp_path)
    await set_up(server, phone)
    server.sent.clear()
    return phone


@pytest.fixture
def unplugged(phone, server, tmp_path):
    """The same phone, with every call failing the test."""

    def never(request: httpx.Request) -> httpx.Response:
        pytest.fail(f"the phone called {request.url}")

    http = httpx.AsyncClient(transport=httpx.MockTransport(never))
    return Phone(tmp_path, http, now=server.clock.now, sleep=server.sleep)


def expected(phone: Phone, payload: dict, said: str, pin: str = PIN) -> str:
    kept = phone.kept()
    proof = pins.proof(pin, kept.salt, kept.iterations)
    binding = hashlib.sha256(b"dss/confirmation/v1\0" + canonical(payload)).digest()
    return by_hand(kept.offline[CREDENTIAL].secret, proof, binding, said)


async def test_a_request_is_shown_and_answered_by_codes_without_any_call(server, unplugged):
    """T50."""
    payload = server.ask()
    shown = unplugged.show_offline(offline_text(server, payload))
    made = await unplugged.offline_codes(shown, PIN)

    assert (shown.id, shown.request.text) == (FIRST, payload["text"])
    assert shown.request.documents[0].content.name == "contract.pdf"
    assert made.confirm == expected(unplugged, payload, "confirm/")
    assert made.decline == expected(unplugged, payload, "decline/")


async def test_the_request_is_read_from_a_capture_of_the_screen(server, unplugged):
    payload = server.ask()
    picture = screen(qr(offline_text(server, payload), scale=5), at=(300, 60))

    assert unplugged.show_offline(text_of(encoded(picture))).request.text == payload["text"]


@pytest.mark.parametrize(("verification", "number"), [(NUMBERS, "42"), (COMPARE, "0417")])
async def test_the_number_of_the_page_goes_into_the_code_to_confirm_alone(server, unplugged, verification, number):
    payload = server.ask(verification=verification)
    shown = unplugged.show_offline(offline_text(server, payload))
    made = await unplugged.offline_codes(shown, PIN, number)

    assert made.confirm == expected(unplugged, payload, f"confirm/{number}")
    assert made.decline == expected(unplugged, payload, "decline/")
    assert await unplugged.offline_decline(shown, PIN) == made.decline


@pytest.mark.parametrize(
    ("verification", "number"),
    [(NUMBERS, None), (NUMBERS, "18"), (COMPARE, None), (COMPARE, "0418"), ({"mode": "none"}, "42")],
)
async def test_a_number_that_the_request_does_not_ask_for_makes_no_code(server, unplugged, verification, number):
    """T29."""
    shown = unplugged.show_offline(offline_text(server, server.ask(verification=verification)))

    with pytest.raises(BadInput):
        await unplugged.offline_codes(shown, PIN, number)


async def test_a_wrong_pin_makes_other_codes_and_the_phone_cannot_tell(server, unplugged):
    """T50."""
    payload = server.ask()
    shown = unplugged.show_offline(offline_text(server, payload))
    right, wrong = await unplugged.offline_codes(shown, PIN), await unplugged.offline_codes(shown, OTHER_PIN)
    twisted = await unplugged.offline_codes(shown, PIN, misbehave=Misbehaviour(wrong_pin=True))

    assert wrong.confirm == expected(unplugged, payload, "confirm/", OTHER_PIN)
    assert len({right.confirm, wrong.confirm, twisted.confirm}) == 3


async def test_the_codes_of_one_request_are_of_no_use_for_another(server, unplugged):
    """T50."""
    shown = [unplugged.show_offline(offline_text(server, server.ask(id))) for id in (FIRST, SECOND)]
    first, second = [await unplugged.offline_codes(one, PIN) for one in shown]

    assert len({first.confirm, first.decline, second.confirm, second.decline}) == 4


async def test_a_request_by_another_key_than_the_pinned_one_is_refused(server, unplugged):
    """T50."""
    payload = server.ask()
    server.channel = new_key()

    with pytest.raises(Difference, match="signature"):
        unplugged.show_offline(offline_text(server, payload))


async def test_a_request_that_was_altered_is_refused(server, unplugged):
    """T50."""
    payload = server.ask()
    signature = read_offline_request(offline_text(server, payload)).signature
    altered = OfflineRequest(canonical(payload | {"text": "Please sign another"}), signature)

    with pytest.raises(Difference, match="signature"):
        unplugged.show_offline(altered.text())


@pytest.mark.parametrize(
    "changes",
    [
        *({"server": "https://evil.example"}, {"signer": {"id": CREDENTIAL, "login": "bob", "name": "Bob"}}),
        *({"transaction": "7"}, {"transaction": 7}, {"kind": "other"}, {"text": "a\u202eb"}, {"more": 1}),
        *({"verification": {"mode": "other"}}, {"expires": "2020-01-01T00:00:00Z"}, {"documents": []}),
    ],
)
async def test_a_request_that_fails_a_check_is_refused_as_with_a_connection(server, unplugged, changes):
    payload = server.ask() | changes

    with pytest.raises(Difference):
        unplugged.show_offline(offline_text(server, payload))


async def test_a_signed_payload_that_is_no_object_is_refused(server, unplugged):
    with pytest.raises(Difference):
        unplugged.show_offline(offline_text(server, [USER]))


async def test_a_request_whose_time_is_over_makes_no_code(server, unplugged):
    shown = unplugged.show_offline(offline_text(server, server.ask()))
    server.clock.move(300)

    with pytest.raises(Difference, match="expired"):
        await unplugged.offline_codes(shown, PIN)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"credential": KEY | {"password": RECIPE}}, "takes more than a code"),
        ({"relock": True}, "takes more than a code"),
        ({"kind": "session", "session": {"signatures": 2, "minutes": 3}, "documents": []}, "takes more than a code"),
        ({"credential": KEY | {"id": OTHER_CREDENTIAL}}, "no offline secret"),
        ({"policy": {"answer_by": ["biometric"]}}, "PIN"),
        ({"documents": [], "batch": {"count": 101, "root": b64(bytes(32))}}, "names no documents"),
    ],
)
async def test_a_request_that_takes_more_than_a_code_makes_none(server, unplugged, changes, why):
    shown = unplugged.show_offline(offline_text(server, server.ask(**changes)))

    with pytest.raises(BadInput, match=why):
        await unplugged.offline_codes(shown, PIN)


@pytest.mark.parametrize("pin", ["", "PIN", "12 345"])
async def test_what_cannot_be_a_pin_makes_no_code(server, unplugged, pin):
    shown = unplugged.show_offline(offline_text(server, server.ask()))

    with pytest.raises(BadInput, match="PIN"):
        await unplugged.offline_codes(shown, pin)


def test_a_phone_that_is_not_enrolled_shows_nothing(server, tmp_path):
    with pytest.raises(StoreFault):
        server.phone(tmp_path / "new").show_offline(offline_text(server, server.ask()))
