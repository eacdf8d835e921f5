"""Proof key for code exchange: RFC 7636."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.oauth import pkce

UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
VERIFIERS = st.text(UNRESERVED, min_size=43, max_size=128)


def test_the_challenge_of_the_standards_example():
    """RFC 7636 appendix B."""
    verifier, challenge = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"

    assert pkce.challenge_of(verifier) == challenge
    assert pkce.fits(verifier, challenge)


@given(VERIFIERS, VERIFIERS)
def test_a_verifier_fits_its_own_challenge_only(one: str, other: str):
    assert pkce.CHALLENGE.fullmatch(pkce.challenge_of(one))
    assert pkce.fits(one, pkce.challenge_of(other)) == (one == other)


@given(VERIFIERS)
def test_the_challenge_is_no_verifier_of_itself(verifier: str):
    """The method `plain` is not offered: section 7.2."""
    challenge = pkce.challenge_of(verifier)

    assert not pkce.fits(challenge, challenge)


@pytest.mark.parametrize("wrong", ["", "a" * 42, "a" * 129, "a" * 43 + "=", "a" * 43 + "\n", "é" * 43, "a" * 42 + " "])
def test_a_verifier_of_another_form_never_fits(wrong: str):
    """Section 4.1: 43 to 128 unreserved characters."""
    assert not pkce.fits(wrong, pkce.challenge_of(wrong))
