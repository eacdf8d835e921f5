"""docs/device-protocol.md sections 4 and 5: what is shown is checked, and what is answered is bound to it."""

import httpx
import pytest
from joserfc import jws

from mobile_mock import pins
from mobile_mock.errors import BadInput, Difference, Refused, Unreachable
from mobile_mock.keystore import Keystore
from tests.unit import mock_files as files
from tests.unit.mock_server import (
    BASE,
    CREDENTIAL,
    DEVICE,
    FIRST,
    ITERATIONS,
    PIN,
    THIRD,
    FakeServer,
    b64,
    problem,
    sha,
    unb64,
)


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


async def test_everything_that_waits_is_listed(server, phone):
    """I14: opening the app is enough."""
    server.ask(FIRST)
    server.ask(THIRD)

    assert [notice.id for notice in await phone.waiting()] == [FIRST, THIRD]
    assert [notice.id for notice in await phone.waiting([FIRST], wait=30)] == [THIRD]
    assert dict(server.calls[-1].url.params) == {"wait": "30", "known": FIRST}


async def test_a_document_is_fetched_checked_and_handed_out(server, phone):
    """I15."""
    server.ask()
    seen = []

    shown = await phone.show(FIRST, lambda document, original: seen.append((document.content.name, original)))

    assert seen == [("contract.pdf", files.ORIGINAL)]
    assert (shown.id, shown.state) == (FIRST, "awaiting")


@pytest.mark.parametrize("name", ["original", "prepared", "attributes"])
async def test_a_file_that_was_changed_on_the_way_is_not_shown(server, phone, name):
    """T03."""
    server.ask()
    path = f"/device/v1/transactions/{FIRST}/documents/0/{name}"
    server.documents[path] = server.documents[path][:-1] + b"?"
    seen = []

    with pytest.raises(Difference):
        await phone.show(FIRST, lambda *found: seen.append(found))
    assert seen == []


async def test_a_download_that_does_not_end_is_given_up(server, phone):
    """T56."""
    server.ask()
    server.documents[f"/device/v1/transactions/{FIRST}/documents/0/original"] = files.ORIGINAL + b"x" * 1_000_000

    with pytest.raises(Difference, match="more than"):
        await phone.show(FIRST)


async def test_of_bare_hashes_nothing_is_fetched(server, phone):
    bare = {"index": 0, "format": "hash", "scheme": "pss-32", "hash_algorithm": "sha256", "to_sign": b64(b"h" * 32)}
    server.ask(documents=[bare])
    server.calls.clear()

    assert (await phone.show(FIRST)).request.documents[0].content is None
    assert len(server.calls) == 1


async def test_a_confirmation_says_what_the_protocol_lists(server, phone):
    server.ask()

    assert await phone.confirm(await phone.show(FIRST), PIN) == "signed"

    ((path, body),) = server.sent
    signed = jws.deserialize_compact(body["answer"], server.device_key, algorithms=["ES256"])
    assert path == f"/device/v1/transactions/{FIRST}/answer"
    assert signed.protected == {"alg": "ES256", "typ": "dss-answer+jws", "kid": DEVICE}
    assert server.answers() == [
        {
            "aud": BASE,
            "txn": FIRST,
            "binding": b64(sha(b"dss/confirmation/v1\x00" + server.requests[FIRST])),
            "counter": 2,
            "iat": int(server.clock.now().timestamp()),
            "decision": "confirm",
            "verification": "pin",
            "sealed_sha256": b64(sha(body["box"].encode())),
        }
    ]


async def test_the_box_holds_the_key_share_and_the_pin_proof_and_is_tied_to_the_request(server, phone):
    server.ask()
    await phone.confirm(await phone.show(FIRST), PIN)

    box, kept = server.opened(server.sent[0][1]), phone.kept()
    header = box.pop("header")
    assert set(box) == {"k_act", "pin_proof"}
    assert unb64(box["k_act"]) == kept.shares[CREDENTIAL].k_act
    assert unb64(box["pin_proof"]) == pins.proof(PIN, kept.salt, ITERATIONS)
    assert (header["kid"], header["apv"]) == ("box-1", server.answers()[0]["binding"])


async def test_a_share_is_made_at_the_first_confirmation_of_a_create_and_kept_before_it_is_sent(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.ask_to_create()
    shown = await phone.show(FIRST)
    server.refuse = lambda path: problem(403, "answer_refused")
    with pytest.raises(Refused):
        await phone.confirm(shown, "240891")
    share = Keystore(tmp_path).load().shares[CREDENTIAL]

    server.refuse = lambda path: None
    await phone.confirm(shown, PIN)

    assert len(share.k_act) == 32
    assert [unb64(server.opened(body)["k_act"]) for _, body in server.sent[1:]] == [share.k_act] * 2


async def test_without_a_share_of_the_key_nothing_is_confirmed(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.ask()

    with pytest.raises(Difference, match="no share"):
        await phone.confirm(await phone.show(FIRST), PIN)
    assert len(server.sent) == 1


async def test_a_refusal_carries_no_box_and_no_pin(server, phone):
    """T27, T28: decline and confirm differ inside the signed bytes."""
    server.ask()
    server.after_answer = "declined"

    assert await phone.decline(await phone.show(FIRST), "Wrong sum\nin line 2") == "declined"

    assert set(server.sent[0][1]) == {"answer"}
    (claims,) = server.answers()
    assert set(claims) == {"aud", "txn", "binding", "counter", "iat", "decision", "reason"}
    assert (claims["decision"], claims["reason"]) == ("decline", "Wrong sum\nin line 2")


async def test_a_refusal_without_a_reason_has_no_such_member(server, phone):
    server.ask()
    await phone.decline(await phone.show(FIRST))

    assert "reason" not in server.answers()[0]


@pytest.mark.parametrize("reason", ["x" * 201, "a\u202eb"])
async def test_a_reason_that_is_too_long_or_deceptive_is_not_sent(server, phone, reason):
    server.ask()
    with pytest.raises(BadInput):
        await phone.decline(await phone.show(FIRST), reason)


async def test_the_biometric_answers_without_a_pin(server, phone):
    server.ask()
    await phone.confirm(await phone.show(FIRST), by="biometric")

    kept = phone.kept()
    assert server.answers()[0]["verification"] == "biometric"
    assert unb64(server.opened(server.sent[0][1])["pin_proof"]) == pins.proof(PIN, kept.salt, kept.iterations)


async def test_the_biometric_is_not_offered_where_the_policy_asks_for_the_pin(server, phone):
    """T29."""
    server.ask(policy={"answer_by": ["pin"]})
    with pytest.raises(BadInput, match="by pin"):
        await phone.confirm(await phone.show(FIRST), by="biometric")


async def test_a_phone_that_was_enrolled_without_the_biometric_cannot_answer_by_it(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.ask_to_create()
    with pytest.raises(BadInput, match="without the biometric"):
        await phone.confirm(await phone.show(FIRST), by="biometric")


@pytest.mark.parametrize("pin", [None, "", "secret", "\u0661\u0662\u0663"])
async def test_what_cannot_be_a_pin_is_not_sent(server, phone, pin):
    server.ask()
    with pytest.raises(BadInput):
        await phone.confirm(await phone.show(FIRST), pin)
    assert server.sent == []


async def test_a_request_that_expired_while_it_was_read_is_not_answered(server, phone):
    """T38."""
    server.ask()
    shown = await phone.show(FIRST)
    server.clock.move(300)

    for answer in (phone.confirm(shown, PIN), phone.decline(shown)):
        with pytest.raises(Difference, match="expired"):
            await answer
    assert server.sent == []


async def test_an_answer_whose_reply_was_lost_is_sent_again_byte_for_byte(server, phone):
    """T01: at most one effect, and no second counter."""
    server.ask()
    shown = await phone.show(FIRST)

    def lose(path: str) -> None:
        raise httpx.ReadTimeout(path)

    server.refuse = lose
    with pytest.raises(Unreachable):
        await phone.confirm(shown, PIN)
    server.refuse = lambda path: None
    assert await phone.confirm(shown, PIN) == "signed"

    assert server.sent[0] == server.sent[1]
    assert phone.kept().counter == 2


async def test_a_refused_answer_is_made_anew_with_a_greater_counter(server, phone):
    server.ask()
    shown = await phone.show(FIRST)
    server.refuse = lambda path: problem(403, "answer_refused") if path.endswith("answer") else None
    with pytest.raises(Refused):
        await phone.confirm(shown, "240891")
    server.refuse = lambda path: None
    await phone.confirm(shown, PIN)

    assert [claims["counter"] for claims in server.answers()] == [2, 3]


async def test_counters_rise_from_answer_to_answer(server, phone):
    """T21."""
    for id in (FIRST, THIRD):
        server.ask(id)
        await phone.decline(await phone.show(id))

    assert [claims["counter"] for claims in server.answers()] == [2, 3]
