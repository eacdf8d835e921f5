"""docs/device-protocol.md section 9: the phone tells what has ended of its owner's."""

import asyncio
import json
from contextlib import nullcontext
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.errors import Difference
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit import mock_files as files
from tests.unit.mock_server import (
    APPLICATION,
    CREDENTIAL,
    DEVICE,
    FIRST,
    OTHER_DEVICE,
    SECOND,
    THIRD,
    FakeServer,
    b64,
    sha,
)

LIST = "GET /device/v1/history"
OPENED, ENDED = "2026-03-02T09:00:00Z", "2026-03-02T09:01:00Z"
OTHER = {"id": OTHER_DEVICE, "name": "Old phone"}
DOCUMENT = {
    "name": "contract.pdf",
    "media_type": "application/pdf",
    "size": len(files.ORIGINAL),
    "document_digest": b64(sha(files.ORIGINAL)),
}


def entry(id: str = FIRST, **changes: Any) -> dict[str, Any]:
    """An entry as the server tells it; a member that is changed to None is left out."""
    right = {
        "id": id,
        "kind": "sign",
        "state": "signed",
        "relying_application": {"id": APPLICATION, "name": "Contracts Ltd"},
        "text": "Please sign\nby Friday",
        "documents": [DOCUMENT],
        "credential": CREDENTIAL,
        "opened": OPENED,
        "ended": ENDED,
        "phone": {"id": DEVICE, "name": "My phone"},
        "verification": "pin",
        "evidence": "sealed",
    }
    return {name: value for name, value in {**right, **changes}.items() if value is not None}


def of_kind(kind: str, id: str = FIRST, **changes: Any) -> dict[str, Any]:
    return entry(id, **{"kind": kind, "documents": [], "text": "", **changes})


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
def run(server, tmp_path):
    asyncio.run(server.enrolled(tmp_path / "store"))
    server.calls.clear()

    def command(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"MOBILE_MOCK_STORE": str(tmp_path / "store")})

    return command


@pytest.fixture
async def phone(server, tmp_path):
    return await server.enrolled(tmp_path)


def facts(result: Result) -> list[dict]:
    assert result.exit_code == Exit.DONE, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_history_tells_of_a_signature_all_that_the_server_told(server, run):
    server.pages[LIST] = {"entries": [entry()]}

    told = run("history").stdout
    assert f"{FIRST}  sign with key {CREDENTIAL}: signed, evidence: sealed" in told
    assert f"Contracts Ltd asked at {OPENED}; it ended at {ENDED}" in told
    assert "    | Please sign\n    | by Friday\n" in told
    assert f"contract.pdf, {len(files.ORIGINAL)} bytes, SHA-256 {sha(files.ORIGINAL).hex()}" in told
    assert f"answered on My phone ({DEVICE}), confirmed by pin" in told
    (fact,) = facts(run("history", "--json"))
    assert fact["documents"][0] == {
        "name": "contract.pdf",
        "media_type": "application/pdf",
        "size": len(files.ORIGINAL),
        "sha256": sha(files.ORIGINAL).hex(),
    }
    assert (fact["transaction"], fact["verification"], fact["evidence"], fact["why"]) == (FIRST, "pin", "sealed", "")


KINDS = {
    "a hash": (of_kind("sign", hashes={"count": 7, "format": "hash"}), "7 bare hashes: content not seen"),
    "a key": (of_kind("create"), f"create with key {CREDENTIAL}: done"),
    "a PIN": (of_kind("change", change={"action": "pin"}, credential=None), "change pin: done"),
    "a phone": (
        of_kind("change", change={"action": "remove", "phone": OTHER}, credential=None),
        f"change remove Old phone ({OTHER_DEVICE}): done",
    ),
    "a share": (of_kind("share", share={"phone": OTHER}, credential=None), f"share Old phone ({OTHER_DEVICE}): done"),
    "a batch": (of_kind("sign", batch={"count": 250}, declined=[3, 7]), "    a batch of 250\n    not signed: 3, 7\n"),
    "a choice": (entry(mode="choose"), "confirmed by pin and mode choose"),
    "a comparison": (entry(mode="compare", verification="code"), "confirmed by code and mode compare"),
    "a session": (of_kind("session", session={"signatures": 40, "minutes": 30}), "40 signatures within 30 minutes"),
    "a place": (entry(session={"id": SECOND}, phone=None, verification=None), f"signed in session {SECOND}, without"),
    "a refusal": (entry(state="declined", verification=None, why="Wrong sum"), "why: Wrong sum"),
    "nothing": (entry(state="expired", phone=None, verification=None, evidence="none"), "expired, evidence: none"),
}


@pytest.mark.parametrize(("told", "sentence"), KINDS.values(), ids=KINDS)
def test_history_says_in_plain_words_what_each_was(server, run, told, sentence):
    server.pages[LIST] = {"entries": [told]}

    assert sentence in run("history").stdout
    assert facts(run("history", "--json"))[0]["state"] == told["state"]


@pytest.mark.parametrize(("id", "who"), [("owner", "the owner, on a phone,"), ("operator", "the operator of Acme")])
def test_history_takes_neither_the_owner_nor_the_operator_for_an_application(server, run, id, who):
    """docs/device-protocol.md section 4: the name beside these ids is the server's."""
    server.pages[LIST] = {"entries": [of_kind("create", relying_application={"id": id, "name": "Acme"})]}

    assert f"    {who} asked at {OPENED}; it ended" in run("history").stdout


def test_history_tells_a_program_of_batches_sessions_and_modes(server, run):
    asked = of_kind("session", SECOND, session={"signatures": 40, "minutes": 30})
    signed = of_kind("sign", FIRST, batch={"count": 250}, declined=[3], session={"id": SECOND}, mode="choose")
    server.pages[LIST] = {"entries": [asked, signed]}
    first, second = facts(run("history", "--json"))

    assert (first["session"], first["session_id"]) == ({"signatures": 40, "minutes": 30}, None)
    assert (second["batch"], second["declined"], second["session_id"], second["mode"]) == (250, [3], SECOND, "choose")


def test_history_says_where_it_goes_on_and_goes_on_there(server, run):
    server.pages[LIST] = {"entries": [entry(THIRD), entry(SECOND)], "next": SECOND}

    assert f"It goes on: --after {SECOND}" in run("history", "--limit", "2").stdout
    assert dict(server.calls[-1].url.params) == {"limit": "2"}
    server.pages[LIST] = {"entries": [entry(FIRST)]}
    (last,) = facts(run("history", "--limit", "2", "--after", SECOND, "--json"))
    assert (last["transaction"], dict(server.calls[-1].url.params)) == (FIRST, {"limit": "2", "after": SECOND})


def test_history_says_by_its_exit_code_that_there_is_none(server, run):
    server.pages[LIST] = {"entries": []}

    assert run("history").exit_code == Exit.NOTHING
    assert run("history", "--after", FIRST).exit_code == Exit.NOTHING


@pytest.mark.parametrize("wrong", [("--limit", "0"), ("--limit", "101"), ("--after", "x"), ("--after", "../" + FIRST)])
def test_what_no_page_can_be_is_not_asked_for(server, run, wrong):
    assert run("history", *wrong).exit_code == Exit.USAGE
    assert server.calls == []


WRONG = {
    "not the newest first": {"entries": [entry(FIRST), entry(SECOND)]},
    "one twice": {"entries": [entry(FIRST), entry(FIRST)]},
    "one more than asked": {"entries": [entry(id) for id in (THIRD, SECOND, FIRST)]},
    "one that has not ended": {"entries": [entry(state="awaiting")]},
    "a kind that is not known": {"entries": [entry(kind="batch")]},
    "evidence of another sort": {"entries": [entry(evidence="lost")]},
    "another verification": {"entries": [entry(verification="face")]},
    "a member too many": {"entries": [entry(note="")]},
    "a member too few": {"entries": [entry(text=None)]},
    "a member of another type": {"entries": [entry(documents={})]},
    "a digest that is none": {"entries": [entry(documents=[DOCUMENT | {"document_digest": "AA"}])]},
    "hashes of another format": {"entries": [entry(hashes={"count": 1, "format": "XAdES"})]},
    "no hashes": {"entries": [entry(hashes={"count": 0, "format": "hash"})]},
    "a batch that is a list": {"entries": [entry(batch={"count": 100})]},
    "a batch too large": {"entries": [entry(batch={"count": 10_001})]},
    "declined indexes that are none": {"entries": [entry(declined=[-1])]},
    "a declined index that is true": {"entries": [entry(declined=[True])]},
    "no declined index": {"entries": [entry(declined=[])]},
    "a mode that is not told": {"entries": [entry(mode="none")]},
    "a session without its limits": {"entries": [of_kind("session", session={"id": SECOND})]},
    "limits of a session that was signed in": {"entries": [entry(session={"signatures": 1, "minutes": 1})]},
    "deceptive text": {"entries": [entry(text="pay \u202e001")]},
    "a deceptive name": {"entries": [entry(phone={"id": DEVICE, "name": "My\u200bphone"})]},
    "a deceptive reason": {"entries": [entry(why="\x1b[2J")]},
    "no list": {"entries": {}},
    "no entries": {},
    "a next that is none": {"entries": [], "next": "x"},
}


@pytest.mark.parametrize("page", WRONG.values(), ids=WRONG)
async def test_a_history_in_another_form_than_the_protocols_is_refused(server, phone, page):
    server.pages[LIST] = page

    with pytest.raises(Difference):
        await phone.history(2)


async def test_what_was_told_before_is_not_told_again(server, phone):
    server.pages[LIST] = {"entries": [entry(SECOND)]}

    with pytest.raises(Difference, match="newest first"):
        await phone.history(after=SECOND)
