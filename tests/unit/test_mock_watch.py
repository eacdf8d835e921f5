"""`mobile-mock watch`: a phone that answers by rules."""

import asyncio
import os
import signal
from contextlib import nullcontext

import httpx
import pytest
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.cli import watch as module
from mobile_mock.exits import Exit
from tests.unit.mock_server import APPLICATION, FIRST, PIN, SECOND, THIRD, FakeServer, problem


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
