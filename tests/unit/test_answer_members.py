"""What an answer says beside yes and no: a number, the documents that are left out, a cause.

Source: docs/device-protocol.md section 5.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices import answer
from dss.devices.answer import LONGEST, Came, Cause, Decision
from dss.devices.items import MOST
from dss.devices.request import Asked, Kind
from dss.kernel import b64
from dss.kernel.errors import AnswerRefused
from dss.kernel.policy import Mode
from tests.unit.answers import BOX, HASHES, asking, bound_to, claims, declining, fits, read, signed

# Whatever a phone could put into a member.
PLAIN = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)
ANYTHING = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.text(max_size=4), PLAIN, max_size=2)


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
def test_a_confirmation_has_a_number_where_the_request_asks_for_one_and_only_there(
    mode: Mode, number: object, is_good: bool
) -> None:
    """Whether it is the right one is the next question: another than the right one ends the transaction."""
    asked = asking(mode)
    assert fits(claims(binding=bound_to(asked), number=number), asked=asked) is is_good


@pytest.mark.parametrize("mode", Mode)
def test_a_decline_needs_no_number(mode: Mode) -> None:
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
    [(), (0, 1, 2), (3,), (0, 3), (2**53 - 1,), (-1,), (-1, 1), (1, 0), (1, 1), (True,), (0, True), (None,), ("1",)],
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
    text = signed(said)
    assert 64 * 1024 < len(text) < LONGEST
    found = answer.read(text)
    assert found.answers(asked, Came("", BOX))
    assert found.chosen(HASHES) == HASHES[:1]


def test_an_answer_that_is_longer_than_any_is_refused() -> None:
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


@pytest.mark.parametrize(
    ("decision", "member"),
    [("decline", "number"), ("decline", "declined_documents"), ("confirm", "cause"), ("confirm", "reason")],
)
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
