"""How the counter of an answer tells two phones with the same keys, and no honest one (T21; docs/adr/0009)."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dss.devices.counting import WINDOW, Verdict, count
from dss.devices.model import Counted, Device, DeviceState, LockReason, Standing
from tests.unit.test_counting import A_LONG_TIME, HOUR, LIMITS, NEW, Counting, answer, thorough, wrong
from tests.world.clock import START


def risen_to(*counters: int) -> Device:
    """A phone that gave right answers with these counters."""
    device = NEW
    for counter in counters:
        verdict, device = count(device, answer(counter), LIMITS, START)
        assert verdict is Verdict.ACCEPTED
    return device


def test_t21_a_counter_rises_with_gaps_or_without():
    device = risen_to(1, 2, 5, 1000)
    assert device.counter == 1000
    assert [known.counter for known in device.recent] == [1, 2, 5, 1000]


def test_t21_the_latest_eight_answers_are_known():
    device = risen_to(*range(1, 13))
    assert [known.counter for known in device.recent] == list(range(5, 13))
    assert device.recent[-1] == answer(12).counted


def test_t21_every_answer_with_a_right_signature_uses_its_counter():
    device = NEW
    for tried in (wrong(1), answer(2, confirms=False), answer(3, fits=False)):
        device = count(device, tried, LIMITS, START)[1]
    assert device.recent == (wrong(1).counted, answer(2).counted, answer(3).counted)


@pytest.mark.parametrize("counter", [3, 7, 10])
def test_an_answer_that_comes_again_is_refused_and_changes_nothing(counter: int):
    device = risen_to(*range(1, 11))
    assert count(device, answer(counter), LIMITS, START) == (Verdict.REFUSED, device)


@pytest.mark.parametrize("counter", [3, 7, 10])
def test_t21_a_counter_used_for_another_answer_locks_for_good(counter: int):
    device = risen_to(*range(1, 11))
    verdict, after = count(device, answer(counter, "by another phone"), LIMITS, START)
    assert verdict is Verdict.LOCKED
    assert after == replace(device, state=DeviceState.LOCKED, lock_reason=LockReason.CLONE)
    assert not after.may_answer(START + A_LONG_TIME)


@pytest.mark.parametrize("counter", [1, 2])
def test_t21_a_counter_behind_the_last_eight_locks_even_for_the_answer_that_used_it(counter: int):
    device = risen_to(*range(1, 11))
    assert count(device, answer(counter), LIMITS, START)[1].lock_reason is LockReason.CLONE


def test_a_counter_that_was_overtaken_is_refused_and_changes_nothing():
    device = risen_to(1, 2, 4, 7)
    for counter in (3, 5, 6):
        assert count(device, answer(counter), LIMITS, START) == (Verdict.REFUSED, device)
    for gap in (12, 14, 16, 18):
        device = count(device, answer(gap), LIMITS, START)[1]
    assert count(device, answer(3), LIMITS, START) == (Verdict.REFUSED, device)


def test_t21_behind_the_last_eight_a_counter_that_nobody_used_locks_too():
    device = risen_to(1, *range(3, 12))
    assert count(device, answer(2), LIMITS, START)[1].lock_reason is LockReason.CLONE


def test_t21_a_clone_lock_takes_the_place_of_one_that_ends_by_itself():
    phone = Counting()
    phone.wrong(3)
    phone.now += 3 * HOUR
    assert phone.take(wrong(3, "by another phone")) is Verdict.LOCKED
    assert (phone.device.lock_reason, phone.device.locked_until) == (LockReason.CLONE, None)


@thorough
@given(st.lists(st.integers(1, 40), max_size=30), st.integers(1, 45))
def test_t48_only_a_counter_that_rises_has_its_pin_judged(before: list[int], counter: int):
    """Any other comes to the same, right PIN or wrong: so it tells nobody anything."""
    device = NEW
    for earlier in before:
        device = count(device, answer(earlier), LIMITS, START)[1]
    right = count(device, answer(counter, "new"), LIMITS, START)
    mistaken = count(device, wrong(counter, "new"), LIMITS, START)
    assert (right == mistaken) is (counter <= device.counter)
    assert (right[0] is Verdict.ACCEPTED) is (counter > device.counter)


def standing_of(history: list[Counted], new: Counted) -> str:
    """Say in words what a counter is, by the whole history of those that counted."""
    if all(new.counter > old.counter for old in history):
        return "rises"
    latest = history[-WINDOW:]
    if new in latest:
        return "repeats"
    if any(new.counter == old.counter for old in latest):
        return "reuses"
    behind = len(history) > WINDOW and new.counter < min(old.counter for old in latest)
    # With eight answers in all, what lies before the first is behind them too.
    behind = behind or (len(history) == WINDOW and new.counter < history[0].counter)
    return "behind" if behind else "late"


@thorough
@given(st.lists(st.tuples(st.integers(1, 30), st.sampled_from(["a", "b"]), st.booleans(), st.booleans()), max_size=60))
def test_counting_does_what_the_table_of_adr_0009_says(steps: list[tuple[int, str, bool, bool]]):
    device, history, failures = NEW, [], 0
    for counter, text, secret, confirms in steps:
        tried = answer(counter, text, secret=secret or not confirms, confirms=confirms)
        what = standing_of(history, tried.counted)
        verdict, after = count(device, tried, LIMITS, START)
        if what in {"reuses", "behind"}:
            assert (verdict, after.lock_reason) == (Verdict.LOCKED, LockReason.CLONE)
            return
        if what != "rises":
            assert (verdict, after) == (Verdict.REFUSED, device)
            continue
        history.append(tried.counted)
        failures = failures + 1 if not tried.secret_right else 0 if confirms else failures
        assert verdict is (Verdict.ACCEPTED if tried.secret_right else Verdict.REFUSED)
        assert (after.pin_failures, after.counter) == (failures, counter)
        assert after.recent == tuple(history[-WINDOW:])
        device = after if after.lock_reason is None else after.unlocked()
        failures = device.pin_failures


# --- what honest phones do ---


@thorough
@given(
    delays=st.lists(st.integers(0, WINDOW - 1), max_size=40),
    copies=st.lists(st.integers(1, 3), min_size=40, max_size=40),
    lost=st.sets(st.integers(0, 40)),
)
def test_t21_no_honest_phone_is_locked_however_its_answers_travel(delays: list[int], copies: list[int], lost: set[int]):
    """Each answer has the next counter, and arrives late, repeatedly, or never; up to seven others overtake it."""
    made = [answer(number) for number in range(1, len(delays) + 1)]
    journeys = [
        (at + delay, again, tried)
        for at, (tried, delay) in enumerate(zip(made, delays, strict=True))
        for again in range(copies[at])
        if at not in lost
    ]
    phone, accepted = Counting(), []
    for _, _, tried in sorted(journeys, key=lambda journey: journey[:2]):
        if phone.take(tried) is Verdict.ACCEPTED:
            accepted.append(tried.counted.counter)
    assert phone.standing is Standing.ACTIVE
    assert accepted == sorted(set(accepted))
    assert phone.device.counter == max((tried.counted.counter for _, _, tried in journeys), default=0)
