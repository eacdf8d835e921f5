"""DPoP proofs by themselves: RFC 9449 sections 4.2 and 4.3, RFC 8725."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk, jws

from dss.kernel import b64
from dss.kernel.errors import DssError
from dss.oauth import dpop
from dss.oauth.errors import InvalidDpopProof
from tests.world.clock import START, HandClock
from tests.world.dpop import DpopKey, changed_header
from tests.world.relying_app import part

URL = "https://sign.example/v1/signatures"
KEY = DpopKey.new(HandClock())
CLAIMS = KEY.claims("GET", URL)
RSA = jwk.RSAKey.generate_key(2048, private=True)
WEAK = {"kty": "RSA", "e": "AQAB", "n": "0" * 170 + "8"}


def accept(text: str, method: str = "GET", url: str = URL, token: str = "") -> dpop.DpopProof:
    proof = dpop.read(text)
    proof.require_for(method, url, START)
    if token:
        proof.require_of(token)
    return proof


@pytest.mark.parametrize("algorithm", dpop.ALGORITHMS)
def test_a_proof_by_each_kind_of_key_names_that_key(algorithm: str):
    key = DpopKey.new(HandClock(), algorithm)

    assert accept(key.proof("GET", URL)).jkt == key.jkt


def test_a_key_is_known_by_what_makes_it_one_whatever_else_is_said_of_it():
    """RFC 7638 section 3.2: a thumbprint is over the required members."""
    member = {**KEY.public, "alg": "ES256", "use": "sig", "kid": "mine"}

    assert accept(changed_header(KEY, CLAIMS, jwk=member)).jkt == KEY.jkt


def test_t30_a_proof_that_is_not_signed_is_refused():
    """RFC 8725 section 2.1: alg none, in any writing."""
    for alg in ("none", "None", "nOnE", "", None, 7, ["ES256"]):
        for signature in ("", KEY.proof("GET", URL).split(".")[2]):
            with pytest.raises(InvalidDpopProof):
                accept(f"{part(KEY.header(alg=alg))}.{part(CLAIMS)}.{signature}")


def test_t30_an_hmac_by_the_public_key_is_refused():
    """RFC 8725 section 2.1: RS/HS confusion, with the key in the proof itself."""
    for secret in (KEY.key.as_pem(private=False), json.dumps(KEY.public).encode()):
        key = jwk.OctKey.import_key(b64.url_encode(secret))
        header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": KEY.public}
        forged = jws.serialize_compact(header, json.dumps(CLAIMS), key, algorithms=["HS256"])
        with pytest.raises(InvalidDpopProof):
            accept(forged)


@pytest.mark.parametrize("algorithm", ["ES512", "ES256K"])
def test_t30_a_key_of_another_curve_than_those_that_are_taken_is_refused(algorithm: str):
    with pytest.raises(InvalidDpopProof):
        accept(DpopKey.new(HandClock(), algorithm).proof("GET", URL))


@pytest.mark.parametrize(
    "member",
    [
        KEY.key.as_dict(private=True),
        {**KEY.public, "d": "AA"},
        {**KEY.public, "x": KEY.public["y"]},
        {**KEY.public, "x": KEY.public["x"] + "="},
        {**KEY.public, "crv": "P-384"},
        {**KEY.public, "kty": "RSA"},
        {**KEY.public, "kty": "oct", "k": "AAAA"},
        {**KEY.public, "x5u": "https://thief.example"},
        {**KEY.public, "alg": "ES384"},
        {**KEY.public, "use": "enc"},
        {**KEY.public, "x": 7},
        {name: value for name, value in KEY.public.items() if name != "y"},
        RSA.as_dict(private=False),
        WEAK,
        {},
        [],
        "x",
        None,
    ],
)
def test_t30_a_proof_whose_key_is_not_a_strict_public_key_for_its_algorithm_is_refused(member: Any):
    """RFC 9449 section 4.3, items 7 and 8; RFC 8725 section 3.4."""
    with pytest.raises(InvalidDpopProof):
        accept(changed_header(KEY, CLAIMS, jwk=member))


@pytest.mark.parametrize(
    "changes",
    [{"crit": ["b64"], "b64": False}, {"crit": []}, {"b64": False}, {"kid": "x"}, {"jku": "https://thief.example"}]
    + [{"typ": typ} for typ in (None, "JWT", "at+jwt", "DPOP+JWT", 5, [])]
    + [{"alg": alg} for alg in ("ES384", "RS256", "PS256")],
)
def test_t30_a_header_of_anything_else_than_a_proof_is_refused(changes: dict[str, Any]):
    """RFC 9449 section 4.2, RFC 8725 section 3.11, RFC 7515 section 4.1.11."""
    with pytest.raises(InvalidDpopProof):
        accept(changed_header(KEY, CLAIMS, **changes))


def test_a_proof_signed_by_another_key_than_the_one_in_it_is_refused():
    thief = DpopKey.new(HandClock())
    with pytest.raises(InvalidDpopProof, match="does not verify"):
        accept(thief.sign(KEY.header(), CLAIMS))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"htm": "POST"}, "htm"),
        ({"htm": "get"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htm": ["GET"]}, "htm"),
        ({"htu": "https://sign.example/v1/signatures/1"}, "htu"),
        ({"htu": "http://sign.example/v1/signatures"}, "htu"),
        ({"htu": "https://sign.example:8443/v1/signatures"}, "htu"),
        ({"htu": "https://sign.example.org/v1/signatures"}, "htu"),
        ({"htu": "https://user@sign.example/v1/signatures"}, "htu"),
        ({"htu": "https://sign.example/v1/Signatures"}, "htu"),
        ({"htu": "/v1/signatures"}, "htu"),
        ({"htu": "https://[sign.example/v1/signatures"}, "htu"),
        ({"htu": "https://sign.example:99999/v1/signatures"}, "htu"),
        ({"htu": "https://sign.example:x/v1/signatures"}, "htu"),
        ({"htu": 7}, "htu"),
        ({"htu": None}, "htu"),
        ({"iat": None}, "iat"),
        ({"iat": "now"}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": float(START.timestamp())}, "iat"),
        ({"iat": 10**30}, "iat"),
        ({"iat": -1}, "iat"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 256}, "jti"),
        ({"jti": "a\x00b"}, "jti"),
        ({"jti": "\ud800"}, "jti"),
        ({"jti": 7}, "jti"),
    ],
)
def test_t35_a_proof_of_another_request_is_refused_and_told_why(changes: dict[str, Any], told: str):
    """RFC 9449 section 4.3, items 3 and 9 to 11."""
    with pytest.raises(InvalidDpopProof, match=told):
        accept(KEY.proof("GET", URL, **changes))


@pytest.mark.parametrize("seconds", [-61, 61, 3600])
def test_t35_a_proof_of_another_time_is_refused(seconds: int):
    with pytest.raises(InvalidDpopProof, match="iat"):
        accept(KEY.proof("GET", URL, iat=int((START + timedelta(seconds=seconds)).timestamp())))


@pytest.mark.parametrize("seconds", [-60, 0, 60])
def test_clocks_may_differ_by_a_minute(seconds: int):
    assert accept(KEY.proof("GET", URL, iat=int((START + timedelta(seconds=seconds)).timestamp())))


@pytest.mark.parametrize("ath", [None, "", "x", 7, "A" * 43, "é"])
def test_t35_a_proof_for_another_token_is_refused(ath: Any):
    """RFC 9449 section 4.3, item 12."""
    assert accept(KEY.proof("GET", URL, token="mine"), token="mine")
    with pytest.raises(InvalidDpopProof, match="ath"):
        accept(KEY.proof("GET", URL, ath=ath), token="mine")


@pytest.mark.parametrize(
    "alike",
    [
        "https://sign.example/v1/signatures",
        "HTTPS://SIGN.example:443/v1/signatures",
        "https://sign.example/v1/signatures?limit=1#x",
        "https://sign.example/v1/%73ignatures",
        "https://sign.example/v1/./x/../signatures",
        "https://sign.example:/v1/signatures",
    ],
)
def test_urls_that_are_one_by_rfc_3986_are_one(alike: str):
    """RFC 9449 section 4.3, item 9: compared after syntax- and scheme-based normalisation, without query."""
    assert dpop.normalised(alike) == URL


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://x/a%2fb", "https://x/a/b"),
        ("https://x/a/", "https://x/a"),
        ("https://x/a%00", "https://x/a"),
        ("https://x", "http://x"),
    ],
)
def test_urls_that_differ_stay_apart(one: str, other: str):
    assert dpop.normalised(one) != dpop.normalised(other)


@pytest.mark.parametrize("url", ["https://sign.example/\xe9", "https://sign.example/a b", "https://sign.example/\x00"])
def test_t35_a_path_that_is_no_url_has_no_proof_at_all(url: str):
    """Two things that cannot be read are not thereby the same."""
    for htu in (url, 7, "", "https://[x"):
        with pytest.raises(InvalidDpopProof, match="htu"):
            accept(KEY.proof("GET", URL, htu=htu), url=url)


def test_the_empty_path_is_the_root():
    assert dpop.normalised("https://x") == dpop.normalised("https://x/") == "https://x/"


PROOF = KEY.proof("GET", URL)
DEEP = b'{"a":' * 5000
MALFORMED = ["", "x", "..", "a.b.c", "....", "é.é.é", "x" * 9000, f"{PROOF},{PROOF}", f"{PROOF}=", f" {PROOF}"]
MALFORMED += [f"{part(header)}.{part(CLAIMS)}.AA" for header in ([], 7, None, "x", {}, b"\xff", DEEP)]
MALFORMED += [f"{part(KEY.header())}.{part(claims)}.AA" for claims in ([], 7, None, b"\xff", DEEP, b"9" * 5000)]
MALFORMED += [
    KEY.sign(KEY.header(), claims) for claims in ([], 7, b"{", b'{"iat":1,"iat":1}', b'{"iat":' + b"9" * 4999)
]
MALFORMED += [KEY.sign(json.dumps(KEY.header())[:-1].encode() + b',"typ":"dpop+jwt"}', CLAIMS)]


@pytest.mark.parametrize("text", MALFORMED)
def test_a_malformed_proof_is_refused_and_breaks_nothing(text: str):
    with pytest.raises(InvalidDpopProof):
        accept(text)


ANY = st.recursive(
    st.none() | st.booleans() | st.text() | st.integers() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(text=st.text(max_size=60))
def test_no_text_breaks_the_reader(text: str):
    with pytest.raises(InvalidDpopProof):
        accept(text)


@given(member=ANY)
def test_no_key_breaks_the_reader(member: Any):
    with pytest.raises(InvalidDpopProof):
        accept(changed_header(KEY, CLAIMS, jwk=member if member is not None else "none"))


@given(name=st.sampled_from(sorted(KEY.public)), value=ANY)
def test_no_member_of_a_key_breaks_the_reader(name: str, value: Any):
    with pytest.raises(InvalidDpopProof):
        accept(changed_header(KEY, CLAIMS, jwk={**KEY.public, name: value}))


@given(name=st.sampled_from(["htm", "htu", "iat", "jti", "ath"]), value=ANY)
def test_no_claim_breaks_the_checks(name: str, value: Any):
    try:
        accept(KEY.proof("GET", URL, token="mine", **{name: value}), token="mine")
    except DssError as error:
        assert isinstance(error, InvalidDpopProof)  # noqa: PT017  some values are right
    else:
        assert name == "jti"


@given(url=st.text(max_size=40) | st.text(max_size=20).map(lambda text: f"https://{text}"))
def test_a_normalised_url_is_in_its_last_writing(url: str):
    once = dpop.normalised(url)
    assert once is None or dpop.normalised(once) == once
