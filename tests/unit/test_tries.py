"""The rule over tries: how often, and for how long a way is closed. Source: docs/authorization.md section 7."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.kernel.errors import TooMany
from dss.login.tries import (
    AFTER_A_PAUSE,
    IN_A_ROW,
    LONGEST_PAUSE,
    Count,
    counted,
    counted_of_address,
    given_back,
    pause_after,
    way_of,
)
from tests.world.clock import START

NONE = Count(0, START, START)


def at(seconds: float):
    return START + timedelta(seconds=seconds)


def test_five_may_be_made_and_then_the_way_is_closed_for_30_seconds():
    count = NONE
    for number in range(IN_A_ROW):
        count = counted(count, at(number))
    with pytest.raises(TooMany) as caught:
        counted(count, at(4.5))
    assert caught.value.retry_after == 30  # whole seconds, rounded up
    assert counted(count, at(34)).tries == 6


def test_a_pause_doubles_up_to_a_quarter_of_an_hour():
    assert [pause_after(tries).total_seconds() for tries in range(4, 13)] == [0, 30, 60, 120, 240, 480, 900, 900, 900]
    assert pause_after(10**9) == LONGEST_PAUSE


def test_after_a_pause_three_passwords_may_be_tried_before_the_next():
    pauses = [pause_after(tries, AFTER_A_PAUSE).total_seconds() for tries in range(1, 15)]
    assert pauses == [0, 0, 0, 0, 30, 0, 0, 60, 0, 0, 120, 0, 0, 240]
    assert pause_after(IN_A_ROW + 100 * AFTER_A_PAUSE, AFTER_A_PAUSE) == LONGEST_PAUSE


def test_t48_who_tries_all_day_has_302_passwords_on_the_first_and_288_on_each_later_one():
    count, now, days = NONE, START, [0, 0, 0]
    while now < START + timedelta(days=3):
        days[(now - START).days] += 1
        count = counted(count, now, AFTER_A_PAUSE)
        now = max(now, count.closed_until)
    assert days == [302, 288, 288]


def test_tries_are_forgotten_a_day_after_the_last():
    count = counted(counted(NONE, START), at(3600))
    assert counted(count, at(3600 + 86399)).tries == 3
    assert counted(count, at(3600 + 86400)).tries == 1


@given(st.lists(st.integers(0, 2000), max_size=60), st.integers(1, AFTER_A_PAUSE))
def test_however_they_come_no_more_are_let_in_than_the_pauses_allow(gaps: list[int], after_a_pause: int):
    count, now, admitted = NONE, START, 0
    for gap in gaps:
        now += timedelta(seconds=gap)
        try:
            count = counted(count, now, after_a_pause)
        except TooMany:
            continue
        admitted += 1
    needed = sum((pause_after(tries, after_a_pause) for tries in range(1, admitted)), timedelta(0))
    assert now - START >= needed


def test_an_address_has_thirty_in_a_minute_from_its_first():
    count = NONE
    for number in range(30):
        count = counted_of_address(count, at(number))
    with pytest.raises(TooMany) as caught:
        counted_of_address(count, at(45))
    assert caught.value.retry_after == 15
    assert counted_of_address(count, at(60)).tries == 1


def test_a_try_that_was_right_opens_its_address_again():
    full = Count(30, at(60), at(60))
    open_again = given_back(full, at(10))
    assert open_again == Count(29, at(10), at(60))
    with pytest.raises(TooMany):
        counted_of_address(counted_of_address(open_again, at(11)), at(12))
    assert given_back(NONE, START) == NONE


def test_ways_are_told_apart_by_every_part_of_their_names():
    names = [("password", "ab", b""), ("password", "a", b"b"), ("totp", "ab", b""), ("passworda", "b", b"")]
    assert len({way_of(*name) for name in names}) == len(names)
    assert {len(way_of(*name)) for name in names} == {32}
