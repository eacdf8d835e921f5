"""Each command opens the tokens that it needs and no others: roles are kept apart on the command line too."""

import json
import os
import sqlite3

import pytest
from starlette.types import ASGIApp

from dss.hsm.servicekeys import KeyName, create_key
from dss.hsm.token import Token
from dss.infra import migrating
from dss.settings import Role, TokenName
from tests.protocol.cli_world import Command, dss
from tests.world.softhsm import SoftHsm

__all__ = ["dss"]

ALICE = (
    *("user", "register", "--login", "alice", "--email", "alice@example.org"),
    *("--given-name", "Alice", "--surname", "Example", "--country", "UA"),
)
WITHOUT_TOKENS = [
    ("migrate",),
    ("audit", "show", "--alarms"),
    ("ca", "list"),
    ("hsm", "kek-status"),
]
OVER_SEALED_ROWS = [
    ALICE,
    ("user", "list"),
    ("client", "list"),
    ("client", "register", "--name", "Shop", "--secret"),
    ("user", "phones", "alice"),
    *[("device", verb, "alice") for verb in ("list", "block", "unlock", "remove")],
    *[("credential", verb, "alice") for verb in ("list", "suspend", "resume", "destroy")],
    ("credential", "revoke", "alice", "--reason", "superseded"),
    ("operators",),
    ("audit", "check"),
    ("audit", "end", "device", "1", "--yes"),
    ("audit", "adopt"),
    ("hsm", "service-keys"),
]
WITH_A_TOKEN = [
    (("user", "enrol", "alice"), TokenName.SERVICE),
    (("hsm", "new-kek"), TokenName.USER),
    (("ca", "publish-crl", "root"), TokenName.CA),
    (("ca", "revoke", "ab", "--reason", "superseded"), TokenName.CA),
    (("credential", "create", "alice"), TokenName.SERVICE),
    *[(command, TokenName.SERVICE) for command in OVER_SEALED_ROWS],
]


class Served:
    """Takes the place of uvicorn: remembers whether a server was started."""

    def __init__(self) -> None:
        self.started = False

    def __call__(self, app: ASGIApp, **options: object) -> None:
        self.started = True


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Served:
    """What `dss serve` would have started."""
    served = Served()
    monkeypatch.setattr("uvicorn.run", served)
    return served


@pytest.mark.parametrize("command", WITHOUT_TOKENS, ids=" ".join)
def test_a_command_over_rows_needs_no_pin(dss: Command, command: tuple[str, ...]):
    assert dss(*command, pins=()).exit_code == 0


@pytest.mark.parametrize(("command", "needed"), WITH_A_TOKEN, ids=str)
def test_a_command_without_the_pin_of_its_token_names_the_variable(
    dss: Command, command: tuple[str, ...], needed: TokenName
):
    others = tuple(name for name in TokenName if name is not needed)

    refused = dss(*command, pins=others)

    assert (refused.exit_code, needed.pin_variable in refused.stderr) == (1, True)
    assert not any(name.pin_variable in refused.stderr for name in others)


def test_letters_need_the_service_token_alone(dss: Command):
    dss(*ALICE, pins=(TokenName.SERVICE,))

    assert dss("user", "enrol", "alice", pins=(TokenName.SERVICE,)).exit_code == 0


@pytest.mark.parametrize("role", Role)
def test_a_process_starts_with_the_pins_of_its_role_alone(dss: Command, served: Served, role: Role):
    assert dss("serve", "--role", role, pins=tuple(role.tokens)).exit_code == 0
    assert served.started


@pytest.mark.parametrize(("role", "missing"), [(role, name) for role in Role for name in sorted(role.tokens)])
def test_a_process_that_lacks_a_pin_of_its_role_does_not_start(
    dss: Command, served: Served, role: Role, missing: TokenName
):
    refused = dss("serve", "--role", role, pins=tuple(role.tokens - {missing}))

    assert (refused.exit_code, served.started) == (1, False)
    assert missing.pin_variable in refused.stderr


def set_schema(dss: Command, number: str | None) -> None:
    """Let the database say that it has had the steps up to this one."""
    with sqlite3.connect(os.environ["DSS_DATABASE_URL"].removeprefix("sqlite:///")) as database:
        database.execute("DELETE FROM alembic_version")
        if number:
            database.execute("INSERT INTO alembic_version VALUES (?)", (number,))


def test_a_process_does_not_start_on_an_older_schema(dss: Command, served: Served):
    set_schema(dss, "0005")

    refused = dss("serve")

    assert (refused.exit_code, served.started) == (1, False)
    assert f"the database is at 0005, this program needs {migrating.head()}: run `dss migrate`" in refused.stderr


def test_a_process_does_not_start_on_an_empty_database(dss: Command, served: Served):
    set_schema(dss, None)

    refused = dss("serve")

    assert (refused.exit_code, served.started) == (1, False)
    assert "the database is empty" in refused.stderr


def test_a_process_starts_on_a_newer_schema(dss: Command, served: Served):
    """Steps only add: the program of yesterday runs on while that of today takes over."""
    set_schema(dss, f"{int(migrating.head()) + 1:04}")

    assert dss("serve").exit_code == 0
    assert served.started


def test_a_command_on_a_home_without_a_database_says_what_to_do(dss: Command, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("DSS_DATABASE_URL")

    refused = dss("ca", "list", pins=())

    assert (refused.exit_code, "dss init" in refused.stderr) == (1, True)


def states(output: str) -> dict[str, str]:
    """The state of each token as `dss hsm status --json` tells it."""
    return {row["token"]: row["state"] for row in map(json.loads, output.splitlines())}


def test_the_status_names_each_token_whose_pin_is_here(dss: Command):
    told = dss("hsm", "status", "--json", pins=(TokenName.USER, TokenName.SERVICE))

    assert told.exit_code == 0
    assert states(told.stdout) == {"user": "in order", "ca": "no PIN here", "service": "in order"}


def test_the_status_names_the_token_that_fails(dss: Command):
    dss.use_token(TokenName.CA, "nowhere")

    told = dss("hsm", "status", "--json")

    assert (told.exit_code, "tokens that do not work: ca" in told.stderr) == (1, True)
    assert "nowhere" in states(told.stdout)["ca"]
    assert states(told.stdout)["service"] == "in order"


def test_the_status_without_any_pin_is_a_failure(dss: Command):
    told = dss("hsm", "status", pins=())

    assert (told.exit_code, "DSS_SERVICE_PIN" in told.stderr) == (1, True)


def test_a_service_token_of_an_earlier_version_fails_until_it_has_all_keys(dss: Command, softhsm: SoftHsm):
    early = Token(softhsm.new_token("early"))
    early.do(
        lambda bench: [create_key(bench.session, name) for name in KeyName if name is not KeyName.SEAL], lambda _: None
    )
    dss.use_token(TokenName.SERVICE, "early")
    only = (TokenName.SERVICE,)

    before = dss("hsm", "status", "--json", pins=only)
    made = [dss("hsm", "service-keys", pins=only).exit_code for _ in range(2)]
    after = dss("hsm", "status", "--json", pins=only)

    assert (before.exit_code, "lacks a key" in states(before.stdout)["service"]) == (1, True)
    assert (made, after.exit_code, states(after.stdout)["service"]) == ([0, 0], 0, "in order")
