"""T08: how often an application may ask a person, by what came of its requests before."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.ids import ClientId, UserId
from dss.transactions.asking import USUAL, AskLimits, Block, Ended, Facts, Full, Pair, full
from tests.world.clock import START

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
NOTHING = Facts(None, (), ())


def unanswered(count: int, at: datetime = START) -> Facts:
    """So many requests that nobody confirmed, the last of which ended at a time."""
    return Facts(None, (), [Ended(at - index * MINUTE, confirmed=False) for index in range(count)])


def until(facts: Facts, now: datetime = START, limits: AskLimits = USUAL) -> timedelta | None:
    """How long an application has to wait."""
    reached = full(limits, facts, now)
    return None if reached is None else reached.until - now


def test_who_has_asked_nothing_may_ask() -> None:
    assert until(NOTHING) is None


@pytest.mark.parametrize(
    ("in_a_row", "seconds"),
    [(0, 0), (1, 0), (2, 30), (3, 60), (4, 120), (5, 240), (6, 480), (7, 960), (8, 1920), (9, 3600), (18, 3600)],
)
def test_from_the_second_unanswered_request_in_a_row_the_pause_doubles_up_to_an_hour(in_a_row: int, seconds: int):
    assert until(unanswered(in_a_row)) == (timedelta(seconds=seconds) if seconds else None)


def test_a_confirmation_ends_the_row() -> None:
    ended = [Ended(START, confirmed=False), Ended(START - MINUTE, confirmed=True), *unanswered(9).ended]
    assert until(Facts(None, (), ended)) is None


def test_the_pause_is_counted_from_the_latest_end_whichever_was_opened_last() -> None:
    ended = [Ended(START - HOUR, confirmed=False), Ended(START, confirmed=False)]
    assert until(Facts(None, (), ended), START + SECOND) == 29 * SECOND
    assert until(Facts(None, (), ended), START + 30 * SECOND) is None


def test_the_first_that_awaits_an_answer_makes_room_when_it_ends() -> None:
    awaiting = [START + MINUTE * minutes for minutes in range(10, 0, -1)]
    assert until(Facts(None, awaiting, ())) == MINUTE
    assert until(Facts(None, awaiting[1:], ())) is None


def test_the_sixtieth_newest_request_makes_room_ten_minutes_after_it_was_opened() -> None:
    assert until(Facts(START - 9 * MINUTE, (), ())) == MINUTE
    assert until(Facts(START - 10 * MINUTE, (), ())) is None


def test_of_several_limits_the_one_that_lasts_longest_is_told() -> None:
    facts = Facts(START - 9 * MINUTE, [START + 2 * MINUTE] * 10, unanswered(9).ended)
    reached = full(USUAL, facts, START)
    assert reached is not None
    assert (reached.why, reached.until) == ("unanswered", START + HOUR)


@pytest.mark.parametrize(("left", "told"), [(SECOND, 1), (SECOND + timedelta(microseconds=1), 2), (-SECOND, 1)])
def test_what_is_told_is_whole_seconds_and_never_too_few(left: timedelta, told: int) -> None:
    assert Full("often", "", START + left).seconds(START) == told


# --- whatever an application and a person do ---


@dataclass
class Request:
    """A request in a history that is told by hand."""

    opened: datetime
    expires: datetime
    end: Ended | None = None


def facts_of(history: list[Request], limits: AskLimits, now: datetime) -> Facts:
    """What a history tells, computed the long way round."""
    newest = list(reversed(history))
    nth = newest[limits.most - 1].opened if len(newest) >= limits.most else None
    lapsed = [
        replace(one, end=Ended(one.expires, confirmed=False)) if one.end is None and one.expires <= now else one
        for one in newest
    ]
    awaiting = [one.expires for one in lapsed if one.end is None]
    return Facts(nth, awaiting, [one.end for one in lapsed if one.end is not None][: limits.depth])


MOVES = st.lists(
    st.tuples(st.sampled_from(["ask", "confirm", "decline", "wait"]), st.integers(0, 4000)), min_size=1, max_size=150
)
LIMITS = st.builds(
    AskLimits,
    most=st.integers(1, 8),
    within=st.integers(1, 1200).map(lambda value: value * SECOND),
    waiting=st.integers(1, 5),
    unanswered=st.integers(1, 4),
    pause=st.integers(1, 600).map(lambda value: value * SECOND),
    longest_pause=st.integers(600, 7200).map(lambda value: value * SECOND),
)


@given(LIMITS, MOVES)
def test_no_order_of_requests_and_answers_brings_more_than_the_limits(limits: AskLimits, moves: list[tuple[str, int]]):
    history: list[Request] = []
    now = START
    for move, value in moves:
        open_ = [one for one in history if one.end is None and one.expires > now]
        if move == "ask" and full(limits, facts_of(history, limits, now), now) is None:
            history.append(Request(now, now + value * SECOND + SECOND))
        elif move in ("confirm", "decline") and open_:
            open_[value % len(open_)].end = Ended(now, confirmed=move == "confirm")
        elif move == "wait":
            now += value * SECOND
        assert len([one for one in history if one.end is None and one.expires > now]) <= limits.waiting
        assert len([one for one in history if one.opened > now - limits.within]) <= limits.most


@given(LIMITS, MOVES)
def test_who_waits_as_long_as_they_are_told_may_ask(limits: AskLimits, moves: list[tuple[str, int]]) -> None:
    """Each wait may see one more request expire; once nothing awaits an answer, one wait is enough."""
    history: list[Request] = []
    now = START
    for move, value in moves:
        waits = 0
        most = len(facts_of(history, limits, now).awaiting) + 1
        while reached := full(limits, facts_of(history, limits, now), now):
            now += reached.seconds(now) * SECOND
            waits += 1
        assert waits <= most
        history.append(Request(now, now + value * SECOND + SECOND))
        if move != "wait":
            history[-1].end = Ended(now, confirmed=move == "confirm")


@given(LIMITS, st.integers(0, 200))
def test_pauses_only_grow_and_never_beyond_the_longest(limits: AskLimits, in_a_row: int) -> None:
    assert limits.pause_after(in_a_row) <= limits.pause_after(in_a_row + 1) <= limits.longest_pause
    assert limits.pause_after(limits.depth + in_a_row) == limits.pause_after(limits.depth)


# --- blocks ---


def test_a_block_stands_until_it_is_lifted_and_again_once_the_person_says_so_again() -> None:
    block = Block(Pair(UserId("U"), ClientId("C")), "Shop", START, "device:D")
    lifted = block.lifted("operator:o", START + HOUR)
    again = lifted.anew("Shop Ltd", "device:E", START + 2 * HOUR)
    assert [one.stands for one in (block, lifted, again)] == [True, False, True]
    assert (again.pair, again.name, again.blocked_by, again.lifted_by) == (block.pair, "Shop Ltd", "device:E", None)
