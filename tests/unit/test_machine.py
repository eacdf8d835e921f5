"""The state machine of a transaction."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.errors import Conflict, Expired
from dss.transactions.machine import ENDED, LIVE, STEPS, State, as_of, before, require_answerable
from tests.world.clock import START

states = st.sampled_from(State)


def test_every_state_is_either_live_or_ended() -> None:
    assert set(State) == LIVE | ENDED
    assert not LIVE & ENDED


@given(st.lists(states, max_size=12))
def test_no_walk_leaves_an_ended_state_or_signs_without_a_confirmation(walk: list[State]) -> None:
    state, seen = State.AWAITING, [State.AWAITING]
    for wanted in walk:
        if wanted in STEPS[state]:
            assert state in LIVE
            state = wanted
            seen.append(state)
    if state is State.SIGNED:
        assert seen == [State.AWAITING, State.CONFIRMED, State.SIGNING, State.SIGNED]


@given(states)
def test_the_states_before_a_state_are_those_with_a_step_to_it(state: State) -> None:
    assert before(state) == {origin for origin in State if state in STEPS[origin]}


@pytest.mark.parametrize("state", [State.AWAITING])
def test_what_awaits_an_answer_has_expired_at_its_very_end(state: State) -> None:
    tick = timedelta(microseconds=1)
    assert as_of(state, START, START - tick) is State.AWAITING
    assert as_of(state, START, START) is State.EXPIRED
    assert as_of(state, START, START + tick) is State.EXPIRED


@pytest.mark.parametrize("state", [state for state in State if state is not State.AWAITING])
def test_only_what_awaits_an_answer_can_expire_by_time_alone(state: State) -> None:
    assert as_of(state, START, START + timedelta(days=1)) is state


def test_an_answer_is_taken_only_while_it_is_awaited() -> None:
    later = START + timedelta(seconds=1)
    require_answerable(State.AWAITING, later, START)
    with pytest.raises(Expired):
        require_answerable(State.AWAITING, START, START)
    for state in set(State) - {State.AWAITING, State.EXPIRED}:
        with pytest.raises(Conflict):
            require_answerable(state, later, START)
