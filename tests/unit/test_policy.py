"""Policies of confirmation: together they are as strict as the strictest, part by part, and none lowers another."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.errors import BadRequest, Conflict, Invalid
from dss.kernel.policy import (
    KINDS,
    NO_SESSION,
    SAYS_NOTHING,
    Bounds,
    Link,
    Mode,
    Policy,
    modes_of,
    read_modes,
    require_offline,
    require_session,
    strictest,
    weakens,
)

modes = st.dictionaries(st.sampled_from(KINDS), st.sampled_from((Mode.COMPARE, Mode.CHOOSE)))
flags = st.none() | st.booleans()
bounds = st.just(NO_SESSION) | st.builds(Bounds, st.integers(1, 9), st.integers(1, 9))
policies = st.builds(
    Policy,
    verification=modes,
    biometric=flags,
    device_link=st.sampled_from(Link),
    offline=flags,
    session=st.none() | bounds,
)


@given(policies, policies)
def test_the_order_of_policies_does_not_matter(one: Policy, other: Policy) -> None:
    assert strictest((one, other)) == strictest((other, one))


@given(policies, policies, policies)
def test_their_grouping_does_not_matter(one: Policy, two: Policy, three: Policy) -> None:
    assert strictest((strictest((one, two)), three)) == strictest((one, strictest((two, three))))


@given(policies)
def test_a_policy_said_twice_is_said_once(one: Policy) -> None:
    assert strictest((one, one)) == one == strictest((one, SAYS_NOTHING))


@given(st.lists(policies, min_size=1, max_size=4))
def test_t29_what_holds_is_weaker_than_none_of_its_parts(parts: list[Policy]) -> None:
    together = strictest(parts)
    assert not any(weakens(part, together) for part in parts)
    for part in parts:
        assert all(
            Mode.strictest((part.mode_of(kind), together.mode_of(kind))) is together.mode_of(kind) for kind in KINDS
        )
        assert set(together.answer_by) <= set(part.answer_by) or part.biometric is None
        assert part.session is None or not together.session or not together.session.exceeds(part.session)
        assert part.offline is not False or together.offline is False


@given(policies, policies)
def test_a_policy_in_the_place_of_another_weakens_or_asks_as_much(old: Policy, new: Policy) -> None:
    assert weakens(old, new) is (strictest((old, new)) != new)
    assert not weakens(old, strictest((old, new)))


@given(policies)
def test_a_policy_is_read_as_it_was_written(policy: Policy) -> None:
    assert Policy.of_member(policy.member()) == policy


REFUSED: list[Any] = [
    None,
    [],
    "choose",
    {"unknown": 1},
    {"verification": {}},
    {"verification": {"sign": "none"}},
    {"verification": {"change": "choose"}},
    {"verification": {"sign": "CHOOSE"}},
    {"verification": ["sign"]},
    {"biometric": 1},
    {"biometric": None},
    {"offline": 0},
    {"device_link": "off"},
    {"device_link": "sometimes"},
    {"session": {"signatures": 1}},
    {"session": {"signatures": 0, "minutes": 5}},
    {"session": {"signatures": True, "minutes": True}},
    {"session": {"signatures": 1.0, "minutes": 1}},
    {"session": {"signatures": -1, "minutes": 1}},
    {"session": {"signatures": 1, "minutes": 1, "hours": 1}},
    {"session": None},
]


@pytest.mark.parametrize("member", REFUSED, ids=repr)
def test_nothing_else_is_read_as_a_policy(member: Any) -> None:
    with pytest.raises(BadRequest):
        Policy.of_member(member)


def test_what_a_keys_policy_does_not_allow_is_forbidden() -> None:
    of_key = SAYS_NOTHING.of_key()
    assert (of_key.answer_by, of_key.offline, of_key.session) == (("pin",), False, NO_SESSION)
    generous = Policy(biometric=True, offline=True, session=Bounds(50, 30))
    assert generous.of_key() == generous
    assert strictest((of_key, generous)) == of_key


def test_an_application_narrows_what_a_key_allows_and_widens_nothing() -> None:
    key = Policy(session=Bounds(50, 30)).of_key()
    assert strictest((key, Policy(session=Bounds(10, 60)))).session == Bounds(10, 30)
    assert strictest((key, Policy(biometric=True, offline=True))).answer_by == ("pin",)
    assert strictest((key, Policy(session=NO_SESSION))).session == NO_SESSION


def test_a_session_is_confirmed_by_no_less_than_the_signatures_that_it_stands_for() -> None:
    policy = Policy(verification={"sign": Mode.CHOOSE, "create": Mode.COMPARE})
    assert [policy.mode_of(kind) for kind in KINDS] == [Mode.CHOOSE, Mode.COMPARE, Mode.CHOOSE, Mode.NONE]


def test_codes_and_sessions_need_a_policy_that_allows_them() -> None:
    require_offline(Policy(offline=True))
    require_session(Policy(session=Bounds(5, 5)), Bounds(5, 5))
    for policy in (SAYS_NOTHING, SAYS_NOTHING.of_key(), Policy(offline=False)):
        with pytest.raises(Conflict):
            require_offline(policy)
        with pytest.raises(Conflict):
            require_session(policy, Bounds(1, 1))
    for more in (Bounds(6, 5), Bounds(5, 6)):
        with pytest.raises(Conflict):
            require_session(Policy(session=Bounds(5, 5)), more)


@pytest.mark.parametrize(
    "words", [["sign"], ["sign=often"], ["change=choose"], ["sign=none", "sign=choose"], ["=choose"]]
)
def test_modes_are_read_by_known_kinds_and_words_alone(words: list[str]) -> None:
    with pytest.raises(Invalid):
        read_modes(words)


def test_modes_are_read_as_people_write_them() -> None:
    read = read_modes(["sign=choose", "create=compare", "session=none"])
    assert read == {"sign": "choose", "create": "compare", "session": "none"}
    assert modes_of(read.items()) == {"sign": "choose", "create": "compare"}
    assert read_modes([]) == {}


@pytest.mark.parametrize(
    "parts",
    [
        {"verification": {"change": Mode.CHOOSE}},
        {"verification": {"sign": Mode.NONE}},
        {"session": Bounds(0, 5)},
        {"session": Bounds(5, -5)},
    ],
    ids=repr,
)
def test_a_policy_that_cannot_be_is_not_made(parts: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        Policy(**parts)
