"""The command line of the phone: what it prints, and the exit codes that its help lists."""

import json
from contextlib import nullcontext

import httpx
import pytest
import segno
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit import mock_files as files
from tests.unit.mock_server import (
    BASE,
    CODE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    PIN,
    SECOND,
    THIRD,
    FakeServer,
    b64,
    problem,
)


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


class Line:
    """A command line with one phone."""

    def __init__(self, folder) -> None:
        self.folder = folder

    def __call__(self, *arguments: str, typed: str = "", **environment: str) -> Result:
        variables = {"MOBILE_MOCK_STORE": str(self.folder), "MOBILE_MOCK_PIN": PIN, **environment}
        return CliRunner().invoke(app, arguments, input=typed, env=variables)

    def json(self, *arguments: str, **environment: str) -> tuple[int, list[dict]]:
        result = self(*arguments, "--json", **environment)
        return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def line(tmp_path):
    return Line(tmp_path / "phone")


@pytest.fixture
def enrolled(server, line):
    """A command line whose phone has a share of one key."""
    assert line("enrol", "--uri", server.qr(), "--code", CODE).exit_code == Exit.DONE
    server.ask_to_create(SECOND)
    assert line("confirm", SECOND).exit_code == Exit.DONE
    return line


# --- enrol ---


def test_enrol_reads_both_letters(server, line, tmp_path):
    """I11, I12: the QR in one, the code in the other, the default name."""
    segno.make(server.qr()).save(str(tmp_path / "qr.png"), scale=5)
    (tmp_path / "code.txt").write_text("Your code: 7K3M-9Q2X-8WHT-4VNB")

    code, facts = line.json("enrol", "--qr", str(tmp_path / "qr.png"), "--code-letter", str(tmp_path / "code.txt"))

    assert (code, facts[0]["device"], facts[0]["server"]) == (Exit.DONE, DEVICE, BASE)
    assert line.json("status")[1][0]["name"] == "Key 1"


def test_enrol_asks_for_the_code_and_twice_for_the_pin(server, line):
    """I12."""
    typed = f"{CODE}\n{PIN}\n493818\n{PIN}\n{PIN}\n"
    result = line("enrol", "--uri", server.qr(), typed=typed, MOBILE_MOCK_PIN="")

    assert result.exit_code == Exit.DONE, result.output
    assert PIN not in result.output


def test_enrol_refuses_a_default_pin(server, line):
    """F17."""
    result = line("enrol", "--uri", server.qr(), "--code", CODE, "--pin", "12345678")

    assert (result.exit_code, "default" in result.stderr, "12345678" in result.stderr) == (Exit.USAGE, True, False)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--code", CODE),
        ("--uri", "x", "--qr", "y", "--code", CODE),
        ("--uri", "x", "--code", CODE, "--code-letter", "y"),
        ("--uri", "x", "--code", CODE),
        ("--qr", "/nowhere/qr.png", "--code", CODE),
    ],
    ids=["no QR", "two QRs", "two codes", "no enrolment QR", "absent file"],
)
def test_enrol_needs_one_qr_and_one_code(server, line, arguments):
    assert line("enrol", *arguments).exit_code == Exit.USAGE
    assert server.calls == []


def test_a_store_with_a_phone_is_not_enrolled_again(enrolled, server):
    assert enrolled("enrol", "--uri", server.qr(), "--code", CODE).exit_code == Exit.STORE


# --- list, show, status ---


def test_list_shows_what_waits(enrolled, server):
    server.ask(FIRST)

    code, facts = enrolled.json("list")

    assert (code, [fact["id"] for fact in facts]) == (Exit.DONE, [FIRST])
    assert FIRST in enrolled("list", "--wait", "5").stdout


def test_list_says_by_its_exit_code_that_nothing_waits(enrolled):
    assert enrolled("list").exit_code == Exit.NOTHING


def test_show_prints_who_asks_what_they_say_and_what_is_to_be_signed(enrolled, server):
    """I15, T15: the registered name; what the application says stands apart."""
    server.ask()
    shown = enrolled("show", FIRST)

    assert shown.exit_code == Exit.DONE
    for part in ("Contracts Ltd", "Alice Example", "    | by Friday", "contract.pdf", "PAdES-B-B", "ecdsa"):
        assert part in shown.stdout
    assert f"{len(files.ORIGINAL)} bytes" in shown.stdout
    assert f"SHA-256 {files.hashlib.sha256(files.ORIGINAL).hexdigest()}" in shown.stdout


def test_show_tells_a_program_the_same(enrolled, server):
    server.ask()
    code, (fact,) = enrolled.json("show", FIRST)

    assert (code, fact["relying_application"]["name"], fact["state"]) == (Exit.DONE, "Contracts Ltd", "awaiting")
    assert fact["documents"][0]["sha256"] == files.hashlib.sha256(files.ORIGINAL).hexdigest()


def test_show_says_of_bare_hashes_that_their_content_was_not_seen(enrolled, server):
    bare = {"index": 0, "format": "hash", "scheme": "pss-32", "hash_algorithm": "sha256", "to_sign": b64(b"h" * 32)}
    server.ask(documents=[bare])

    assert "content not seen" in enrolled("show", FIRST).stdout
    assert enrolled.json("show", FIRST)[1][0]["documents"][0]["seen"] is False


def test_show_of_a_create_names_the_subject(enrolled, server):
    server.ask_to_create()

    assert (
        "a P-256 key and a certificate for CN=Alice Example,C=UA, valid for 365 days" in enrolled("show", FIRST).stdout
    )
    assert enrolled.json("show", FIRST)[1][0]["credential"]["validity_days"] == 365


def test_show_keeps_the_originals_inside_the_folder_whatever_they_are_called(enrolled, server, tmp_path):
    document = server.ask()["documents"][0] | {"name": "../../contract.pdf"}
    server.ask(documents=[document])
    folder = tmp_path / "saved"

    assert enrolled("show", FIRST, "--save", str(folder)).exit_code == Exit.DONE

    (saved,) = folder.iterdir()
    assert (saved.name, saved.read_bytes()) == ("0-.._.._contract.pdf", files.ORIGINAL)


def test_show_ends_with_its_own_code_on_a_difference(enrolled, server, tmp_path):
    """T03."""
    server.ask(text="pay\u202efdp")

    shown = enrolled("show", FIRST, "--save", str(tmp_path / "saved"))

    assert (shown.exit_code, shown.stdout) == (Exit.DIFFERENCE, "")
    assert enrolled.json("show", FIRST)[1][0]["error"] == "difference"
    assert not (tmp_path / "saved").exists()


def test_markup_in_what_a_server_says_is_printed_as_it_is(enrolled, server):
    """T04: nothing is interpreted."""
    server.ask(text="[red]{x}[/red] [link=https://evil.example]here[/link]")

    assert "[red]{x}[/red] [link=https://evil.example]here[/link]" in enrolled("show", FIRST).stdout


def test_status_shows_no_secret(enrolled):
    code, (fact,) = enrolled.json("status")

    assert (code, fact["credentials"], fact["counter"], fact["biometric"]) == (Exit.DONE, [CREDENTIAL], 1, False)
    assert not {"signature_key", "encryption_key", "shares", "salt", "pin_proof"} & set(fact)
    assert "Alice Example (alice)" in enrolled("status").stdout


@pytest.mark.parametrize("id", ["", "7", "../channel-keys/x", FIRST.lower()])
def test_what_cannot_be_a_transaction_is_not_asked_for(enrolled, server, id):
    server.calls.clear()

    assert enrolled("show", id).exit_code == Exit.USAGE
    assert server.calls == []


# --- confirm, decline ---


def test_confirm_shows_then_confirms(enrolled, server):
    server.ask()
    code, facts = enrolled.json("confirm", FIRST)

    assert code == Exit.DONE
    assert facts[0]["documents"][0]["name"] == "contract.pdf"
    assert facts[1] == {"transaction": FIRST, "decision": "confirm", "state": "signed"}


def test_confirm_asks_for_the_pin_after_it_showed_the_request(enrolled, server):
    """I15."""
    server.ask()
    result = enrolled("confirm", FIRST, typed=f"{PIN}\n", MOBILE_MOCK_PIN="")

    assert result.exit_code == Exit.DONE
    assert PIN not in result.output
    assert result.output.index("contract.pdf") < result.output.index("PIN")


def test_confirm_waits_for_the_signature(enrolled, server):
    server.ask()
    server.after_answer = "confirmed"

    assert "it is confirmed now" in enrolled("confirm", FIRST, "--wait", "3").stdout
    assert server.calls[-1].url.params["wait"] == "3"


def test_a_confirmation_that_comes_to_nothing_has_its_own_code(enrolled, server):
    server.ask()
    server.after_answer = "failed"

    assert enrolled("confirm", FIRST).exit_code == Exit.FAILED


def test_decline_tells_the_reason(enrolled, server):
    server.ask()
    server.after_answer = "declined"

    code, facts = enrolled.json("decline", FIRST, "--reason", "Wrong sum")

    assert (code, facts[-1]["state"]) == (Exit.DONE, "declined")
    assert server.answers()[-1]["reason"] == "Wrong sum"


MISBEHAVIOURS = [
    *(("--replay-of", SECOND), ("--swap-transaction", THIRD), ("--alter-binding",), ("--wrong-pin",)),
    *(("--stale-counter",), ("--replay",), ("--late", "7"), ("--wrong-share",), ("--skip-counter",), ("--unnamed",)),
    *(("--strange-number",), ("--skip-number",), ("--unseen",), ("--bad-list", "beyond"), ("--bad-list", "twice")),
]


@pytest.mark.parametrize("switch", MISBEHAVIOURS, ids=" ".join)
def test_each_misbehaviour_is_told_with_the_servers_refusal(enrolled, server, switch):
    server.ask()
    server.refuse = lambda path: problem(403, "answer_refused") if path.endswith("/answer") else None
    if switch == ("--replay",):
        assert enrolled("confirm", FIRST).exit_code == Exit.REFUSED

    told = enrolled("confirm", FIRST, *switch)
    server.ask()
    code, facts = enrolled.json("confirm", FIRST, *switch)

    assert (told.exit_code, "Misbehaving: " in told.stdout) == (Exit.REFUSED, True)
    assert "403 answer_refused" in told.stderr
    assert (code, facts[-1]["status"], facts[-1]["reason"]) == (Exit.REFUSED, 403, "answer_refused")


def test_a_server_that_cannot_be_reached_has_its_own_code(enrolled, server):
    def fail(path: str) -> None:
        raise httpx.ConnectError("no route")

    server.refuse = fail

    assert enrolled("list").exit_code == Exit.UNREACHABLE


def test_without_a_phone_in_the_store_every_command_says_so(server, line):
    for arguments in (("list",), ("show", FIRST), ("confirm", FIRST), ("decline", FIRST), ("status",), ("watch",)):
        assert line(*arguments).exit_code == Exit.STORE
