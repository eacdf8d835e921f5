"""Answers that a registered phone signed rightly, and that say something wrong: refused alike (T01-T03, T28)."""

import hashlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.devices.answer import LONGEST
from dss.kernel import b64, canonical
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, HASH, Refusal, Scene, assert_refused, log, scene
from tests.world.jws import new_key, sign
from tests.world.world import PIN

__all__ = ["scene"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

MEMBERS = ("aud", "binding", "counter", "decision", "iat", "sealed_sha256", "txn", "verification")
quick = settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
words = st.sampled_from(["", "pin", "biometric", "confirm", "decline", "none", HASH, ABSENT, "0", "é", "\x00"])
plain = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=40) | words
values = plain | st.lists(plain, max_size=2) | st.dictionaries(words, plain, max_size=2)


@dataclass
class Answered:
    """A request that awaits its answer, and all parts of a right one."""

    scene: Scene
    id: str
    prover: Prover
    claims: dict[str, Any]
    box: str
    counter: int

    def said(self, **changes: Any) -> dict[str, Any]:
        """What the answer says, with the next counter and with changes."""
        self.counter += 1
        return {**self.claims, "counter": self.counter, **changes}

    async def send(self, jws: str, box: str | None = "") -> Any:
        """Send an answer; with its own box, another, or none."""
        body = {"answer": jws} if box is None else {"answer": jws, "box": box or self.box}
        return await self.prover.call("POST", f"/device/v1/transactions/{self.id}/answer", json=body)

    async def refuses(self, jws: str, box: str | None = "") -> None:
        """Assert that an answer is refused, told of once, and leaves the request as it was."""
        told = await log(self.scene.world)
        answer = await self.send(jws, box)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:dss:error:answer_refused"), answer.text
        assert "detail" not in answer.json(), "a refused answer tells what is wrong with it"
        new = [one.event for one in await log(self.scene.world) if one not in told]
        (event,) = [event for event in new if event.kind != "device.answer_counted"]
        assert event.kind in {"request.refused", "transaction.answer_refused"}
        assert await self.state() == "awaiting"

    async def state(self) -> str:
        return str((await self.scene.shop.get(f"/v1/signatures/{self.id}"))["state"])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def answered(scene: Scene) -> AsyncIterator[Answered]:
    """One request for all these answers. At the end the right one is accepted: each was refused for what it said."""
    phone = scene.alice.phone
    id = (await scene.shop.ask_hashes(scene.alice, HASH))["id"]
    right = await phone.prepare(await phone.show(id), PIN)
    device = await scene.world.services.devices.get(phone.kept().device)
    made = Answered(scene, id, Prover.of(scene.world, phone), payload_of(right.jws), right.box or "", device.counter)
    yield made
    answer = await made.send(made.prover.answer(made.said()))
    assert answer.json() == {"state": "confirmed"}
    await scene.world.settle()
    assert await made.state() == "signed"


@pytest.mark.parametrize("member", MEMBERS)
async def test_t28_an_answer_without_one_of_its_members_is_refused(answered: Answered, member: str):
    said = answered.said()
    del said[member]
    await answered.refuses(answered.prover.answer(said))


@pytest.mark.parametrize("member", ["reason", "nonce", "state", "k_act"])
async def test_t28_an_answer_with_a_further_member_is_refused(answered: Answered, member: str):
    await answered.refuses(answered.prover.answer(answered.said(**{member: "x"})))


@pytest.mark.parametrize("member", [member for member in MEMBERS if member != "counter"])
@given(value=values)
@quick
async def test_t28_an_answer_with_any_other_value_in_a_member_is_refused(answered: Answered, member: str, value: Any):
    if value != answered.claims[member]:
        await answered.refuses(answered.prover.answer(answered.said(**{member: value})))


@pytest.mark.parametrize("counter", [0, -1, None, True, "7", [], {}, 2**53 - 1.0], ids=str)
async def test_t28_a_counter_is_a_positive_integer(answered: Answered, counter: Any):
    if isinstance(counter, float):
        claims = canonical.encode(answered.said(counter=7)).replace(b'"counter":7', b'"counter":7.0')
        header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": answered.prover.device}
        await answered.refuses(sign(header, claims, answered.prover.key))
    else:
        await answered.refuses(answered.prover.answer(answered.said(counter=counter)))


@pytest.mark.parametrize("seconds", [-61, 61, -(10**9), 10**9])
async def test_t44_an_answer_made_more_than_a_minute_from_the_server_s_time_is_refused(
    answered: Answered, seconds: int
):
    await answered.refuses(answered.prover.answer(answered.said(iat=answered.claims["iat"] + seconds)))


@pytest.mark.parametrize(
    "change", [{"alg": "none"}, {"alg": "HS256"}, {"typ": "dpop+jwt"}, {"kid": ABSENT}, {"b64": False}], ids=str
)
async def test_t30_an_answer_with_another_header_is_refused(answered: Answered, change: dict[str, Any]):
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": answered.prover.device, **change}
    await answered.refuses(sign(header, canonical.encode(answered.said()), answered.prover.key))


async def test_t03_an_answer_by_another_key_is_refused(answered: Answered):
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": answered.prover.device}
    await answered.refuses(sign(header, canonical.encode(answered.said()), new_key()))


@pytest.mark.parametrize(
    "payload", [b"", b"{}", b"null", b"[]", b'{"a":1,"a":2}', b'{ "aud": 1 }', b"\xff", b"[" * 9999]
)
async def test_t28_what_is_no_answer_is_refused(answered: Answered, payload: bytes):
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": answered.prover.device}
    await answered.refuses(sign(header, payload, answered.prover.key))


@pytest.mark.parametrize("jws", ["", ".", "a.b.c", "..", "é.é.é", "e30.e30.e30"])
async def test_t28_what_is_no_jws_is_refused(answered: Answered, jws: str):
    await answered.refuses(jws)


async def test_t28_an_answer_is_written_in_one_way_only(answered: Answered):
    """RFC 8785: the same values in another order are other bytes."""
    said = canonical.encode(answered.said())
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": answered.prover.device}
    await answered.refuses(sign(header, said.replace(b'{"aud"', b'{ "aud"'), answered.prover.key))


async def test_t28_a_confirmation_is_not_turned_into_a_refusal_nor_the_other_way(answered: Answered):
    await answered.refuses(answered.prover.answer(answered.said(decision="decline")))
    declined = {name: answered.claims[name] for name in ("aud", "binding", "iat", "txn")}
    for box in ("", None):
        said = {**declined, "counter": answered.said()["counter"], "decision": "confirm"}
        await answered.refuses(answered.prover.answer(said), box)
    said = {**declined, "counter": answered.said()["counter"], "decision": "decline"}
    await answered.refuses(answered.prover.answer(said), answered.box)


@pytest.mark.parametrize("reason", ["x" * 201, "no\u202eon", "\u200b", 1, None, ["no"]])
async def test_t04_a_reason_that_cannot_be_shown_is_refused(answered: Answered, reason: Any):
    said = {name: answered.claims[name] for name in ("aud", "binding", "iat", "txn")}
    said |= {"counter": answered.said()["counter"], "decision": "decline", "reason": reason}
    await answered.refuses(answered.prover.answer(said), None)


@given(place=st.integers(0, 4), replacement=st.sampled_from(["", "A", "AAAA", "e30", "bnVsbA", "!", "é", None]))
@quick
async def test_t03_a_box_with_any_other_part_is_refused(answered: Answered, place: int, replacement: str | None):
    """The answer seals the altered box, so that only the box itself is wrong."""
    parts = answered.box.split(".")
    if replacement == parts[place]:
        return
    altered = [part for at, part in enumerate(parts) if at != place or replacement is not None]
    if replacement is not None:
        altered[place] = replacement
    box = ".".join(altered)
    sealed = b64.url_encode(hashlib.sha256(box.encode()).digest())
    await answered.refuses(answered.prover.answer(answered.said(sealed_sha256=sealed)), box)


@given(
    member=st.sampled_from(["alg", "enc", "kid", "epk", "apv"]),
    value=plain | st.just({"crv": "P-256", "kty": "EC", "x": "AA", "y": "AA"}),
)
@quick
async def test_t03_a_box_with_another_header_is_refused(answered: Answered, member: str, value: Any):
    first, rest = answered.box.split(".", 1)
    header = {**json.loads(b64.url_decode(first)), member: value}
    box = f"{b64.url_encode(json.dumps(header).encode())}.{rest}"
    sealed = b64.url_encode(hashlib.sha256(box.encode()).digest())
    await answered.refuses(answered.prover.answer(answered.said(sealed_sha256=sealed)), box)


@pytest.mark.parametrize(
    "body",
    [{}, {"box": "x"}, {"answer": None}, {"answer": 1}, {"answer": "x", "box": 1}, {"answer": "x", "state": "signed"}],
    ids=str,
)
async def test_t31_a_body_of_another_form_is_refused_before_it_is_an_answer(answered: Answered, body: dict[str, Any]):
    path = f"/device/v1/transactions/{answered.id}/answer"
    call = answered.prover.call("POST", path, json=body)
    by = f"device:{answered.prover.device}"
    await assert_refused(answered.scene.world, call, Refusal(422, "invalid"), by)


async def test_t56_the_longest_answer_there_may_be_is_read_and_no_longer_one(answered: Answered):
    """Almost all of a batch may be declined."""
    await answered.refuses("x" * LONGEST, None)
    path = f"/device/v1/transactions/{answered.id}/answer"
    by = f"device:{answered.prover.device}"
    for body, says in (({"answer": "x" * (LONGEST + 1)}, "98304"), ({"answer": "x", "box": "x" * 16385}, "16384")):
        call = answered.prover.call("POST", path, json=body)
        await assert_refused(answered.scene.world, call, Refusal(422, "invalid", says), by)
