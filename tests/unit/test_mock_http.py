"""docs/device-protocol.md section 3: every call carries a proof of possession, and every failure has one name."""

import json
from email.utils import format_datetime

import httpx
import pytest
from joserfc import jws

from mobile_mock.errors import Difference, Refused, Unreachable
from mobile_mock.server import Server
from tests.unit.mock_server import BASE, FIRST, PIN, FakeServer, b64, canonical, jwk, problem, sign


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.calls.clear()
    return phone


def proofs(server: FakeServer) -> list[dict]:
    """The claims of all proofs, each with a valid signature by the phone."""
    texts = [call.headers["DPoP"] for call in server.calls]
    return [json.loads(jws.deserialize_compact(text, server.device_key).payload) for text in texts]


async def test_every_call_carries_a_proof_for_its_method_its_address_and_its_time(server, phone):
    """RFC 9449 section 4.2."""
    server.ask_to_create()
    await phone.waiting(wait=5)
    await phone.confirm(await phone.show(FIRST), PIN)

    said = [(claims["htm"], claims["htu"]) for claims in proofs(server)]
    at = f"{BASE}/device/v1/transactions"
    assert said == [("GET", at), ("GET", f"{at}/{FIRST}"), ("POST", f"{at}/{FIRST}/answer")]
    assert {claims["iat"] for claims in proofs(server)} == {int(server.clock.now().timestamp())}
    assert all(set(claims) == {"htm", "htu", "iat", "jti"} for claims in proofs(server))


async def test_a_proof_names_its_key_and_is_never_made_twice(server, phone):
    for _ in range(3):
        await phone.waiting()

    headers = [jws.extract_compact(call.headers["DPoP"].encode()).protected for call in server.calls]
    assert headers == [{"alg": "ES256", "typ": "dpop+jwt", "jwk": jwk(server.device_key)}] * 3
    assert len({claims["jti"] for claims in proofs(server)}) == 3


async def test_enrolment_carries_no_proof_as_nobody_knows_the_phone_yet(server, tmp_path):
    await server.enrolled(tmp_path)

    assert all("DPoP" not in call.headers for call in server.calls)


def blaming_the_clock(server: FakeServer, ahead: int) -> None:
    """Refuse proofs that are more than a minute from a server whose clock is ahead, in seconds."""

    def refuse(path: str) -> httpx.Response | None:
        theirs = int(server.clock.now().timestamp()) + ahead
        if abs(proofs(server)[-1]["iat"] - theirs) <= 60:
            return None
        told = server.clock.now().replace(hour=9 + ahead // 3600)
        how = {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"', "Date": format_datetime(told, usegmt=True)}
        return problem(401, "unauthenticated", **how)

    server.refuse = refuse


async def test_a_phone_whose_clock_is_wrong_takes_the_servers_time_for_its_proofs(server, phone):
    """T44."""
    blaming_the_clock(server, ahead=7200)

    assert await phone.waiting() == []
    assert len(server.calls) == 2
    await phone.waiting()
    assert len(server.calls) == 3


async def test_the_servers_time_does_not_make_an_expired_request_valid(server, phone):
    """T38: what is shown is judged by the phone's own clock."""
    blaming_the_clock(server, ahead=-7200)
    server.ask_to_create()
    server.clock.move(301)

    with pytest.raises(Difference, match="expired"):
        await phone.show(FIRST)


@pytest.mark.parametrize("date", ["", "yesterday"])
async def test_a_refused_proof_is_tried_once_more_at_most(server, phone, date):
    how = {"WWW-Authenticate": 'DPoP error="invalid_dpop_proof"', "Date": date}
    server.refuse = lambda path: problem(401, "unauthenticated", **how)

    with pytest.raises(Refused):
        await phone.waiting()
    assert len(server.calls) == 1


@pytest.mark.parametrize("fault", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x")])
async def test_a_server_that_does_not_answer_is_unreachable(server, phone, fault):
    def fail(path: str) -> None:
        raise fault

    server.refuse = fail
    with pytest.raises(Unreachable):
        await phone.waiting()


async def test_a_refusal_tells_its_status_and_the_servers_code(server, phone):
    """RFC 9457."""
    server.refuse = lambda path: problem(423, "locked")

    with pytest.raises(Refused) as refusal:
        await phone.waiting()
    assert (refusal.value.status, refusal.value.reason, refusal.value.detail) == (423, "locked", "It was refused")


@pytest.mark.parametrize("content", [b"", b"<html>", b"[]", b"7", b"\xff", b"[" * 100_000])
async def test_a_refusal_in_another_form_is_a_refusal_all_the_same(server, phone, content):
    server.refuse = lambda path: httpx.Response(502, content=content)

    with pytest.raises(Refused) as refusal:
        await phone.waiting()
    assert refusal.value.status == 502


async def test_a_redirect_is_not_followed(server, phone):
    server.refuse = lambda path: httpx.Response(307, headers={"Location": "https://evil.example/"})

    with pytest.raises(Refused):
        await phone.waiting()
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b'{"transactions":7}', b'{"transactions":[7]}', b'{"transactions":[],"more":1}'),
        b'{"transactions":[{"id":"../x","kind":"sign","expires":"2026-03-02T09:00:00Z"}]}',
        b'{"transactions":["' + b"x" * 2_000_000 + b'"]}',
    ],
    ids=range(8),
)
async def test_an_answer_in_another_form_than_the_protocols_is_refused(server, phone, content):
    server.refuse = lambda path: httpx.Response(200, content=content)

    with pytest.raises(Difference):
        await phone.waiting()


async def test_a_request_whose_signature_does_not_verify_is_refused(server, phone):
    """T30."""
    signed, other = (sign("dss-confirmation-request+jws", text, server.channel) for text in (b"{}", b"[]"))
    text = f"{signed.rpartition('.')[0]}.{other.rpartition('.')[2]}"
    server.refuse = lambda path: httpx.Response(200, json={"state": "awaiting", "request": text})

    with pytest.raises(Difference, match="does not verify"):
        await phone.show(FIRST)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none", "typ": "dss-confirmation-request+jws"},
        {"alg": "HS256", "typ": "dss-confirmation-request+jws"},
        {"alg": "ES256", "typ": "JWT"},
        {"alg": "ES256", "typ": "dss-confirmation-request+jws", "crit": ["b64"]},
        {"alg": "ES256", "typ": "dss-confirmation-request+jws", "kid": "1"},
    ],
    ids=str,
)
async def test_a_request_with_any_other_header_is_refused(server, phone, header):
    """T30, RFC 8725: no other algorithm, no other type, no more members."""
    right = sign("dss-confirmation-request+jws", canonical(server.ask()), server.channel)
    head = b64(canonical({**header, "jwk": jwk(server.channel)}))
    text = ".".join([head, *right.split(".")[1:]])
    server.refuse = lambda path: httpx.Response(200, json={"state": "awaiting", "request": text})

    with pytest.raises(Difference, match="header"):
        await phone.show(FIRST)


async def test_a_server_without_its_name_is_unreachable(server):
    with pytest.raises(Unreachable):
        await Server(httpx.AsyncClient(), "https://", None, server.clock.now).get("/device/v1/transactions")
