"""The pure rules over grants: docs/authorization.md section 5."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dss.clients.model import Client
from dss.clients.profile import GrantType, Profile
from dss.kernel.ids import ClientId, GrantId, LoginId, UserId
from dss.oauth import pkce
from dss.oauth.grant import MISUSED, REUSED, Grant, NewGrant, Redemption, Stage
from dss.oauth.issuer import Lifetimes
from tests.world.clock import START

VERIFIER, BACK = "v" * 43, "https://shop.example/back"
LIFETIMES = Lifetimes(token=timedelta(minutes=10), refresh=timedelta(days=30))
MINE, OTHERS = ClientId("0" * 26), ClientId("1" * 26)


def client(id: ClientId = MINE, *, public: bool = False, refreshes: bool = True) -> Client:
    """A registered client."""
    grants = (GrantType.AUTHORIZATION_CODE, *([GrantType.REFRESH_TOKEN] if refreshes else []))
    return Client(id, "Shop", ("service",), None, None, "", START, profile=Profile((BACK,), grants, public=public))


def issued(**changes: Any) -> Grant:
    """A grant whose code is out."""
    usual = {"scopes": ("service",), "redirect_uri": BACK, "code_challenge": pkce.challenge_of(VERIFIER)}
    told = {**usual, "authenticated_at": START, **changes}
    new = NewGrant(MINE, UserId("2" * 26), LoginId("3" * 26), **told)
    return Grant.begun(GrantId("4" * 26), new, START).issued(START)


def told(**changes: Any) -> Redemption:
    """A right redemption, but for what is changed."""
    return Redemption(**{"client": client(), "redirect_uri": BACK, "verifier": VERIFIER, **changes})


def test_a_code_lives_60_seconds():
    assert issued().lives(START + timedelta(seconds=59.999))
    assert not issued().lives(START + timedelta(seconds=60))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, ""),
        ({"redirect_uri": ""}, ""),
        ({"jkt": "any"}, ""),
        ({"client": client(OTHERS)}, MISUSED),
        ({"redirect_uri": f"{BACK}/"}, MISUSED),
        ({"verifier": ""}, MISUSED),
        ({"verifier": "w" * 43}, MISUSED),
    ],
)
def test_a_code_is_redeemed_by_the_same_client_with_all_that_belongs_to_it(changes: dict[str, Any], why: str):
    assert issued().misuse_of_code(told(**changes)) == why


@pytest.mark.parametrize(("jkt", "why"), [("", MISUSED), ("other", MISUSED), ("mine", "")])
def test_a_bound_code_is_redeemed_with_its_key(jkt: str, why: str):
    """RFC 9449 section 10."""
    assert issued(dpop_jkt="mine").misuse_of_code(told(jkt=jkt)) == why


def test_a_code_that_was_redeemed_is_reused_whoever_brings_it():
    redeemed = issued().redeemed(told(), LIFETIMES, START)

    assert redeemed.misuse_of_code(told()) == REUSED
    assert redeemed.misuse_of_code(told(verifier="")) == REUSED


@pytest.mark.parametrize(
    ("scope", "by", "jkt", "generation", "bound_to"),
    [
        ("service", client(), "", 1, ""),
        ("service", client(), "key", 1, ""),
        ("service", client(public=True), "key", 1, "key"),
        ("service", client(public=True), "", 0, ""),
        ("service", client(refreshes=False), "key", 0, ""),
        ("credential", client(), "key", 0, ""),
    ],
)
def test_who_gets_a_refresh_token_and_what_it_is_bound_to(
    scope: str, by: Client, jkt: str, generation: int, bound_to: str
):
    """RFC 9700 section 2.2.2: of public clients it is bound to a key."""
    redeemed = issued(scopes=(scope,)).redeemed(told(client=by, jkt=jkt), LIFETIMES, START)

    lifetime = LIFETIMES.refresh if generation else LIFETIMES.token
    assert (redeemed.stage, redeemed.generation, redeemed.dpop_jkt) == (Stage.REDEEMED, generation, bound_to)
    assert redeemed.expires_at == START + lifetime


def test_only_the_newest_refresh_token_is_good():
    grant = issued().redeemed(told(), LIFETIMES, START).refreshed()

    assert [grant.misuse_of_refresh(number, MINE, "") for number in range(4)] == [REUSED, REUSED, "", REUSED]
    assert grant.misuse_of_refresh(2, OTHERS, "") == MISUSED
    assert replace(grant, dpop_jkt="key").misuse_of_refresh(2, MINE, "") == MISUSED


def test_an_ended_grant_does_not_live():
    ended = issued().ended("revoked")

    assert (ended.lives(START), ended.stage, ended.why) == (False, Stage.ENDED, "revoked")
