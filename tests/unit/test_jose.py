"""JWS and JWE in the narrow forms of the device protocol (docs/device-protocol.md section 1)."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwe
from joserfc.jwk import ECKey

from dss.infra import jose
from dss.kernel import b64, canonical
from dss.kernel.errors import BadRequest
from tests.world.jws import new_key, public_jwk, sign, sign_claims

KEY = new_key()
TYP = "dss-answer+jws"


def read(text: str) -> jose.Jws:
    return jose.read_jws(text, TYP, names_key_by="jwk")


def test_a_jws_reads_as_it_was_written_and_verifies_with_its_key_only() -> None:
    jws = read(sign_claims(TYP, {"a": 1}, KEY))
    jws.verify(KEY.public_key())
    assert jws.claims == {"a": 1}
    with pytest.raises(BadRequest):
        jws.verify(new_key().public_key())


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES384"},
        {"typ": "JWT"},
        {"crit": ["b64"]},
        {"kid": "other"},
        {"jku": "https://evil.example"},
        {"x5u": "https://evil.example"},
    ],
)
def test_t30_any_other_header_is_refused(change: dict[str, Any]) -> None:
    header = {"alg": "ES256", "typ": TYP, "jwk": public_jwk(KEY)} | change
    with pytest.raises(BadRequest):
        read(sign(header, b"{}", KEY))


def test_a_header_without_its_key_is_refused() -> None:
    with pytest.raises(BadRequest):
        read(sign({"alg": "ES256", "typ": TYP}, b"{}", KEY))


@pytest.mark.parametrize(
    "payload", [b'{"a": 1}', b'{"b":1,"a":1}', b'{"a":1,"a":1}', b"[]", b"1", b"", b"\xff", b'{"a":1.0}']
)
def test_t61_a_payload_that_is_not_canonical_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRequest):
        read(sign({"alg": "ES256", "typ": TYP, "jwk": public_jwk(KEY)}, payload, KEY))


@given(st.integers(min_value=0), st.sampled_from("ABCDEFGHabcdefgh0123=-_.+/ \n"))
def test_changing_any_character_of_a_jws_breaks_it(place: int, character: str) -> None:
    text = sign_claims(TYP, {"a": 1}, KEY)
    place %= len(text)
    changed = text[:place] + character + text[place + 1 :]
    if changed == text:
        return
    with pytest.raises(BadRequest):
        read(changed).verify(KEY.public_key())


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_fail_in_another_way(text: str) -> None:
    for reader in (read, jose.read_jwe):
        with pytest.raises(BadRequest):
            reader(text)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"x": "AA"},
        {"y": "!"},
        {"d": "AA"},
        {"x": 1},
        {"x": b64.url_encode(bytes(32))},
    ],
)
def test_a_key_that_is_not_a_public_point_of_p256_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        jose.read_jwk(public_jwk(KEY) | change)


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    jwk = public_jwk(KEY)
    assert jose.thumbprint(jwk) == ECKey.import_key(jwk).thumbprint()


def sealed(plain: bytes, receiver: ec.EllipticCurvePrivateKey, **header: Any) -> str:
    protected = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "box", "apv": b64.url_encode(b"binding")} | header
    return jwe.encrypt_compact(protected, plain, ECKey.import_key(public_jwk(receiver)))


def opened(text: str, receiver: ec.EllipticCurvePrivateKey) -> Any:
    box = jose.read_jwe(text)
    return box.open(receiver.exchange(ec.ECDH(), box.peer))


def test_a_box_made_by_another_implementation_opens_with_the_agreed_secret() -> None:
    receiver = new_key()
    text = sealed(canonical.encode({"pin_proof": "x"}), receiver)
    assert opened(text, receiver) == {"pin_proof": "x"}
    assert jose.read_jwe(text).context == b"binding"


def test_a_box_for_another_key_or_another_context_does_not_open() -> None:
    receiver = new_key()
    text = sealed(b"{}", receiver)
    with pytest.raises(BadRequest):
        opened(text, new_key())
    head, rest = text.split(".", 1)
    header = json.loads(b64.url_decode(head)) | {"apv": b64.url_encode(b"another")}
    with pytest.raises(BadRequest):
        opened(f"{b64.url_encode(json.dumps(header).encode())}.{rest}", receiver)


@pytest.mark.parametrize("change", [{"enc": "A128GCM"}, {"zip": "DEF"}])
def test_a_box_in_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        jose.read_jwe(sealed(b"{}", new_key(), **change))
