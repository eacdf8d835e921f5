"""docs/device-protocol.md sections 4 and 5: a code or a number ties the phone to the requester's page."""

import asyncio
import json
from contextlib import nullcontext, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.errors import BadInput, Difference
from mobile_mock.exits import Exit
from mobile_mock.main import app
from mobile_mock.request import Expected, read_request
from mobile_mock.verification import Verification
from tests.unit.mock_server import BASE, DEVICE, FIRST, PIN, USER, FakeServer, b64, canonical

EXPECTED = Expected(BASE, FIRST, USER, DEVICE)
COMMITMENT = b64(b"c" * 32)
COMPARE = {"mode": "compare", "code": "4821"}
CHOOSE = {"mode": "choose", "numbers": ["41", "07", "88"], "commitment": COMMITMENT}


def read(verification) -> Verification:
    server = FakeServer()
    payload = canonical(server.ask(verification=verification))
    return read_request(payload, EXPECTED, server.clock.now()).verification


# --- the request ---


def test_each_mode_of_the_protocol_is_understood():
    assert read({"mode": "none"}) == Verification()
    assert read(COMPARE) == Verification("compare", code="4821")
    assert read(CHOOSE) == Verification("choose", numbers=("41", "07", "88"), commitment=b"c" * 32)


@pytest.mark.parametrize(
    "verification",
    [
        *(7, [], {}, {"mode": 7}, {"mode": ["none"]}, {"mode": "number"}, {"mode": "none", "number": 42}),
        *({"mode": "compare"}, {**COMPARE, "numbers": []}, {**CHOOSE, "code": "4821"}, {**CHOOSE, "number": "41"}),
        *({**COMPARE, "code": code} for code in ("482", "48211", "482a", "\uff14\uff18\uff12\uff11", "4821\n", 4821)),
        *({**CHOOSE, "numbers": numbers} for numbers in ([], ["41", "07"], ["41", "07", "88", "12"], "410788")),
        *({**CHOOSE, "numbers": ["41", "07", other]} for other in ("41", "8", "888", 88, "\u0668\u0668", "8 ")),
        *({**CHOOSE, "commitment": value} for value in (b64(b"c" * 31), b64(b"c" * 33), 7, "")),
    ],
    ids=str,
)
def test_a_verification_in_another_form_is_refused(verification):
    """T29: a mode that the phone does not know is refused, never taken for one that asks less."""
    with pytest.raises(Difference):
        read(verification)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["none", "compare", "choose", "41", "07", "4821"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["mode", "code", "numbers", "commitment"]), inner)
    ),
    max_leaves=8,
).filter(lambda value: value is not None)


@given(JSON | st.builds(lambda changes: {**CHOOSE, **changes}, st.dictionaries(st.sampled_from([*CHOOSE]), JSON)))
def test_whatever_stands_in_a_verification_is_read_or_refused_and_nothing_else_happens(verification):
    """No other exception than Difference leaves the reader."""
    with suppress(Difference, ValueError):  # a number of more than 53 bits cannot be written
        assert read(verification).mode in {"none", "compare", "choose"}


# --- the answer ---


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


@pytest.mark.parametrize(("verification", "number"), [(COMPARE, "4821"), (CHOOSE, "07"), (CHOOSE, "88")])
async def test_the_answer_carries_what_the_person_saw_on_the_requesters_page(server, phone, verification, number):
    server.ask(verification=verification)
    await phone.confirm(await phone.show(FIRST), PIN, number=number)

    assert server.answers()[0]["number"] == number


async def test_where_nothing_is_asked_for_the_answer_has_no_number(server, phone):
    server.ask()
    await phone.confirm(await phone.show(FIRST), PIN)

    assert "number" not in server.answers()[0]


@pytest.mark.parametrize(
    ("verification", "number"),
    [(COMPARE, None), (COMPARE, "4822"), (COMPARE, ""), (CHOOSE, None), (CHOOSE, "42"), (CHOOSE, "7"), (CHOOSE, "")],
)
async def test_the_phone_never_answers_by_less_than_the_request_asks_for(server, phone, verification, number):
    """T14, T29: the phone itself is a second guard of the mode."""
    server.ask(verification=verification)
    shown = await phone.show(FIRST)
    with pytest.raises(BadInput):
        await phone.confirm(shown, PIN, number=number)
    with pytest.raises(BadInput):
        await phone.prepare(shown, PIN, number=number)

    assert server.sent == []


async def test_the_phone_says_no_number_that_is_not_asked_for(server, phone):
    server.ask()
    with pytest.raises(BadInput):
        await phone.confirm(await phone.show(FIRST), PIN, number="41")


async def test_a_refusal_names_its_cause_and_no_number(server, phone):
    server.ask(verification=COMPARE)
    await phone.decline(await phone.show(FIRST), cause="code_differs")

    claims = server.answers()[0]
    assert (claims["decision"], claims["cause"]) == ("decline", "code_differs")
    assert not {"number", "reason"} & set(claims)


@pytest.mark.parametrize("cause", ["code_differs", "other", ""])
async def test_a_cause_that_the_request_cannot_be_declined_for_is_not_sent(server, phone, cause):
    server.ask(verification=CHOOSE)
    with pytest.raises(BadInput):
        await phone.decline(await phone.show(FIRST), cause=cause)

    assert server.sent == []


# --- the command line ---


@pytest.fixture
def line(server, tmp_path):
    asyncio.run(server.with_share(tmp_path))

    def run(*arguments: str, typed: str = "") -> Result:
        variables = {"MOBILE_MOCK_STORE": str(tmp_path), "MOBILE_MOCK_PIN": PIN}
        return CliRunner().invoke(app, arguments, input=typed, env=variables)

    return run


def test_the_code_is_shown_and_compared_with_the_one_of_the_page(server, line):
    server.ask(verification=COMPARE)
    result = line("confirm", FIRST, "--code", "4821")

    assert (result.exit_code, server.answers()[0]["number"]) == (Exit.DONE, "4821")
    assert "Code         4821" in result.stdout


@pytest.mark.parametrize("arguments", [("--code", "4812"), ()], ids=["by an option", "as the person says"])
def test_another_code_on_the_page_declines_the_request_and_says_why(server, line, arguments):
    server.ask(verification=COMPARE)
    server.after_answer = "declined"
    result = line("confirm", FIRST, *arguments, typed="n\n")

    assert result.exit_code == Exit.FAILED
    assert "The codes differ: declined" in result.stdout
    assert (server.answers()[0]["decision"], server.answers()[0]["cause"]) == ("decline", "code_differs")


def test_the_person_is_asked_whether_the_codes_are_the_same(server, line):
    server.ask(verification=COMPARE)
    result = line("confirm", FIRST, typed="y\n")

    assert (result.exit_code, server.answers()[0]["number"]) == (Exit.DONE, "4821")
    assert "Does the requester's page show 4821 too?" in result.stderr


def test_the_three_numbers_are_offered_in_their_order_and_one_is_chosen(server, line):
    server.ask(verification=CHOOSE)
    result = line("confirm", FIRST, typed="07\n")

    assert (result.exit_code, server.answers()[0]["number"]) == (Exit.DONE, "07")
    assert "Numbers      41, 07, 88" in result.stdout


def test_the_number_may_come_by_an_option(server, line):
    server.ask(verification=CHOOSE)

    assert line("confirm", FIRST, "--number", "88").exit_code == Exit.DONE
    assert server.answers()[0]["number"] == "88"


def test_a_wrong_choice_ends_the_transaction_with_its_own_code(server, line):
    """T14: the server says so; the phone cannot know which number is right."""
    server.ask(verification=CHOOSE)
    server.after_answer = "cancelled"

    result = line("confirm", FIRST, "--number", "41")

    assert (result.exit_code, "it is cancelled now" in result.stdout) == (Exit.FAILED, True)


@pytest.mark.parametrize(
    ("verification", "arguments"),
    [
        *((CHOOSE, ("--number", "42")), (CHOOSE, ("--code", "4821")), (COMPARE, ("--number", "4821"))),
        *(({"mode": "none"}, ("--number", "41")), ({"mode": "none"}, ("--code", "4821"))),
    ],
    ids=str,
)
def test_a_number_that_was_not_offered_or_asked_for_is_not_sent(server, line, verification, arguments):
    server.ask(verification=verification)

    assert line("confirm", FIRST, *arguments).exit_code == Exit.USAGE
    assert server.sent == []


@pytest.mark.parametrize("verification", [{"mode": "none"}, COMPARE, CHOOSE], ids=lambda value: value["mode"])
def test_a_program_is_told_the_verification(server, line, verification):
    server.ask(verification=verification)
    told = json.loads(line("show", FIRST, "--json").stdout)["verification"]

    assert told == verification | ({"commitment": (b"c" * 32).hex()} if verification == CHOOSE else {})


@pytest.mark.parametrize("cause", ["not_me", "wrong_data"])
def test_decline_tells_the_cause_with_or_without_a_reason(server, line, cause):
    for more in ((), ("--reason", "Not today")):
        server.ask()
        assert line("decline", FIRST, "--cause", cause, *more).exit_code == Exit.DONE

    first, second = server.answers()
    assert (first["cause"], "reason" in first) == (cause, False)
    assert (second["cause"], second["reason"]) == (cause, "Not today")
