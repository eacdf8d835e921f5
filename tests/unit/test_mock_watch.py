"""`mobile-mock watch`: a phone that answers by rules."""

import asyncio
import json
import os
import signal
from contextlib import nullcontext

import httpx
import pytest
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.cli import watch as module
from mobile_mock.cli.verifying import written_number
from mobile_mock.errors import Difference
from mobile_mock.exits import Exit
from mobile_mock.showing import read_news
from tests.unit.mock_batch import bare
from tests.unit.mock_server import APPLICATION, FIRST, PIN, SECOND, THIRD, FakeServer, b64, problem

COMPARE = {"mode": "compare", "code": "4821"}
CHOOSE = {"mode": "choose", "numbers": ["41", "07", "88"], "commitment": b64(b"c" * 32)}


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server with a phone that holds a share of one key."""
    server = FakeServer()
    asyncio.run(server.with_share(tmp_path))
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
def watch(server, tmp_path):
    def run(*arguments: str) -> Result:
        return CliRunner().invoke(module.app, [*arguments, "--store", str(tmp_path), "--pin", PIN])

    return run


def test_all_that_waits_is_confirmed(server, watch):
    server.ask(FIRST)
    server.ask(THIRD)

    assert watch("--confirm-all", "--once").exit_code == Exit.DONE

    assert [(claims["txn"], claims["decision"]) for claims in server.answers()] == [
        (FIRST, "confirm"),
        (THIRD, "confirm"),
    ]


def test_all_that_waits_is_declined_with_a_reason(server, watch):
    server.ask()

    assert watch("--decline-all", "--reason", "On holiday", "--once").exit_code == Exit.DONE
    assert server.answers()[0]["reason"] == "On holiday"


def test_only_requests_of_the_named_application_are_answered(server, watch):
    server.ask(FIRST, relying_application={"id": APPLICATION, "name": "Another Ltd"})
    server.ask(THIRD)

    watch("--confirm-all", "--relying-application", "Contracts Ltd", "--once")

    assert [claims["txn"] for claims in server.answers()] == [THIRD]


def test_without_a_rule_requests_are_shown_and_not_answered(server, watch):
    server.ask()
    result = watch("--once")

    assert (result.exit_code, "contract.pdf" in result.stdout, server.sent) == (Exit.DONE, True, [])


def test_what_does_not_pass_the_checks_is_not_answered_and_the_next_one_is(server, watch):
    """T03."""
    server.ask(FIRST, text="pay\u202efdp")
    server.ask(THIRD)

    result = watch("--confirm-all", "--once")

    assert [claims["txn"] for claims in server.answers()] == [THIRD]
    assert "U+202E" in result.stderr


def test_the_end_of_the_newest_request_is_the_end_of_the_watch(server, watch):
    server.ask(FIRST, text="pay\u202efdp")
    assert watch("--confirm-all", "--once").exit_code == Exit.DIFFERENCE


def test_a_request_that_became_visible_after_a_newer_one_is_not_overlooked(server, watch):
    """Ids are made before they are committed: an older one may appear later."""
    server.ask(THIRD)

    def late(path: str) -> None:
        if path.endswith(f"{THIRD}/answer"):
            server.ask(FIRST)

    server.refuse = late
    watch("--confirm-all", "--for", "0.2")

    assert [claims["txn"] for claims in server.answers()] == [THIRD, FIRST]


# --- what is gone ---


def test_what_awaits_an_answer_no_more_is_taken_off_the_list_and_told(server, watch):
    """T38: it ended elsewhere, by another phone or by its time."""
    server.ask(FIRST)
    server.ask(THIRD)
    polls = []

    def poll(path: str) -> None:
        if path.endswith("/transactions"):
            polls.append(server.calls[-1].url.params.get("known", ""))
            if len(polls) == 2:
                server.states[FIRST] = "expired"

    server.refuse = poll
    result = watch("--for", "1.5")

    assert polls[:2] == ["", f"{FIRST},{THIRD}"]
    assert polls[2] == THIRD
    assert result.stdout.count(f"Transaction {FIRST} awaits an answer no more") == 1
    assert f"Transaction {THIRD} awaits an answer no more" not in result.stdout


def test_a_program_is_told_what_is_gone(server, watch):
    server.ask()

    def poll(path: str) -> None:
        if server.calls[-1].url.params.get("known"):
            server.states[FIRST] = "cancelled"

    server.refuse = poll
    facts = [json.loads(line) for line in watch("--json", "--for", "0.3").stdout.splitlines()]

    assert {"transaction": FIRST, "gone": True} in facts


def test_what_the_phone_answered_itself_is_not_told_as_gone(server, watch):
    server.ask()
    result = watch("--confirm-all", "--for", "0.3")

    assert server.calls[-1].url.params.get("known") is None, "it is off the list"
    assert "no more" not in result.stdout


@pytest.mark.parametrize("gone", [7, [7], ["x"], [FIRST] * 101, None], ids=str)
def test_a_list_of_what_is_gone_in_another_form_is_refused(gone):
    with pytest.raises(Difference):
        read_news({"transactions": [], "gone": gone})


# --- verification, causes, and some documents ---


@pytest.mark.parametrize(("verification", "shown"), [(COMPARE, "4821"), (CHOOSE, "07")])
def test_the_number_of_the_page_comes_by_an_option(server, watch, verification, shown):
    server.ask(verification=verification)

    assert watch("--confirm-all", "--number", shown, "--once").exit_code == Exit.DONE
    assert server.answers()[0]["number"] == shown


def test_the_numbers_of_the_pages_come_from_a_file_each_by_its_transaction(server, watch, tmp_path):
    server.ask(FIRST, verification=CHOOSE)
    server.ask(THIRD, verification=COMPARE)
    (tmp_path / "pages").write_text(f"{FIRST} 41\n\n{THIRD} 4821\n{FIRST} 88\n{SECOND} 07\nno line of it\n")

    assert watch("--confirm-all", "--number-from", str(tmp_path / "pages"), "--once").exit_code == Exit.DONE
    assert [(claims["txn"], claims["number"]) for claims in server.answers()] == [(FIRST, "88"), (THIRD, "4821")]


def test_a_number_that_is_not_written_yet_is_waited_for(server, watch, tmp_path, monkeypatch):
    server.ask(verification=CHOOSE)
    file, looks = tmp_path / "pages", []

    def looked(path, transaction):
        looks.append(transaction)
        if len(looks) == 2:
            file.write_text(f"{FIRST} 41\n")
        return written_number(path, transaction)

    monkeypatch.setattr(module, "written_number", looked)
    monkeypatch.setattr(module, "STEP", 0)

    assert watch("--confirm-all", "--number-from", str(file), "--once").exit_code == Exit.DONE
    assert (server.answers()[0]["number"], looks) == ("41", [FIRST, FIRST])


def test_a_number_that_is_never_written_is_not_waited_for_beyond_the_request(server, watch, tmp_path, monkeypatch):
    server.ask(verification=CHOOSE)
    monkeypatch.setattr(module, "written_number", lambda path, transaction: server.clock.move(100))
    monkeypatch.setattr(module, "STEP", 0)

    assert watch("--confirm-all", "--number-from", str(tmp_path / "pages"), "--once").exit_code == Exit.USAGE
    assert server.sent == []


def test_without_the_number_that_is_asked_for_nothing_is_confirmed(server, watch):
    """T29."""
    server.ask(FIRST, verification=CHOOSE)
    server.ask(THIRD)
    result = watch("--confirm-all", "--once")

    assert [claims["txn"] for claims in server.answers()] == [THIRD]
    assert "--number" in result.stderr


def test_another_code_on_the_page_is_declined_with_its_cause(server, watch):
    server.ask(verification=COMPARE)
    watch("--confirm-all", "--number", "4812", "--once")

    assert (server.answers()[0]["decision"], server.answers()[0]["cause"]) == ("decline", "code_differs")


def test_some_documents_are_not_signed(server, watch):
    server.ask(documents=[bare(index) for index in range(4)])
    watch("--confirm-all", "--decline-document", "0,2-3", "--once")

    assert server.answers()[0]["declined_documents"] == [0, 2, 3]


def test_all_that_waits_is_declined_with_a_cause(server, watch):
    server.ask()
    watch("--decline-all", "--cause", "not_me", "--once")

    assert server.answers()[0]["cause"] == "not_me"


# --- when it stops ---


def test_both_rules_at_once_are_refused(server, watch):
    assert watch("--confirm-all", "--decline-all").exit_code == Exit.USAGE


def test_when_the_time_is_over_and_nothing_came_the_code_says_so(server, watch):
    assert watch("--for", "0.05").exit_code == Exit.NOTHING


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_in_the_middle_of_an_answer_lets_it_end_and_then_stops(server, watch, number):
    server.ask()

    def stop(path: str) -> None:
        if path.endswith("/answer"):
            os.kill(os.getpid(), number)

    server.refuse = stop
    result = watch("--confirm-all")

    assert (result.exit_code, f"Answered {FIRST} with confirm; it is signed now" in result.stdout) == (Exit.DONE, True)


@pytest.mark.parametrize("fault", ["unreachable", 503, 429])
def test_a_server_that_is_away_for_a_moment_is_asked_again(server, watch, monkeypatch, fault):
    monkeypatch.setattr(module, "FIRST_PAUSE", 0)
    server.ask()
    server.calls.clear()

    def away(path: str) -> httpx.Response | None:
        if len(server.calls) > 2:
            return None
        if fault == "unreachable":
            raise httpx.ConnectError("")
        return problem(fault, "unavailable")

    server.refuse = away

    assert watch("--confirm-all", "--once").exit_code == Exit.DONE
    assert [claims["txn"] for claims in server.answers()] == [FIRST]


def test_a_server_that_refuses_the_phone_ends_the_watch(server, watch):
    server.refuse = lambda path: problem(401, "unauthenticated")

    assert watch("--confirm-all").exit_code == Exit.REFUSED


def test_an_answered_request_is_not_answered_again(server, watch):
    server.ask()
    server.after_answer = "awaiting"

    watch("--confirm-all", "--for", "0.1")

    assert [claims["txn"] for claims in server.answers()] == [FIRST]
    assert SECOND not in {id for id, state in server.states.items() if state == "awaiting"}
