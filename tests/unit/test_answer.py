"""What an answer must be to count as one (docs/device-protocol.md section 5)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import request
from dss.devices.answer import Decision
from dss.devices.request import Kind
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, BadRequest
from tests.unit.answers import ASKED, BOX, KEY, REQUEST, claims, fits, read
from tests.world.jws import new_key, public_jwk


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
