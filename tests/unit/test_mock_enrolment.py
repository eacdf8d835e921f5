"""docs/device-protocol.md section 2: a phone enrols with the two letters, and with nobody but the server of the QR."""

import json
from datetime import UTC, datetime

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from mobile_mock import pins
from mobile_mock.errors import BadInput, Difference, Refused, StoreFault
from tests.unit.mock_server import (
    BASE,
    CODE,
    DEVICE,
    ENROLMENT,
    ITERATIONS,
    PIN,
    SECOND,
    FakeServer,
    b64,
    jwk,
    new_key,
    problem,
    sha,
    sign,
    unb64,
)
from tests.unit.mock_server import expected_proof as proof_of


@pytest.fixture
def server():
    return FakeServer()


async def test_a_phone_enrols_with_qr_code_and_pin(server, tmp_path):
    """I11, I12."""
    phone = server.phone(tmp_path)

    receipt = await phone.enrol(server.qr(), "7k3m-9q2x 8wht-4vnb", PIN, "My phone")

    assert (receipt.server, receipt.device, receipt.user.login) == (BASE, DEVICE, "alice")
    kept = phone.kept()
    assert (kept.name, kept.counter, kept.channel_key) == ("My phone", 0, jwk(server.channel))


async def test_the_enrolment_says_what_the_protocol_lists_and_is_signed_by_the_new_key(server, tmp_path):
    """T13: proof of possession."""
    await server.enrolled(tmp_path)
    ((path, body),) = server.sent
    signed = jws.deserialize_compact(body["enrolment"], server.device_key, algorithms=["ES256"])
    claims = json.loads(signed.payload)
    keys = claims["keys"]

    assert path == f"/device/v1/enrolments/{ENROLMENT}"
    assert signed.protected == {"alg": "ES256", "typ": "dss-enrolment+jws", "jwk": keys["sig"]}
    assert claims == {
        "aud": BASE,
        "enrolment": ENROLMENT,
        "iat": int(server.clock.now().timestamp()),
        "keys": keys,
        "name": "My phone",
        "nonce": b64(b"o" * 16),
        "platform": "mobile-mock",
        "proof": proof_of(CODE, server.qr()[-43:], keys),
        "sealed_sha256": b64(sha(body["box"].encode())),
    }
    assert keys["sig"] != keys["enc"]


async def test_the_pin_proof_goes_in_a_box_tied_to_the_offer(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    box = server.opened(server.sent[0][1])
    header = box["header"]

    assert set(header) == {"alg", "enc", "kid", "epk", "apv"}
    assert (header["alg"], header["enc"], header["kid"]) == ("ECDH-ES", "A256GCM", "box-0")
    assert set(header["epk"]) == {"crv", "kty", "x", "y"}
    assert unb64(header["apv"]) == sha(b"dss/offer/v1\x00" + server.offer())
    assert unb64(box["pin_proof"]) == pins.proof(PIN, phone.kept().salt, ITERATIONS)


async def refused(server: FakeServer, folder, error: type[Exception] = Difference, said: str | None = None) -> None:
    phone = server.phone(folder)
    with pytest.raises(error, match=said):
        await phone.enrol(server.qr(), CODE, PIN)
    with pytest.raises(StoreFault):
        phone.kept()


async def test_a_second_phone_is_told_until_when_it_waits(server, tmp_path):
    """Section 7."""
    first = await server.phone(tmp_path / "first").enrol(server.qr(), CODE, PIN)
    server.change_receipt = {"active": "2026-03-02T10:00:00Z"}
    second = await server.phone(tmp_path / "second").enrol(server.qr(), CODE, PIN)

    assert (first.active, second.active) == (None, datetime(2026, 3, 2, 10, tzinfo=UTC))


async def test_an_offer_by_another_key_than_the_qr_names_is_refused(server, tmp_path):
    """T12: the QR binds the phone to one server."""
    qr, server.channel = server.qr(), new_key()

    with pytest.raises(Difference, match="QR"):
        await server.phone(tmp_path).enrol(qr, CODE, PIN)
    assert server.sent == []


@pytest.mark.parametrize(
    "change",
    [
        {"server": "https://evil.example"},
        {"enrolment": SECOND},
        {"expires": "2026-03-02T09:00:00Z"},
        {"issued": "2026-03-02T09:01:01Z"},
        {"pin": {"digits": 6}},
        {"pin": {"digits": 6, "iterations": 10**9}},
        {"box_key": {"kid": "box-0", "jwk": {}}},
        {"more": 1},
    ],
    ids=str,
)
async def test_an_offer_that_does_not_fit_is_refused_before_anything_is_sent(server, tmp_path, change):
    server.change_offer = change

    await refused(server, tmp_path)

    assert server.sent == []


async def test_an_offer_of_another_type_is_refused(server, tmp_path):
    """RFC 8725 section 3.11: a message of one kind is none of another."""
    typed = sign("dss-receipt+jws", server.offer(), server.channel)
    server.refuse = lambda _: httpx.Response(200, json={"offer": typed})

    await refused(server, tmp_path, said="typ")


@pytest.mark.parametrize("body", [{}, {"offer": 7}, {"offer": ""}, {"offer": "a.b"}, {"offer": "a.b.c"}, [], 7])
async def test_an_offer_that_is_no_jws_is_refused(server, tmp_path, body):
    server.refuse = lambda _: httpx.Response(200, json=body)

    await refused(server, tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"server": "https://evil.example"},
        {"enrolment": SECOND},
        {"enrolment_sha256": b64(sha(b"another"))},
        {"device": "7"},
        {"counter": -1},
        {"active": "soon"},
        {"active": None},
        {"user": {"id": SECOND}},
    ],
    ids=str,
)
async def test_a_receipt_for_anything_else_is_refused_and_nothing_is_kept(server, tmp_path, change):
    server.change_receipt = change

    await refused(server, tmp_path)


async def test_a_receipt_by_another_key_is_refused(server, tmp_path):
    def another_key(path: str) -> None:
        if len(server.calls) == 2:
            server.channel = new_key()

    server.refuse = another_key

    await refused(server, tmp_path, said="signed the offer")


async def test_a_wrong_code_is_refused_by_the_server_and_nothing_is_kept(server, tmp_path):
    server.refuse = lambda _: problem(403, "activation_refused") if len(server.calls) == 2 else None

    phone = server.phone(tmp_path)
    with pytest.raises(Refused) as refusal:
        await phone.enrol(server.qr(), CODE[::-1], PIN)

    assert (refusal.value.status, refusal.value.reason) == (403, "activation_refused")
    server.refuse = lambda _: None
    await phone.enrol(server.qr(), CODE, PIN)


@pytest.mark.parametrize(
    ("code", "pin", "name"),
    [
        (CODE[:-1], PIN, "Key 1"),
        (CODE, "12345678", "Key 1"),
        (CODE, PIN, ""),
        (CODE, PIN, "x" * 65),
        (CODE, PIN, "a\nb"),
    ],
)
async def test_what_the_owner_gives_is_checked_before_the_server_is_asked(server, tmp_path, code, pin, name):
    """F17, I12."""
    with pytest.raises(BadInput):
        await server.phone(tmp_path).enrol(server.qr(), code, pin, name)
    assert server.calls == []


async def test_a_server_may_demand_a_longer_pin(server, tmp_path):
    server.change_offer = {"pin": {"digits": 8, "iterations": ITERATIONS}}

    await refused(server, tmp_path, BadInput)


async def test_a_phone_is_enrolled_once(server, tmp_path):
    phone = await server.enrolled(tmp_path)

    with pytest.raises(StoreFault, match="already"):
        await phone.enrol(server.qr(), CODE, PIN)


async def test_every_enrolment_makes_new_keys_and_a_new_salt(server, tmp_path):
    phones = [await server.enrolled(tmp_path / name) for name in ("a", "b")]
    one, two = (phone.kept() for phone in phones)

    secrets = {one.signature_key["d"], one.encryption_key["d"], two.signature_key["d"], two.encryption_key["d"]}
    assert len(secrets) == 4
    assert one.salt != two.salt
    assert len(one.salt) == 16


async def test_a_jwk_with_more_than_its_public_members_is_refused(server, tmp_path):
    """Section 1: a JWK is crv, kty, x, y and nothing else."""
    private = ECKey.generate_key("P-256", auto_kid=False)
    server.change_offer = {"box_key": {"kid": "box-0", "jwk": {**jwk(private), "d": "AA"}}}

    await refused(server, tmp_path, said="crv, kty, x and y")
