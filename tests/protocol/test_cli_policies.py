"""The operator's commands over policies: they show, they change one part, and two operators agree to one policy."""

from typing import Any

import pytest

from dss.cli import client, credential
from dss.kernel.clock import SystemClock
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_operators import SECOND, run, tell
from tests.world.world import SERVER, Application, Signer, World

__all__ = ["dss"]


@pytest.fixture
async def bank(world: World, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application in a world whose time and address are those of the commands."""
    monkeypatch.setenv("DSS_PUBLIC_URL", SERVER)
    world.clock.move((SystemClock().now() - world.clock.now()).total_seconds())
    return await world.application()


@pytest.fixture
async def alice(world: World, bank: Application) -> Signer:
    """A signer with a key."""
    return await world.signer(bank)


@pytest.fixture
def as_another(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let later commands be another operator's."""

    def become() -> None:
        for module in (client, credential):
            monkeypatch.setattr(module, "OPERATOR", "operator:somebody-else")

    return become


async def policy(dss: Command, noun: str, id: str, *options: str) -> Any:
    """Run `dss NOUN policy`; return the policy that it prints."""
    (told,) = await tell(dss, noun, "policy", id, *options)
    assert told["id"] == id
    return told["policy"]


async def test_a_policy_is_shown_and_changed_part_by_part(dss: Command, bank: Application):
    assert await policy(dss, "client", bank.id) == {}
    options = ("--verification", "sign=choose", "--verification", "create=compare", "--device-link", "first")
    first = {"verification": {"sign": "choose", "create": "compare"}, "device_link": "first"}
    assert await policy(dss, "client", bank.id, *options) == first
    changed = await policy(dss, "client", bank.id, "--verification", "create=none", "--session", "0", "0")
    assert changed == {
        "verification": {"sign": "choose"},
        "device_link": "first",
        "session": {"signatures": 0, "minutes": 0},
    }
    assert await policy(dss, "client", bank.id) == changed
    assert await policy(dss, "client", bank.id, "--clear") == {}


async def test_a_keys_policy_allows_what_nothing_else_does(dss: Command, alice: Signer):
    options = ("--biometric", "--offline", "--session", "50", "30")
    allowed = {"biometric": True, "offline": True, "session": {"signatures": 50, "minutes": 30}}
    assert await policy(dss, "credential", alice.credential_id, *options) == allowed
    narrowed = await policy(dss, "credential", alice.credential_id, "--no-offline")
    assert narrowed == allowed | {"offline": False}


async def test_people_are_shown_each_part_in_words(dss: Command, bank: Application):
    await policy(dss, "client", bank.id, "--verification", "sign=compare", "--no-biometric", "--session", "5", "10")
    shown = (await run(dss, "client", "policy", bank.id)).stdout
    for line in (
        "verification: sign=compare",
        "device link: off",
        "biometric: forbidden",
        "offline codes: not said",
        "session: 5 signatures within 10 minutes",
    ):
        assert line in shown


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--verification", "sign"), "each word is one of sign, create, session"),
        (("--verification", "change=choose"), "each word is one of sign, create, session"),
        (("--session", "101", "5"), "at most 100 signatures within 60 minutes"),
        (("--session", "0", "5"), "at least one signature and one minute"),
    ],
)
async def test_t36_what_cannot_be_a_policy_is_refused_in_words(
    dss: Command, bank: Application, options: tuple[str, ...], why: str
):
    refused = await run(dss, "client", "policy", bank.id, *options)
    assert refused.exit_code == 1
    assert why in refused.stderr
    assert await policy(dss, "client", bank.id) == {}


async def test_an_application_and_a_key_that_are_not_there_have_no_policy(dss: Command, alice: Signer):
    for noun in ("client", "credential"):
        refused = await run(dss, noun, "policy", "0" * 26, "--verification", "sign=choose")
        assert (refused.exit_code, "There is no such thing" in refused.stderr) == (1, True)


@pytest.mark.parametrize("noun", ["client", "credential"])
async def test_t29_a_second_operator_agrees_to_the_same_policy_or_to_none(
    noun: str, dss: Command, bank: Application, alice: Signer, as_another: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DSS_TWO_OPERATORS", "true")
    id = bank.id if noun == "client" else alice.credential_id
    strict, weaker = ("--verification", "sign=choose"), ("--verification", "sign=compare")
    assert (await policy(dss, noun, id, *strict)) == {"verification": {"sign": "choose"}}
    assert SECOND in (await run(dss, noun, "policy", id, *weaker)).stdout

    as_another()
    assert SECOND in (await run(dss, noun, "policy", id, "--clear")).stdout
    assert (await policy(dss, noun, id)) == {"verification": {"sign": "choose"}}
    assert (await policy(dss, noun, id, *weaker)) == {"verification": {"sign": "compare"}}
