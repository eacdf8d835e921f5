"""The operator's commands over keys and phones: what they do, what they ask first, and who they say did it."""

import asyncio
import os
import pwd
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from dss.cli import credential, device
from dss.cli.main import app
from dss.kernel.clock import SystemClock, timestamp
from dss.settings import TokenName
from mobile_mock.errors import Refused
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_verbs import rows
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, SERVER, Signer, World

__all__ = ["dss"]

ME = f"operator:{pwd.getpwuid(os.getuid()).pw_name}"
SECOND = "a second operator must run the same command within 24 h"


async def run(dss: Command, *arguments: str) -> Result:
    """Run a command with the one token that proves rows."""
    return await asyncio.to_thread(dss, *arguments, pins=(TokenName.SERVICE,))


async def tell(dss: Command, *arguments: str) -> list[dict[str, Any]]:
    """Run a command that must succeed; return the JSON that it prints."""
    done = await run(dss, *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    return rows(done.stdout)


@pytest.fixture
async def alice(world: World, monkeypatch: pytest.MonkeyPatch) -> Signer:
    """A signer in a world whose time and address are those of the commands."""
    monkeypatch.setenv("DSS_PUBLIC_URL", SERVER)
    world.clock.move((SystemClock().now() - world.clock.now()).total_seconds())
    return await world.signer(await world.application())


async def phone_of(dss: Command) -> str:
    """The id of Alice's oldest phone."""
    return str((await tell(dss, "device", "list", "alice"))[0]["id"])


@pytest.fixture
def as_another(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let later commands be another operator's."""

    def become() -> None:
        for module in (credential, device):
            monkeypatch.setattr(module, "OPERATOR", "operator:somebody-else")

    return become


async def test_a_key_is_suspended_and_resumed_by_the_account_that_runs_the_command(
    world: World, dss: Command, alice: Signer, monkeypatch: pytest.MonkeyPatch
):
    for name in ("USER", "LOGNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "president")

    (suspended,) = await tell(dss, "credential", "suspend", alice.credential_id)
    (listed,) = await tell(dss, "credential", "list", "alice")
    (resumed,) = await tell(dss, "credential", "resume", alice.credential_id)

    assert (suspended["state"], listed["state"], listed["suspended by"]) == ("suspended", "suspended", "operator")
    assert resumed == {"id": alice.credential_id, "state": "active"}
    events = await world.services.audit.of_subject(f"credential:{alice.credential_id}")
    by = {recorded.event.kind: recorded.event.actor for recorded in events}
    assert (by["credential.suspended"], by["credential.resumed"]) == (ME, ME)


async def test_a_key_is_revoked_with_a_reason(world: World, dss: Command, alice: Signer):
    without = await run(dss, "credential", "revoke", alice.credential_id)
    (revoked,) = await tell(dss, "credential", "revoke", alice.credential_id, "--reason", "superseded")

    assert (without.exit_code, revoked["state"]) == (2, "revoked")
    assert ("issuing", 1) in [(crl.issuer, crl.entries) for crl in await world.services.ca.publish_due()]


async def test_a_key_is_destroyed_once(dss: Command, alice: Signer):
    (destroyed,) = await tell(dss, "credential", "destroy", alice.credential_id)
    again = await run(dss, "credential", "destroy", alice.credential_id)

    assert destroyed["state"] == "destroyed"
    assert (again.exit_code, "destroyed" in again.stderr) == (1, True)


async def test_a_key_is_asked_for_in_place_of_another_by_the_account_that_runs_the_command(
    world: World, dss: Command, alice: Signer
):
    (asked,) = await tell(dss, "credential", "create", "alice", "--replaces", alice.credential_id)
    shown = await alice.phone.show(asked["transaction"])
    (event,) = await world.services.audit.of_subject(f"transaction:{asked['transaction']}")

    assert shown.request.credential.replaces.id == alice.credential_id
    assert (event.event.kind, event.event.actor) == ("transaction.opened", ME)


async def test_the_number_of_a_wish_for_a_key_is_told_with_how_the_signer_uses_it(
    world: World, dss: Command, alice: Signer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DSS_VERIFICATION", "create=choose")
    (asked,) = await tell(dss, "credential", "create", "alice")
    shown = await alice.phone.show(asked["transaction"])

    assert asked["mode"] == shown.request.verification.mode == "choose"
    assert asked["number"] in shown.request.verification.numbers


async def test_a_key_that_is_to_be_replaced_is_the_signer_s(world: World, dss: Command, alice: Signer):
    await world.phone(await world.user("bob"))

    refused = await run(dss, "credential", "create", "bob", "--replaces", alice.credential_id)

    assert (refused.exit_code, "no such credential to replace" in refused.stderr) == (1, True)


async def test_the_keys_of_a_signer_are_listed_by_page(world: World, dss: Command, alice: Signer):
    (asked,) = await tell(dss, "credential", "create", "alice")
    world.clock.move(60)  # what follows comes after what the command did, in its own time
    await alice.phone.confirm(await alice.phone.show(asked["transaction"]), PIN)
    await world.settle()

    first = await tell(dss, "credential", "list", "alice", "--limit", "1")
    rest = await tell(dss, "credential", "list", "alice", "--after", first[0]["id"])

    assert [one["id"] for one in (*first, *rest)] == [alice.credential_id, asked["id"]]


async def test_every_id_in_a_table_is_whole_on_a_narrow_screen_and_no_name_is_taken_for_markup(
    world: World, dss: Command, alice: Signer, monkeypatch: pytest.MonkeyPatch
):
    """T04: a phone is named by who enrols it."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    qr, code = await world.invite(alice.user)
    await world.new_phone().enrol(qr, code, PIN, "A phone with a [/bold] name that is long")
    await tell(dss, "credential", "suspend", alice.credential_id)
    await run(dss, "credential", "resume", alice.credential_id)
    phones = [phone["id"] for phone in await tell(dss, "device", "list", "alice")]

    for ids, command in {
        (alice.credential_id,): ("credential", "list", "alice"),
        tuple(phones): ("device", "list", "alice"),
        (f"credential:{alice.credential_id}",): ("operators",),
        (alice.user.id,): ("user", "list"),
    }.items():
        printed = (await run(dss, *command)).stdout
        assert all(id in printed for id in ids), printed
        assert max(map(len, printed.splitlines())) <= 80
        assert "…" not in printed
    assert "[/bold]" in (await run(dss, "device", "block", phones[1])).stdout


async def test_a_phone_is_blocked_and_unlocked(world: World, dss: Command, alice: Signer):
    phone = await phone_of(dss)

    (blocked,) = await tell(dss, "device", "block", phone)
    (listed,) = await tell(dss, "user", "phones", "alice")
    (unlocked,) = await tell(dss, "device", "unlock", phone)

    assert (blocked["state"], unlocked["state"]) == ("locked", "active")
    assert (listed["state"], listed["locked by"], listed["until"]) == ("locked", "operator", "for good")


async def test_a_phone_with_wrong_pins_is_shown_with_the_end_of_its_lock(world: World, dss: Command, alice: Signer):
    shop = await world.application("Other Ltd")
    asked = await shop.ask(alice, simple_pdf())
    for _ in range(3):
        with pytest.raises(Refused):
            await alice.phone.confirm(await alice.phone.show(asked["id"]), "000000")

    (phone,) = await tell(dss, "user", "phones", "alice")

    assert (phone["state"], phone["locked by"]) == ("locked", "pin")
    assert phone["until"] == timestamp(world.clock.now() + world.services.settings.pin_lock)


async def test_a_new_phone_is_shown_as_waiting_and_a_removed_one_as_removed(world: World, dss: Command, alice: Signer):
    await world.phone(alice.user)
    old, new = await tell(dss, "user", "phones", "alice")
    assert (old["state"], new["state"], bool(new["until"])) == ("active", "waiting", True)

    (removed,) = await tell(dss, "device", "remove", new["id"])

    assert (removed["id"], removed["state"]) == (new["id"], "removed")
    assert [phone["state"] for phone in await tell(dss, "user", "phones", "alice")] == ["active", "removed"]


def answering(dss: Command, answer: str, *arguments: str) -> Result:
    """Run a command that asks something."""
    dss("user", "list", pins=(TokenName.SERVICE,))  # sets the PINs of the commands to come
    return CliRunner().invoke(app, list(arguments), input=answer, catch_exceptions=False)


async def test_the_last_phone_is_removed_only_by_who_knows_that_its_keys_go_too(
    world: World, dss: Command, alice: Signer
):
    phone = await phone_of(dss)

    kept = await asyncio.to_thread(answering, dss, "n\n", "device", "remove", phone)
    assert (kept.exit_code, alice.credential_id in kept.stderr, "destroyed" in kept.stderr) == (1, True, True)
    assert (await tell(dss, "user", "phones", "alice"))[0]["state"] == "active"

    gone = await asyncio.to_thread(answering, dss, "y\n", "device", "remove", phone)
    assert gone.exit_code == 0
    assert (await tell(dss, "user", "phones", "alice"))[0]["state"] == "removed"
    assert (await tell(dss, "credential", "list", "alice"))[0]["state"] == "destroyed"


async def test_who_says_yes_beforehand_is_not_asked(dss: Command, alice: Signer):
    (removed,) = await tell(dss, "device", "remove", await phone_of(dss), "--yes")

    assert removed["state"] == "removed"


async def test_where_two_operators_are_asked_for_the_second_one_s_command_acts(
    dss: Command, alice: Signer, monkeypatch: pytest.MonkeyPatch, as_another: Any
):
    """T59."""
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    phone = await phone_of(dss)
    await tell(dss, "device", "block", phone)
    await tell(dss, "credential", "suspend", alice.credential_id)
    undo = (("device", "unlock", phone), ("credential", "resume", alice.credential_id))

    for command in (*undo, *undo):
        proposed = await run(dss, *command)
        assert (proposed.exit_code, SECOND in proposed.stdout) == (0, True)
    waiting = await tell(dss, "operators")
    as_another()
    done = [(await tell(dss, *command))[0]["state"] for command in undo]

    subjects = [f"device:{phone}", f"credential:{alice.credential_id}"]
    assert [(one["subject"], one["proposed by"]) for one in waiting] == [(subject, ME) for subject in subjects]
    assert (done, await tell(dss, "operators")) == (["active", "active"], [])


@pytest.mark.parametrize(
    "command",
    [
        ("device", "block"),
        ("device", "unlock"),
        ("device", "remove"),
        ("credential", "suspend"),
        ("credential", "resume"),
        ("credential", "destroy"),
    ],
    ids=" ".join,
)
def test_what_is_absent_ends_with_a_sentence(dss: Command, command: tuple[str, ...]):
    refused = dss(*command, "01KAJ9T8VX3N5Q7R9S1T2V4W6Y", pins=(TokenName.SERVICE,))

    assert (refused.exit_code, refused.stdout, "There is no such thing" in refused.stderr) == (1, "", True)


def test_an_application_is_given_the_scope_of_operators_by_name_only(dss: Command):
    plain = rows(dss("client", "register", "--name", "Shop", "--secret", "--json", pins=(TokenName.SERVICE,)).stdout)
    named = ("--scope", "operators", "--secret", "--json")
    desk = rows(dss("client", "register", "--name", "Desk", *named, pins=(TokenName.SERVICE,)).stdout)

    assert [one["scopes"] for one in (*plain, *desk)] == ["credentials signatures", "operators"]
