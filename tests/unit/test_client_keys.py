"""A relying application registers public keys of sane kinds and sizes, and never a private one (RFC 7517, RFC 8725)."""

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from dss.clients.jwks import require_public_keys
from dss.kernel import b64
from dss.kernel.errors import Invalid

CURVES = {
    "ES256": (ec.SECP256R1(), "P-256", 32),
    "ES384": (ec.SECP384R1(), "P-384", 48),
    "ES512": (ec.SECP521R1(), "P-521", 66),
}
MEMBERS = st.sampled_from(["kty", "crv", "x", "y", "n", "e", "d", "alg", "use", "kid", "x5c"])
VALUES = (
    st.sampled_from(["EC", "RSA", "P-256", "ES256", "RS256", "AQAB", "", "sig"]) | st.text() | st.integers() | st.none()
)


def curve_key(alg: str = "ES256", kid: str = "1") -> dict[str, Any]:
    curve, name, length = CURVES[alg]
    numbers = ec.generate_private_key(curve).public_key().public_numbers()
    x, y = (b64.url_encode(number.to_bytes(length)) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": name, "x": x, "y": y, "alg": alg, "kid": kid, "use": "sig"}


def rsa_key(modulus: int, exponent: int = 65537, alg: str = "PS256") -> dict[str, Any]:
    n, e = (b64.url_encode(number.to_bytes((number.bit_length() + 7) // 8)) for number in (modulus, exponent))
    return {"kty": "RSA", "n": n, "e": e, "alg": alg, "kid": "r"}


@pytest.mark.parametrize("alg", CURVES)
def test_a_curve_key_is_taken_for_its_algorithm(alg: str) -> None:
    require_public_keys({"keys": [curve_key(alg)]})


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_of_2048_bits_is_taken(alg: str) -> None:
    modulus = rsa.generate_private_key(65537, 2048).public_key().public_numbers().n
    require_public_keys({"keys": [rsa_key(modulus, alg=alg)]})


def test_two_keys_are_taken_while_one_follows_the_other() -> None:
    require_public_keys({"keys": [curve_key(kid="old"), curve_key("ES384", kid="new")]})


@pytest.mark.parametrize("member", ["d", "p", "q", "dp", "dq", "qi", "oth", "k"])
def test_a_private_key_is_refused_and_called_so(member: str) -> None:
    with pytest.raises(Invalid, match="private key"):
        require_public_keys({"keys": [curve_key() | {member: "AQ"}]})


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "EdDSA"},
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": None},
        {"kty": "RSA"},
        {"kty": "oct"},
        {"crv": "P-384"},
        {"crv": "secp256k1"},
        {"x": "AAAA"},
        {"x": b64.url_encode(bytes(32))},
        {"y": "A" * 42 + "!"},
        {"kid": ""},
        {"kid": "k" * 65},
        {"kid": 1},
        {"use": "enc"},
        {"x5u": "https://example.com/"},
        {"key_ops": ["verify"]},
    ],
)
def test_a_key_of_another_form_is_refused(change: dict[str, Any]) -> None:
    """T30: no algorithm confusion, no weak curve, no point off the curve, nothing to fetch."""
    with pytest.raises(Invalid):
        require_public_keys({"keys": [curve_key() | change]})


@pytest.mark.parametrize("missing", ["kty", "crv", "x", "y", "alg", "kid"])
def test_a_key_without_a_member_is_refused(missing: str) -> None:
    key = curve_key()
    del key[missing]
    with pytest.raises(Invalid):
        require_public_keys({"keys": [key]})


@pytest.mark.parametrize(
    ("modulus", "exponent"),
    [
        (2**1023 + 1, 65537),
        (2**4096 + 1, 65537),
        (2**2047, 65537),
        (2**2047 + 1, 3),
        (2**2047 + 1, 65538),
        (2**2047 + 1, 2**33 + 1),
    ],
)
def test_an_rsa_key_of_another_size_is_refused(modulus: int, exponent: int) -> None:
    with pytest.raises(Invalid):
        require_public_keys({"keys": [rsa_key(modulus, exponent)]})


@pytest.mark.parametrize(
    "jwks", [{}, {"keys": []}, {"keys": "x"}, {"keys": ["x"]}, {"keys": [None]}, {"keys": {}}, {"keys": [1], "more": 1}]
)
def test_what_is_not_a_set_of_keys_is_refused(jwks: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        require_public_keys(jwks)


def test_a_third_key_and_a_second_of_the_same_kid_are_refused() -> None:
    with pytest.raises(Invalid, match="1 to 2"):
        require_public_keys({"keys": [curve_key(kid=kid) for kid in "abc"]})
    with pytest.raises(Invalid, match="same kid"):
        require_public_keys({"keys": [curve_key(), curve_key()]})


@given(st.lists(st.dictionaries(MEMBERS, VALUES)))
def test_no_input_fails_in_another_way(keys: list[dict[str, Any]]) -> None:
    with pytest.raises(Invalid):
        require_public_keys({"keys": keys})
