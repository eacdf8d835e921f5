"""The commands by which the owner looks at phones and keys, changes them, and shares them."""

import asyncio
import json
from contextlib import nullcontext

import pytest
import zxingcpp
from PIL import Image
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit.mock_server import (
    CODE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    KEY,
    OTHER_CREDENTIAL,
    OTHER_DEVICE,
    PIN,
    RECIPE,
    FakeServer,
)
from tests.unit.mock_sharing import hand_out, own_key, parcel, two_phones

NEW_PIN, PASSWORD, NEW_PASSWORD = "240891", "Passw0rd", "An0ther-one"
OLD_PHONE = {"id": OTHER_DEVICE, "name": "Old phone"}
ACTIVE = "2026-03-02T10:00:00Z"


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
def phones(server, tmp_path):
    return asyncio.run(two_phones(server, tmp_path))


@pytest.fixture
def run(phones, tmp_path):
    def command(*arguments: str, store: str = "old", typed: str = "", **environment: str) -> Result:
        variables = {"MOBILE_MOCK_STORE": str(tmp_path / store), "MOBILE_MOCK_PIN": PIN, **environment}
        return CliRunner().invoke(app, arguments, input=typed, env=variables)

    return command


def facts(result: Result) -> list[dict]:
    assert result.exit_code == Exit.DONE, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


# --- looking and stopping ---


def test_phones_lists_them(server, run):
    this = {"id": DEVICE, "name": "My phone", "state": "active", "this": True}
    new = OLD_PHONE | {"state": "waiting", "this": False, "active": ACTIVE}
    server.pages["GET /device/v1/phones"] = {"phones": [this, new]}

    told = run("phones").stdout
    assert f"{DEVICE}  My phone: active, this phone" in told
    assert f"{OTHER_DEVICE}  Old phone: waiting until {ACTIVE}" in told
    assert facts(run("phones", "--json")) == [this | {"active": None}, new]


def test_block_and_suspend_tell_the_state(server, run):
    server.pages[f"POST /device/v1/phones/{OTHER_DEVICE}/block"] = {"state": "locked"}
    server.pages[f"POST /device/v1/credentials/{CREDENTIAL}/suspend"] = {"state": "suspended"}

    assert facts(run("block", OTHER_DEVICE, "--json")) == [{"phone": OTHER_DEVICE, "state": "locked"}]
    assert facts(run("suspend", CREDENTIAL, "--json")) == [{"credential": CREDENTIAL, "state": "suspended"}]
    assert "The key is suspended now" in run("suspend", CREDENTIAL).stdout


def test_keys_lists_them(server, run):
    server.pages["GET /device/v1/credentials"] = {"credentials": [own_key(CREDENTIAL, has_password=True)]}

    told = run("keys").stdout
    assert f"{CREDENTIAL}  active, has a password, opens here" in told
    assert "P-256 key of CN=Alice Example, certificate until 2027-03-02T09:00:00Z" in told
    (fact,) = facts(run("keys", "--json"))
    assert (fact["id"], fact["has_password"], fact["held"], fact["relock"]) == (CREDENTIAL, True, True, False)


def test_keys_says_by_its_exit_code_that_there_is_none(server, run):
    server.pages["GET /device/v1/credentials"] = {"credentials": []}

    assert run("keys").exit_code == Exit.NOTHING


def test_list_and_watch_tell_of_a_new_phone(server, run):
    """T22."""
    server.waiting_phones = [{"id": OTHER_DEVICE, "name": "New phone", "active": ACTIVE}]
    said = f"The phone New phone ({OTHER_DEVICE}) is new and becomes active at {ACTIVE}: block it unless it is yours"

    listed = run("list")
    assert (listed.exit_code, said in listed.stdout) == (Exit.NOTHING, True)
    server.ask()
    assert run("watch", "--once").stdout.count(said) == 1
    assert facts(run("list", "--json"))[0] == {"waiting_phone": server.waiting_phones[0]}


def test_enrol_says_until_when_a_second_phone_waits(server, run):
    server.change_receipt["active"] = ACTIVE
    told = run("enrol", "--uri", server.qr(), "--code", CODE, store="third")

    assert (told.exit_code, f"It may only look until {ACTIVE}" in told.stdout) == (Exit.DONE, True)


# --- change ---


def test_a_change_is_opened_shown_and_confirmed_in_one_go(server, run):
    server.ask_to_change("revoke", credential=KEY, reason="keyCompromise")
    given = "revoke", "--credential", CREDENTIAL, "--reason", "keyCompromise"

    told = run("change", *given)
    opened, shown, end = facts(run("change", *given, "--json"))

    assert f"revokes the key {CREDENTIAL}" in told.stdout
    assert "(keyCompromise)" in told.stdout
    assert "Confirmed; it is done now" in told.stdout
    assert opened == {"transaction": FIRST, "opened": True}
    assert shown["change"] == {"action": "revoke", "phone": None, "reason": "keyCompromise"}
    assert end == {"transaction": FIRST, "decision": "confirm", "state": "signed"}


def test_a_change_can_be_opened_alone_and_confirmed_later(server, run):
    server.ask_to_change("destroy", credential=KEY)

    assert facts(run("change", "destroy", "--credential", CREDENTIAL, "--open-only", "--json"))[-1]["opened"]
    assert not any(path.endswith("/answer") for path, _ in server.sent)
    assert facts(run("confirm", FIRST, "--json"))[-1]["state"] == "signed"


SENTENCES = {
    "pin": (None, {}, "changes the PIN of this phone"),
    "password": (KEY, {"password": RECIPE}, f"sets the password of the key {CREDENTIAL}"),
    "relock": (KEY, {}, f"locks the key {CREDENTIAL} (certificate of SHA-256"),
    "resume": (KEY, {}, "which you suspended, be used again"),
    "destroy": (KEY, {}, "the certificate stands"),
    "remove": (None, {"phone": OLD_PHONE}, f"removes your phone Old phone {OTHER_DEVICE} for good"),
}


@pytest.mark.parametrize("action", SENTENCES)
def test_show_says_in_plain_words_what_each_change_does(server, run, action):
    credential, more, sentence = SENTENCES[action]
    server.ask_to_change(action, credential=credential, **more)
    given = ["--credential", CREDENTIAL] if credential else ["--phone", OTHER_DEVICE] if action == "remove" else []
    assert run("change", action, *given, "--open-only").exit_code == Exit.DONE

    assert sentence in run("show", FIRST).stdout
    assert facts(run("show", FIRST, "--json"))[0]["change"]["action"] == action


def test_show_says_which_old_key_a_new_one_cancels(server, run):
    made = {"id": OTHER_CREDENTIAL, "subject": "CN=A", "key_type": "P-256", "validity_days": 9, "replaces": KEY}
    server.ask_to_create(credential=made)

    told = run("show", FIRST).stdout
    assert f"your old key {CREDENTIAL}" in told
    assert "is cancelled when the new one is made" in told
    assert facts(run("show", FIRST, "--json"))[0]["credential"]["replaces"]["id"] == CREDENTIAL


def test_a_change_that_cannot_be_asked_for_is_an_error_of_usage(run):
    assert run("change", "unlock").exit_code == Exit.USAGE
    assert run("change", "revoke", "--credential", CREDENTIAL).exit_code == Exit.USAGE


def test_the_secrets_of_a_change_come_from_variables(server, run, phones):
    server.ask_to_change("password", credential=KEY | {"password": RECIPE}, password=RECIPE)
    variables = {"MOBILE_MOCK_KEY_PASSWORD": PASSWORD, "MOBILE_MOCK_NEW_KEY_PASSWORD": NEW_PASSWORD}
    assert run("change", "password", "--credential", CREDENTIAL, **variables).exit_code == Exit.DONE
    server.ask_to_change("pin")
    assert run("change", "pin", MOBILE_MOCK_NEW_PIN=NEW_PIN).exit_code == Exit.DONE

    boxes = [set(server.opened(body)) - {"header"} for path, body in server.sent if path.endswith("/answer")]
    assert boxes == [{"pin_proof", "k_act", "k_pwd", "k_pwd_next"}, {"pin_proof", "pin_proof_next"}]


def test_the_secrets_of_a_change_are_asked_for_after_it_is_shown_and_new_ones_twice(server, run):
    server.ask_to_change("password", credential=KEY | {"password": RECIPE}, password=RECIPE)
    typed = f"{PIN}\n{PASSWORD}\n{NEW_PASSWORD}\n{NEW_PASSWORD}\n"
    first = run("change", "password", "--credential", CREDENTIAL, typed=typed, MOBILE_MOCK_PIN="")
    server.ask_to_change("pin")
    second = run("change", "pin", typed=f"{PIN}\n{NEW_PIN}\n{NEW_PIN}\n", MOBILE_MOCK_PIN="")

    assert (first.exit_code, second.exit_code) == (Exit.DONE, Exit.DONE), first.output + second.output
    assert first.output.index("sets the password") < first.output.index("The key's password")
    for secret in (PIN, PASSWORD, NEW_PASSWORD, NEW_PIN):
        assert secret not in first.output + second.output


def test_a_new_password_that_is_refused_ends_with_its_code(server, run):
    """Q8."""
    server.ask_to_change("password", credential=KEY, password=RECIPE)
    told = run("change", "password", "--credential", CREDENTIAL, typed="password\npassword\n")

    assert (told.exit_code, "8 characters" in told.stderr) == (Exit.USAGE, True)


def test_watch_confirms_with_the_password_of_the_key(server, run):
    server.ask(credential=KEY | {"password": RECIPE})

    assert run("watch", "--confirm-all", "--once", MOBILE_MOCK_KEY_PASSWORD=PASSWORD).exit_code == Exit.DONE
    assert "k_pwd" in server.opened(server.sent[-1][1])


# --- a second phone ---


def test_a_key_is_shared_by_the_code_that_the_new_phone_shows(server, run, phones):
    _, new = phones
    (code,) = facts(run("share-code", "--json", store="new"))
    server.ask_to_share(new)

    told = run("share", code["share_code"])

    assert told.exit_code == Exit.DONE
    assert f"shares your keys with the phone My phone {OTHER_DEVICE} (thumbprints: signature " in told.stdout
    assert code["share_code"][-43:] in told.stdout
    assert f"key {CREDENTIAL}" in told.stdout
    shown = facts(run("share", code["share_code"], "--json"))[1]
    assert shown["share"]["phone"]["thumbprints"]["enc"] == code["share_code"][-43:]


def test_the_code_is_shown_as_a_qr_and_as_its_text(server, run, phones):
    *rows, text = run("share-code", store="new").stdout.splitlines()
    picture = Image.new("L", (len(rows), len(rows)))
    picture.putdata(
        [255 * (row[place : place + 1] == "\u2588") for row in rows for place in range(0, 2 * len(rows), 2)]
    )
    (read,) = zxingcpp.read_barcodes(picture.resize((8 * len(rows), 8 * len(rows)), Image.Resampling.NEAREST))

    assert read.text == text == asyncio.run(phones[1].share_code())


def test_what_was_shared_is_taken(server, run, phones):
    hand_out(server, asyncio.run(parcel(server, *phones)))

    assert f"holds a share of key {CREDENTIAL} now" in run("take-shares", store="new").stdout
    assert facts(run("take-shares", "--json", store="new")) == [{"credentials": [CREDENTIAL]}]


def test_take_shares_says_by_its_exit_code_that_nothing_was_shared(server, run):
    hand_out(server)

    assert run("take-shares", store="new").exit_code == Exit.NOTHING


def test_a_swapped_key_of_the_new_phone_ends_the_sharing(server, run, phones):
    """T18, T19."""
    old, new = phones
    server.ask_to_share(old)
    told = run("share", asyncio.run(new.share_code()))

    assert told.exit_code == Exit.DIFFERENCE
    assert not any(path.endswith("/answer") for path, _ in server.sent)


# --- sessions ---


def test_a_session_is_shown_in_plain_words_and_its_end_is_not_waited_for(server, run):
    """Section 11: it stays confirmed while it goes on."""
    server.ask(kind="session", session={"signatures": 40, "minutes": 30}, documents=[])
    server.after_answer = "confirmed"
    result = run("confirm", FIRST)

    assert result.exit_code == Exit.DONE
    assert "to make up to 40 signatures within 30 minutes without this phone" in result.stdout
    assert "nothing of what will be signed is shown" in result.stdout
    assert server.calls[-1].url.path.endswith("/answer")
