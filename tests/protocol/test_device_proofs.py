"""The proof of possession that every call of a phone needs (RFC 9449 section 4.3; T35)."""

from typing import Any

import pytest

from dss.web.device.api import DEVICE
from tests.protocol.prover import LIST, Prover
from tests.protocol.scene import ABSENT, Refusal, Scene, assert_refused, scene
from tests.world.jws import new_key, public_jwk

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRIVATE = [one.declared for one in DEVICE.operations if not one.declared.public]


@pytest.fixture
def alice(scene: Scene) -> Prover:
    return Prover.of(scene.world, scene.alice.phone)


async def refuses(prover: Prover, *proofs: str, says: str = "") -> None:
    refusal = Refusal(401, "unauthenticated", says)
    answer = await assert_refused(prover.world, prover.with_proofs(*proofs), refusal, by="")
    assert answer.headers["www-authenticate"] == 'DPoP error="invalid_dpop_proof"'


async def test_a_right_proof_opens_the_list(alice: Prover):
    assert (await alice.call()).status_code == 200


@pytest.mark.parametrize("operation", PRIVATE, ids=lambda one: f"{one.method} {one.path}")
async def test_t35_no_call_is_served_without_a_proof_and_none_tells_what_exists(scene: Scene, operation: Any):
    path = operation.path.format(id=ABSENT, index=0)
    async with scene.world.http() as http:
        call = http.request(operation.method, path, json={} if operation.method == "POST" else None)
        answer = await assert_refused(scene.world, call, Refusal(401, "unauthenticated", "one DPoP header"), by="")
    assert answer.headers["www-authenticate"] == 'DPoP error="invalid_dpop_proof"'


async def test_t35_two_proofs_are_refused_though_both_are_right(alice: Prover):
    """RFC 9449 section 4.3, check 1."""
    await refuses(alice, alice.proof(), alice.proof(), says="one DPoP header")


async def test_t35_an_access_token_is_no_proof(scene: Scene, alice: Prover):
    await refuses(alice, scene.shop.http.headers["Authorization"].removeprefix("Bearer "))


@pytest.mark.parametrize("method", ["POST", "HEAD", "get", "", 1])
async def test_t35_a_proof_is_for_one_method(alice: Prover, method: Any):
    await refuses(alice, alice.proof(htm=method), says=f"GET http://dss.test{LIST}")


@pytest.mark.parametrize(
    "url",
    [
        f"http://dss.test{LIST}/",
        f"http://dss.test{LIST}?wait=0",
        f"http://dss.test{LIST}/{ABSENT}",
        f"https://dss.test{LIST}",
        f"http://other.test{LIST}",
        LIST,
        ["http://dss.test"],
    ],
)
async def test_t35_a_proof_is_for_one_url(alice: Prover, url: Any):
    await refuses(alice, alice.proof(htu=url), says=f"GET http://dss.test{LIST}")


@pytest.mark.parametrize("seconds", [-60, 60])
async def test_t44_a_proof_may_be_a_minute_from_the_server_s_time(alice: Prover, seconds: int):
    now = int(alice.world.clock.now().timestamp())
    assert (await alice.with_proofs(alice.proof(iat=now + seconds))).status_code == 200


@pytest.mark.parametrize("seconds", [-61, 61, -(2**40), 10**400], ids=lambda it: str(it)[:8])
async def test_t44_a_proof_that_is_older_or_of_the_future_is_refused(alice: Prover, seconds: int):
    now = int(alice.world.clock.now().timestamp())
    await refuses(alice, alice.proof(iat=now + seconds), says="more than 60 s from the server's time")


@pytest.mark.parametrize("iat", [True, "0", 1.5, [], {}, float("nan"), float("inf")])
async def test_t35_the_time_of_a_proof_is_an_integer(alice: Prover, iat: Any):
    await refuses(alice, alice.proof(iat=iat))


@pytest.mark.parametrize("jti", ["", "x" * 15, "x" * 129, 1, [], "\ud800" * 16, "é" * 16], ids=ascii)
async def test_t35_the_id_of_a_proof_is_of_16_to_128_ascii_characters(alice: Prover, jti: Any):
    await refuses(alice, alice.proof(jti=jti), says="16 to 128 ASCII characters")


async def test_t35_a_proof_is_good_once(alice: Prover):
    proof = alice.proof()
    assert (await alice.with_proofs(proof)).status_code == 200
    await refuses(alice, proof, says="used before")


async def test_t35_another_proof_with_the_same_id_is_refused(alice: Prover):
    claims = alice.claims()
    assert (await alice.with_proofs(alice.signed(claims))).status_code == 200
    await refuses(alice, alice.signed(claims), says="used before")


async def test_t35_a_proof_by_a_key_that_no_phone_has_is_refused(scene: Scene, alice: Prover):
    await refuses(alice, Prover(scene.world, alice.device, new_key()).proof(), says="no registered key")


async def test_t35_a_proof_that_shows_one_key_and_is_signed_by_another_is_refused(alice: Prover):
    await refuses(alice, alice.signed(alice.claims(), key=new_key()), says="does not verify")


@pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat"])
async def test_t35_a_proof_without_one_of_its_claims_is_refused(alice: Prover, claim: str):
    await refuses(alice, alice.proof(**{claim: None}), says="jti, htm, htu and iat")


@pytest.mark.parametrize("claim", ["ath", "nonce", "exp", "sub"])
async def test_t35_a_proof_with_a_further_claim_is_refused(alice: Prover, claim: str):
    await refuses(alice, alice.proof(**{claim: "x"}), says="jti, htm, htu and iat")


@pytest.mark.parametrize("claims", [None, [], "text", 1, {}])
async def test_t35_a_proof_that_claims_nothing_is_refused(alice: Prover, claims: Any):
    await refuses(alice, alice.signed(claims))


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "RS256"},
        {"alg": None},
        {"typ": "jwt"},
        {"typ": "dss-answer+jws"},
        {"typ": None},
        {"jwk": None},
        {"jwk": "x"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"kid": "x"},
        {"crit": ["exp"]},
        {"b64": False},
    ],
    ids=str,
)
async def test_t30_a_proof_with_another_header_is_refused(alice: Prover, header: dict[str, Any]):
    """RFC 8725 section 3.1."""
    await refuses(alice, alice.signed(alice.claims(), **header), says="does not verify")


@pytest.mark.parametrize("change", [{"d": "AAAA"}, {"x": "AAAA"}, {"crv": "P-384"}, {"y": 1}, {"x": "\ud800"}], ids=str)
async def test_t30_a_proof_with_a_key_of_another_form_is_refused(alice: Prover, change: dict[str, Any]):
    await refuses(alice, alice.signed(alice.claims(), jwk={**public_jwk(alice.key), **change}), says="does not verify")


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "é", "a.b.c.d.e", "x" * 70_000])
async def test_t35_what_is_no_jws_is_refused(alice: Prover, text: str):
    await refuses(alice, text.encode("latin-1"), says="does not verify")  # type: ignore[arg-type]


async def test_t32_what_is_another_person_s_looks_absent_to_every_call_of_a_phone(scene: Scene):
    id = await scene.ask()
    user = await scene.world.user("bob")
    bob = Prover.of(scene.world, await scene.world.phone(user))
    for operation in PRIVATE:
        if "{id}" in operation.path:
            told = [await absent(bob, operation, one) for one in (id, ABSENT)]
            assert told[0] == told[1]


async def absent(prover: Prover, operation: Any, id: str) -> bytes:
    """The answer to a call about a transaction that the phone may not know of."""
    more = {"json": {"answer": "a.b.c"}} if operation.method == "POST" else {}
    call = prover.call(operation.method, operation.path.format(id=id, index=0), **more)
    by = f"device:{prover.device}"
    return (await assert_refused(prover.world, call, Refusal(404, "not_found"), by)).content
