"""The operator changes the key of access tokens."""

import secrets
from collections.abc import Iterator

import pytest

from dss.hsm.setup import create_service_keys
from dss.hsm.token import Token
from dss.hsm.token_keys import FIRST, destroy_token_key
from dss.settings import TokenName
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_verbs import rows
from tests.world.softhsm import SoftHsm

__all__ = ["dss"]

ONLY = (TokenName.SERVICE,)


@pytest.fixture
def token(dss: Command, softhsm: SoftHsm) -> Iterator[Token]:
    """A service token of the test's own: the commands make keys."""
    label = f"oauth-{secrets.token_hex(4)}"
    opened = Token(softhsm.new_token(label))
    create_service_keys(opened)
    dss.use_token(TokenName.SERVICE, label)
    yield opened
    opened.close()


def listed(dss: Command) -> list[tuple[int, str]]:
    return [(row["number"], row["use"]) for row in rows(dss("oauth", "keys", "--json", pins=ONLY).stdout)]


def test_before_any_change_one_key_signs(dss: Command, token: Token):
    assert listed(dss) == [(1, "signs")]


def test_a_new_key_is_shown_at_once_and_signs_in_an_hour(dss: Command, token: Token):
    made = dss("oauth", "new-key", pins=ONLY)

    assert (made.exit_code, made.stdout.startswith("token key 2 signs from 20")) == (0, True)
    assert listed(dss) == [(1, "signs"), (2, "signs next")]
    kids = [row["kid"] for row in rows(dss("oauth", "keys", "--json", pins=ONLY).stdout)]
    assert len({*kids}) == 2


def test_a_second_new_key_waits_for_the_first(dss: Command, token: Token):
    dss("oauth", "new-key", pins=ONLY)

    refused = dss("oauth", "new-key", pins=ONLY)

    assert (refused.exit_code, "token key 2 was made already, and signs from" in refused.stderr) == (1, True)
    assert len(listed(dss)) == 2


def test_who_made_a_key_is_told_to_the_log(dss: Command, token: Token):
    dss("oauth", "new-key", pins=ONLY)

    (told,) = rows(dss("audit", "show", "--subject", "token_key:2", "--json").stdout)

    assert (told["event"], told["actor"].partition(":")[0]) == ("token_key.made", "operator")


def test_a_key_that_the_hsm_lacks_is_told_of_and_replaced_at_once(dss: Command, token: Token):
    token.do(lambda bench: destroy_token_key(bench, FIRST), lambda _: None)
    (lost,) = rows(dss("oauth", "keys", "--json", pins=ONLY).stdout)

    dss("oauth", "new-key", pins=ONLY)

    assert lost["kid"] == "not in the HSM"
    assert listed(dss) == [(1, "verifies only"), (2, "signs")]


def test_the_list_can_be_read_by_people(dss: Command, token: Token):
    told = dss("oauth", "keys", pins=ONLY)

    assert (told.exit_code, "signs" in told.stdout, "the beginning" in told.stdout) == (0, True, True)


def test_without_the_pin_nothing_is_made(dss: Command, token: Token):
    for command in (("oauth", "new-key"), ("oauth", "keys")):
        refused = dss(*command, pins=(TokenName.USER, TokenName.CA))
        assert (refused.exit_code, TokenName.SERVICE.pin_variable in refused.stderr) == (1, True)
