"""The commands by which a phone reads a requester's page, and those of sessions and blocks."""

import asyncio
import json
import re
from contextlib import nullcontext

import pytest
from typer.testing import CliRunner, Result

from mobile_mock.cli import scan, session
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit.mock_offline import set_up
from tests.unit.mock_pages import CODE, LINK, LINKS, encoded, offline_text, qr, screen
from tests.unit.mock_server import APPLICATION, CREDENTIAL, FIRST, PIN, SECOND, FakeServer, b64, problem

CONTRACTS = {"id": APPLICATION, "name": "Contracts Ltd"}
SESSION = {
    "id": FIRST,
    "relying_application": CONTRACTS,
    "credential": CREDENTIAL,
    "signatures": 40,
    "used": 3,
    "started": "2026-03-02T09:00:00Z",
    "expires": "2026-03-02T09:30:00Z",
}
COMPARE = {"mode": "compare", "code": "0417"}
CHOOSE = {"mode": "choose", "numbers": ["17", "42", "93"], "commitment": CODE}


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    asyncio.run(prepare(server, tmp_path / "phone"))
    server.pages[f"POST {LINKS}"] = {"transaction": FIRST}
    server.sent.clear()
    return server


async def prepare(server: FakeServer, folder) -> None:
    await set_up(server, await server.with_share(folder))


@pytest.fixture
def run(server, tmp_path):
    def command(*arguments: str, **more) -> Result:
        variables = {"MOBILE_MOCK_STORE": str(tmp_path / "phone"), "MOBILE_MOCK_PIN": PIN}
        return CliRunner().invoke(app, arguments, env=variables, **more)

    return command


def facts(result: Result, exit: Exit = Exit.DONE) -> list[dict]:
    assert result.exit_code == exit, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def codes_sent(server: FakeServer) -> list[str]:
    return [body["code"] for path, body in server.sent if path == LINKS]


# --- scan ---


@pytest.mark.parametrize("by", ["text", "picture", "piped text", "piped picture"])
def test_scan_opens_the_transaction_of_a_code_and_shows_it(server, run, tmp_path, by):
    server.ask()
    picture = encoded(screen(qr(LINK), dark=True))
    (tmp_path / "screen.png").write_bytes(picture)
    source = {"text": LINK, "picture": str(tmp_path / "screen.png")}.get(by, "-")
    piped = {"piped text": f"{LINK}\n".encode(), "piped picture": picture}.get(by)

    opened, shown = facts(run("scan", source, "--json", input=piped))
    assert opened == {"transaction": FIRST, "scanned": True}
    assert (shown["transaction"], shown["kind"]) == (FIRST, "sign")
    assert codes_sent(server) == [CODE]


def test_what_was_scanned_is_confirmed_like_any_other(server, run):
    server.ask()

    assert "Contracts Ltd" in run("scan", LINK).stdout
    assert run("confirm", FIRST).exit_code == Exit.DONE


@pytest.mark.parametrize(("status", "reason"), [(404, "not_found"), (410, "expired")])
def test_a_refused_code_is_told(server, run, status, reason):
    server.refuse = lambda path: problem(status, reason) if path == LINKS else None

    (fault,) = facts(run("scan", LINK, "--json"), Exit.REFUSED)
    assert (fault["status"], fault["reason"]) == (status, reason)


@pytest.mark.parametrize("arguments", [(), ("absent.png",), (LINK, "--watch", "screen.png"), ("-",)])
def test_scan_without_one_source_of_a_code_is_refused(run, arguments):
    assert run("scan", *arguments, input="").exit_code == Exit.USAGE


def test_a_tester_sends_a_code_late_forged_and_twice(server, run):
    server.ask()
    late, forged, twice, *_ = facts(run("scan", LINK, "--after", "4", "--forge", "--again", "2", "--json"))

    assert late == {"misbehaviour": "sends the code 4 s late"}
    assert forged == {"misbehaviour": "sends a forged code"}
    assert twice == {"misbehaviour": "sends the code a second time after 2 s"}
    first, second = codes_sent(server)
    assert first == second != CODE


# --- scan --watch ---


@pytest.fixture
def captures(monkeypatch, tmp_path):
    """Make the picture another one each time that the phone looks; the last one stays. None: nothing is written."""

    def play(*pictures: bytes | None) -> str:
        left, file = list(pictures), tmp_path / "screen.png"

        def look(looked_at):
            if left and (picture := left.pop(0)) is not None:
                file.write_bytes(picture)
            return looked_at.read_bytes() if looked_at.exists() else b""

        monkeypatch.setattr(scan, "_content", look)
        monkeypatch.setattr(scan, "STEP", 0)
        return str(file)

    return play


def test_watch_reads_the_picture_until_a_code_is_fresh(server, run, captures):
    server.ask()
    stale, fresh = LINK.replace(CODE, "A" * 43), LINK
    pictures = [encoded(screen(qr(text))) for text in (stale, fresh)]
    file = captures(None, b"", pictures[0][:3000], pictures[0], pictures[0], encoded(screen(qr("other"))), pictures[1])
    server.refuse = lambda path: problem(410, "expired") if path == LINKS and len(codes_sent(server)) == 1 else None

    opened, _ = facts(run("scan", "--watch", file, "--json"))
    assert opened["transaction"] == FIRST
    assert codes_sent(server) == ["A" * 43, CODE]


def test_watch_stops_at_any_other_refusal(server, run, captures):
    server.refuse = lambda path: problem(429, "too_many") if path == LINKS else None

    assert run("scan", "--watch", captures(encoded(qr(LINK)))).exit_code == Exit.REFUSED


def test_watch_ends_when_its_time_is_over(server, run, tmp_path):
    result = run("scan", "--watch", str(tmp_path / "absent.png"), "--for", "0")

    assert result.exit_code == Exit.NOTHING
    assert codes_sent(server) == []


# --- offline ---


def test_offline_shows_the_request_and_prints_both_codes(server, run):
    text = offline_text(server, server.ask())
    server.calls.clear()
    told = run("offline", text).stdout

    assert "Contracts Ltd" in told
    assert "The documents were not seen" in told
    assert "it agrees" not in told
    assert re.search(r"To confirm  \d{8}\nTo decline  \d{8}\n", told)
    assert server.calls == []


def test_offline_tells_a_program_what_was_not_seen_and_the_codes(server, run):
    shown, made = facts(run("offline", offline_text(server, server.ask()), "--json"))

    assert shown["documents"][0]["seen"] is False
    assert set(made["codes"]) == {"confirm", "decline"}


def test_a_scan_of_a_request_for_a_phone_without_a_connection_prints_codes_too(server, run, tmp_path):
    text = offline_text(server, server.ask())
    (tmp_path / "screen.png").write_bytes(encoded(screen(qr(text, scale=5), at=(300, 60))))

    assert run("scan", str(tmp_path / "screen.png")).stdout == run("offline", text).stdout
    assert codes_sent(server) == []


@pytest.mark.parametrize(
    ("verification", "right", "wrong", "end"),
    [
        (COMPARE, ("--number", "0417"), ("--number", "0418"), Exit.FAILED),
        (CHOOSE, ("--number", "42"), ("--number", "18"), Exit.USAGE),
        ({"mode": "none"}, (), ("--number", "42"), Exit.USAGE),
    ],
)
def test_the_number_of_the_page_is_given_where_the_request_asks_for_it(server, run, verification, right, wrong, end):
    """T29."""
    text = offline_text(server, server.ask(verification=verification))

    assert run("offline", text, *right).exit_code == Exit.DONE
    assert run("offline", text, *wrong).exit_code == end


def test_a_code_that_differs_leaves_only_the_code_to_decline(server, run):
    text = offline_text(server, server.ask(verification=COMPARE))
    _, differs = facts(run("offline", text, "--number", "0418", "--json"), Exit.FAILED)
    _, declined = facts(run("offline", text, "--decline", "--json"))

    assert differs == declined
    assert set(declined["codes"]) == {"decline"}


def test_a_tester_gives_codes_of_a_wrong_pin_and_of_the_other_decision(server, run):
    """T50."""
    text = offline_text(server, server.ask())
    _, right = facts(run("offline", text, "--json"))
    *_, wrong = facts(run("offline", text, "--wrong-pin", "--json"))
    *_, swapped = facts(run("offline", text, "--swap", "--json"))

    assert wrong["codes"]["confirm"] != right["codes"]["confirm"]
    assert swapped["codes"] == {"confirm": right["codes"]["decline"], "decline": right["codes"]["confirm"]}


# --- sessions ---


def test_a_session_is_shown_clearly_and_confirmed(server, run):
    server.after_answer = "confirmed"
    server.ask(kind="session", session={"signatures": 40, "minutes": 30}, documents=[])
    told = run("confirm", FIRST, "--wait", "0").stdout

    for line in ("up to 40 signatures within 30 minutes", "nothing of what will be signed is shown", CREDENTIAL):
        assert line in told
    assert "Contracts Ltd" in told


def test_sessions_lists_those_that_go_on_and_end_session_ends_one(server, run):
    server.pages["GET /device/v1/sessions"] = {"sessions": [SESSION]}
    server.pages[f"POST /device/v1/sessions/{FIRST}/end"] = {"state": "signed"}

    assert f"{FIRST}  Contracts Ltd: 3 of 40 signatures made" in run("sessions").stdout
    assert facts(run("sessions", "--json")) == [SESSION]
    assert facts(run("end-session", FIRST, "--json")) == [{"session": FIRST, "state": "signed"}]
    assert "The session has ended" in run("end-session", FIRST).stdout


def test_without_sessions_or_blocks_the_commands_say_so(server, run):
    server.pages |= {"GET /device/v1/sessions": {"sessions": []}, "GET /device/v1/blocks": {"blocks": []}}

    assert run("sessions").exit_code == run("blocks").exit_code == Exit.NOTHING


# --- blocks, and the changes ---


def test_blocks_lists_the_applications_that_may_not_ask(server, run):
    block = {"relying_application": CONTRACTS, "blocked": "2026-03-02T09:00:00Z"}
    server.pages["GET /device/v1/blocks"] = {"blocks": [block]}

    assert f"{APPLICATION}  Contracts Ltd: may not ask since 2026-03-02T09:00:00Z" in run("blocks").stdout
    assert facts(run("blocks", "--json")) == [block]


def test_change_allow_lets_an_application_ask_again(server, run):
    server.opens = SECOND
    server.ask_to_change("allow", SECOND, relying_application=CONTRACTS)
    opened, shown, ended = facts(run("change", "allow", "--relying-application", APPLICATION, "--json"))

    assert opened["transaction"] == SECOND
    assert shown["change"]["relying_application"] == CONTRACTS
    assert ended["state"] == "signed"


def test_status_tells_which_keys_have_codes_and_no_secret(server, run, tmp_path):
    secret = server.phone(tmp_path / "phone").kept().offline[CREDENTIAL].secret
    (told,) = facts(run("status", "--json"))

    assert told["offline"] == [CREDENTIAL]
    assert b64(secret) not in json.dumps(told)
