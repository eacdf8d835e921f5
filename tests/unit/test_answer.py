"""What an answer must be to count as one (docs/device-protocol.md section 5)."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import answer, request
from dss.devices.answer import LONGEST, Came, Cause, Decision
from dss.devices.items import MOST, Item
from dss.devices.model import BoxKey
from dss.devices.request import Asked, ConfirmationRequest, Kind, Party
from dss.devices.verification import draw
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, BadRequest
from dss.kernel.ids import BoxKeyId, TransactionId
from dss.kernel.policy import Mode
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
HASHES = tuple(Item(index, "hash", "ecdsa", Digest.of(b"a document")) for index in range(MOST))
AT_MOST_ONE_WAY = [("decline", "number"), ("decline", "declined_documents"), ("confirm", "cause"), ("confirm", "reason")]
# Whatever a phone could put into a member.
PLAIN = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
ANYTHING = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=4), PLAIN, max_size=2)


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


def declining(asked: Asked = ASKED, **changes: Any) -> dict[str, Any]:
    """The claims of a right decline of a request, changed."""
    return claims(decision="decline", verification=None, sealed_sha256=None, binding=bound_to(asked), **changes)


def bound_to(asked: Asked) -> str:
    return b64.url_encode(asked.binding)


def asking(mode: Mode = Mode.NONE, count: int = 1, kind: Kind = Kind.SIGN, **more: Any) -> Asked:
    """A request to sign so many hashes by a mode, or one of another kind."""
    documents = HASHES[:count] if kind is Kind.SIGN else ()
    made = replace(REQUEST, kind=kind, documents=documents, verification=draw(mode).verification, more=more)
    return request.read(made.payload())


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


# --- number ---


@pytest.mark.parametrize(
    ("mode", "number", "is_good"),
    [
        (Mode.NONE, None, True),
        (Mode.NONE, "1234", False),
        (Mode.NONE, "", False),
        (Mode.COMPARE, None, False),
        (Mode.COMPARE, "", False),
        (Mode.COMPARE, "1234", True),
        (Mode.COMPARE, 1234, False),
        (Mode.CHOOSE, None, False),
        (Mode.CHOOSE, "", False),
        (Mode.CHOOSE, "12", True),
        (Mode.CHOOSE, ["12"], False),
    ],
)
def test_t10_a_confirmation_has_a_number_where_the_request_asks_for_one_and_only_there(
    mode: Mode, number: object, is_good: bool
) -> None:
    """Whether it is the right one is the next question: another than the right one ends the transaction."""
    asked = asking(mode)
    assert fits(claims(binding=bound_to(asked), number=number), asked=asked) is is_good


@pytest.mark.parametrize("mode", Mode)
def test_t10_a_decline_needs_no_number(mode: Mode) -> None:
    asked = asking(mode)
    assert fits(declining(asked), None, asked)


# --- declined documents ---


def declined(*indexes: object, asked: Asked) -> bool:
    return fits(claims(binding=bound_to(asked), declined_documents=list(indexes)), asked=asked)


@pytest.mark.parametrize("indexes", [(0,), (2,), (0, 1), (0, 2), (1, 2)])
def test_some_documents_of_a_request_may_be_declined(indexes: tuple[int, ...]) -> None:
    asked = asking(count=3)
    said = read(claims(binding=bound_to(asked), declined_documents=list(indexes)))
    assert said.answers(asked, Came("", BOX))
    assert {item.index for item in said.chosen(asked.items)} == {0, 1, 2} - set(indexes)


@pytest.mark.parametrize(
    "indexes",
    [(), (0, 1, 2), (3,), (0, 3), (-1,), (-1, 1), (1, 0), (1, 1), (True,), (0, True), (None,), ("1",), ([1],), (2**53 - 1,)],
)
def test_no_other_list_of_declined_documents_fits(indexes: tuple[object, ...]) -> None:
    assert not declined(*indexes, asked=asking(count=3))


@pytest.mark.parametrize("value", [None, True, 1, "1", {"0": 1}, ""])
def test_declined_documents_are_a_list(value: object) -> None:
    asked = asking(count=3)
    said = claims(binding=bound_to(asked)) | {"declined_documents": value}
    assert not fits(said, asked=asked)


def test_the_only_document_is_not_declined_but_the_request() -> None:
    assert not declined(0, asked=asking())


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.SIGN])
def test_what_has_no_documents_has_none_to_decline(kind: Kind) -> None:
    share = "a.share" if kind is Kind.SHARE else None
    asked = asking(kind=kind)
    shared = {} if share is None else {"share_sha256": b64.url_encode(hashlib.sha256(share.encode()).digest())}
    for indexes, is_good in ((None, True), ([0], False)):
        said = claims(binding=bound_to(asked), declined_documents=indexes, **shared)
        assert read(said).answers(asked, Came("", BOX, share)) is is_good


def test_all_but_one_of_the_most_documents_are_declined_within_the_longest_answer() -> None:
    asked = asking(count=MOST)
    said = claims(binding=bound_to(asked), declined_documents=list(range(1, MOST)))
    text = sign_claims("dss-answer+jws", said, KEY, kid="5" * 26)
    assert 64 * 1024 < len(text) < LONGEST
    found = answer.read(text)
    assert found.answers(asked, Came("", BOX))
    assert found.chosen(HASHES) == HASHES[:1]


def test_t63_an_answer_that_is_longer_than_any_is_refused() -> None:
    with pytest.raises(AnswerRefused):
        answer.read("a" * LONGEST + ".b.c")


# --- cause ---


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("cause", [None, *Cause])
def test_that_the_code_differs_is_said_only_where_there_is_one(cause: Cause | None, mode: Mode) -> None:
    asked = asking(mode)
    assert fits(declining(asked, cause=cause), None, asked) is (cause is not Cause.CODE_DIFFERS or mode is Mode.COMPARE)


@pytest.mark.parametrize("cause", ["", "other", "Not_me", 1, True, ["not_me"], {"not_me": 1}])
def test_a_cause_that_is_unknown_is_refused(cause: object) -> None:
    assert not fits(declining(cause=cause), None)


# --- all of them ---


@pytest.mark.parametrize(("decision", "member"), AT_MOST_ONE_WAY)
def test_t28_a_member_of_the_other_decision_is_refused(decision: str, member: str) -> None:
    values = {"number": "1234", "declined_documents": [0], "cause": "not_me", "reason": "no"}
    right: Callable[..., dict[str, Any]] = claims if decision == "confirm" else declining
    asked = asking(Mode.COMPARE, count=2)
    with_number = {"number": "1234"} if decision == "confirm" else {}
    said = right(**with_number) | {"binding": bound_to(asked)}
    box = BOX if decision == "confirm" else None
    assert fits(said, box, asked)
    assert not fits(said | {member: values[member]}, box, asked)


@given(
    st.sampled_from([claims(), declining()]),
    st.dictionaries(st.sampled_from(["number", "declined_documents", "cause", "reason", "share_sha256"]), ANYTHING),
)
def test_t28_whatever_stands_in_the_members_an_answer_is_read_in_its_form_or_refused(
    right: dict[str, Any], members: dict[str, Any]
) -> None:
    try:
        said = read(right | members)
    except AnswerRefused:
        return
    assert list(said.declined) == members.get("declined_documents", [])
    assert list(said.declined) == sorted({one for one in said.declined if type(one) is int and 0 <= one < 2**53})
    assert (said.number, said.reason) == (members.get("number", ""), members.get("reason", ""))
    assert said.cause is None or said.cause.value == members["cause"]
    assert said.decision is Decision.DECLINE or not members.keys() & {"cause", "reason"}
    assert said.decision is Decision.CONFIRM or not members.keys() & {"number", "declined_documents", "share_sha256"}


@given(st.sets(st.integers(0, 6)), st.integers(1, 6))
def test_declined_documents_fit_if_and_only_if_they_are_there_and_leave_some(indexes: set[int], count: int) -> None:
    right = bool(indexes) and max(indexes) < count and len(indexes) < count
    assert declined(*sorted(indexes), asked=asking(count=count)) is right
