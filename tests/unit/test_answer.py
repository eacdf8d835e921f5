"""What an answer must be to count as one (docs/device-protocol.md section 5)."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import answer, request
from dss.devices.answer import Came, Decision
from dss.devices.items import Item
from dss.devices.model import BoxKey
from dss.devices.request import Asked, ConfirmationRequest, Kind, Party
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, BadRequest
from dss.kernel.ids import BoxKeyId, TransactionId
from tests.world.clock import START
from tests.world.jws import new_key, public_jwk, sign_claims

KEY = new_key()
BOX = "a.box"
REQUEST = ConfirmationRequest(
    server="http://dss.test",
    transaction=TransactionId("0" * 26),
    kind=Kind.SIGN,
    relying_application=Party("1" * 26, "Contracts Ltd"),
    signer=Party("2" * 26, "Alice Example", "alice"),
    credential={"id": "3" * 26, "certificate_sha256": b64.url_encode(bytes(32))},
    text="Please sign",
    documents=(Item(0, "hash", "ecdsa", Digest.of(b"a document")),),
    box_key=BoxKey(BoxKeyId("4" * 26), public_jwk(new_key()), START),
    issued=START,
    expires=START + timedelta(seconds=300),
    nonce=b64.url_encode(bytes(16)),
)
ASKED = request.read(REQUEST.payload())


def claims(**changes: Any) -> dict[str, Any]:
    """The claims of a right confirmation, changed; None leaves a member out."""
    right = {
        "aud": ASKED.server,
        "txn": ASKED.transaction,
        "binding": b64.url_encode(ASKED.binding),
        "decision": "confirm",
        "verification": "pin",
        "counter": 1,
        "iat": 1,
        "sealed_sha256": b64.url_encode(hashlib.sha256(BOX.encode()).digest()),
    }
    return {name: value for name, value in (right | changes).items() if value is not None}


def read(said: dict[str, Any]) -> answer.Answer:
    return answer.read(sign_claims("dss-answer+jws", said, KEY, kid="5" * 26))


def fits(said: dict[str, Any], box: str | None = BOX, asked: Asked = ASKED) -> bool:
    try:
        return read(said).answers(asked, Came("", box))
    except AnswerRefused:
        return False


def test_a_request_reads_back_as_it_was_written() -> None:
    assert (ASKED.kind, ASKED.credential_id, ASKED.box_key) == (Kind.SIGN, "3" * 26, "4" * 26)
    assert [item.to_sign for item in ASKED.items] == [Digest.of(b"a document")]
    assert ASKED.expires == REQUEST.expires


def test_a_right_confirmation_and_a_right_decline_fit() -> None:
    assert fits(claims())
    declined = claims(decision="decline", verification=None, sealed_sha256=None)
    assert fits(declined, None)
    assert read(declined | {"reason": "wrong amount"}).decision is Decision.DECLINE


def test_t28_a_decline_with_a_box_and_a_confirmation_without_one_fit_nothing() -> None:
    assert not fits(claims(decision="decline", verification=None, sealed_sha256=None), BOX)
    assert not fits(claims(), None)
    assert not fits(claims(decision="decline"))
    assert not fits(claims(reason="no"))


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "http://other.test"},
        {"txn": "9" * 26},
        {"binding": b64.url_encode(bytes(32))},
        {"binding": "AA"},
        {"decision": "Confirm"},
        {"decision": "yes"},
        {"verification": "none"},
        {"verification": "biometric"},
        {"verification": None},
        {"counter": 0},
        {"counter": -1},
        {"counter": True},
        {"counter": "1"},
        {"counter": None},
        {"iat": "now"},
        {"sealed_sha256": b64.url_encode(bytes(32))},
        {"sealed_sha256": None},
        {"extra": 1},
        {"aud": 1},
        {"txn": ["0" * 26]},
    ],
)
def test_t02_an_answer_with_any_other_member_does_not_fit(change: dict[str, Any]) -> None:
    assert not fits(claims(**change))


@pytest.mark.parametrize("reason", ["x" * 201, "evil \u202e text", "nul \u0000", 5])
def test_t04_a_reason_that_cannot_be_shown_is_refused(reason: object) -> None:
    with pytest.raises(AnswerRefused):
        read(claims(decision="decline", verification=None, sealed_sha256=None, reason=reason))


@given(st.dictionaries(st.text(max_size=8), st.integers(0, 9) | st.text(max_size=8), max_size=4))
def test_t28_no_object_that_lacks_a_member_is_an_answer(said: dict[str, Any]) -> None:
    with pytest.raises(AnswerRefused):
        read(said)


def test_an_answer_verifies_with_its_own_phone_s_key_only() -> None:
    assert read(claims()).is_signed_by(public_jwk(KEY))
    assert not read(claims()).is_signed_by(public_jwk(new_key()))


@given(st.binary(max_size=60))
def test_no_bytes_but_a_request_are_read_as_one(payload: bytes) -> None:
    with pytest.raises(BadRequest):
        request.read(payload)


def test_every_member_of_a_request_changes_its_binding() -> None:
    payload = REQUEST.payload()
    for old, new in ((b"Please", b"please"), (b"alice", b"alicf"), (b'"index":0', b'"index":1'), (b"ecdsa", b"ecdsb")):
        assert request.read(payload.replace(old, new)).binding != ASKED.binding
