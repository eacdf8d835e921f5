"""How wrong PINs count: the ladder of locks (T20, T48)."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count as numbers

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dss.devices.counting import Try, Verdict, count
from dss.devices.model import Counted, Device, DeviceState, Introduction, Limits, LockReason, Standing
from dss.kernel.ids import DeviceId, UserId
from tests.world.clock import START

LIMITS = Limits()
HOUR = timedelta(hours=1)
A_LONG_TIME = timedelta(days=10_000)
thorough = settings(max_examples=3_000 if "DSS_SOAK" in os.environ else 100)

NEW = Device(
    id=DeviceId("01K00000000000000000000DEV"),
    user_id=UserId("01K00000000000000000000USE"),
    name="Key 1",
    platform="test",
    state=DeviceState.ACTIVE,
    signature_jwk={},
    encryption_jwk={},
    pin_check=b"p" * 32,
    pin_failures=0,
    lock_reason=None,
    locked_until=None,
    counter=0,
    recent=(),
    active_from=None,
    enrolled_at=START,
    introduction=Introduction("", ""),
)


def answer(counter: int, text: str = "", *, fits: bool = True, secret: bool = True, confirms: bool = True) -> Try:
    """An answer; the same words make the same bytes."""
    return Try(Counted(counter, hashlib.sha256(f"{counter} {text}".encode()).digest()), fits, secret, confirms)


def wrong(counter: int, text: str = "") -> Try:
    return answer(counter, text, secret=False)


@dataclass
class Counting:
    """A phone's row in a server's hands: an answer comes to a phone that may answer, or is not counted."""

    limits: Limits = LIMITS
    device: Device = NEW
    now: datetime = START
    counters: Iterator[int] = field(default_factory=lambda: numbers(1))

    def take(self, tried: Try) -> Verdict | None:
        """Return the verdict, or None where the phone may not answer."""
        if not self.device.may_answer(self.now):
            return None
        verdict, self.device = count(self.device, tried, self.limits, self.now)
        return verdict

    def wrong(self, times: int = 1) -> list[Verdict | None]:
        """Take wrong PINs with rising counters."""
        return [self.take(wrong(next(self.counters))) for _ in range(times)]

    def right(self) -> Verdict | None:
        return self.take(answer(next(self.counters)))

    @property
    def standing(self) -> Standing:
        return self.device.standing(self.now)


# --- the ladder ---


def test_t20_three_six_and_nine_wrong_pins_lock_for_three_hours_a_day_and_good():
    phone = Counting()
    for rung in (3 * HOUR, 24 * HOUR):
        assert phone.wrong(2) == [Verdict.REFUSED] * 2
        assert phone.standing is Standing.ACTIVE
        assert phone.wrong() == [Verdict.REFUSED]
        assert (phone.device.lock_reason, phone.device.locked_until) == (LockReason.PIN, phone.now + rung)
        phone.now += rung - timedelta(microseconds=1)
        assert phone.standing is Standing.LOCKED
        phone.now += timedelta(microseconds=1)
        assert phone.standing is Standing.ACTIVE
    phone.wrong(3)
    assert (phone.device.lock_reason, phone.device.locked_until) == (LockReason.PIN, None)
    phone.now += A_LONG_TIME
    assert phone.standing is Standing.LOCKED


def test_t48_the_wrong_pin_that_locks_is_told_like_any_other():
    assert Counting().wrong(3) == [Verdict.REFUSED] * 3


@pytest.mark.parametrize("attempts", [1, 2, 5])
@pytest.mark.parametrize("ladder", [(), (HOUR,), (HOUR, 2 * HOUR, 3 * HOUR)], ids=len)
def test_t20_the_ladder_has_the_rungs_that_are_set(attempts: int, ladder: tuple[timedelta, ...]):
    phone = Counting(replace(LIMITS, pin_attempts=attempts, pin_ladder=ladder))
    for rung in ladder:
        phone.wrong(attempts)
        assert phone.device.locked_until == phone.now + rung
        phone.now += rung
    phone.wrong(attempts - 1)
    assert phone.standing is Standing.ACTIVE
    phone.wrong()
    phone.now += A_LONG_TIME
    assert (phone.standing, phone.device.pin_failures) == (Standing.LOCKED, attempts * (len(ladder) + 1))


def test_a_right_pin_starts_the_count_anew_also_after_a_lock():
    phone = Counting()
    phone.wrong(3)
    phone.now += 3 * HOUR
    phone.wrong(2)
    assert phone.right() is Verdict.ACCEPTED
    assert phone.device == replace(NEW, counter=6, recent=phone.device.recent)
    phone.wrong(2)
    assert phone.standing is Standing.ACTIVE
    phone.wrong()
    assert phone.device.locked_until == phone.now + 3 * HOUR


@pytest.mark.parametrize(
    "harmless",
    [answer(3, confirms=False), answer(3, fits=False), answer(3, fits=False, confirms=False)],
    ids=["a decline", "a confirmation that does not fit", "a decline that does not fit"],
)
def test_t48_what_shows_no_right_pin_leaves_the_count_as_it_is(harmless: Try):
    phone = Counting()
    phone.wrong(2)
    phone.take(harmless)
    assert (phone.device.pin_failures, phone.device.counter) == (2, 3)


def test_a_decline_is_accepted_and_an_answer_that_does_not_fit_is_not():
    assert count(NEW, answer(1, confirms=False), LIMITS, START)[0] is Verdict.ACCEPTED
    assert count(NEW, answer(1, fits=False), LIMITS, START)[0] is Verdict.REFUSED


def test_t48_a_wrong_secret_counts_also_where_something_else_is_wrong():
    assert count(NEW, replace(wrong(1), fits=False), LIMITS, START)[1].pin_failures == 1


def test_a_decline_after_a_lock_has_lapsed_forgets_nothing():
    phone = Counting()
    phone.wrong(3)
    phone.now += 3 * HOUR
    assert phone.take(answer(next(phone.counters), confirms=False)) is Verdict.ACCEPTED
    phone.wrong(3)
    assert phone.device.locked_until == phone.now + 24 * HOUR


moments = st.sampled_from([timedelta(0), timedelta(minutes=1), HOUR, 3 * HOUR, 24 * HOUR])
attacks = st.lists(
    st.tuples(
        moments,
        st.integers(-12, 3),
        st.sampled_from(["wrong", "wrong", "wrong", "decline", "misfit"]),
    ),
    max_size=60,
)


@thorough
@given(attacks)
def test_t48_no_sequence_of_wrong_pins_gets_more_tries_than_the_ladder_allows(steps: list[tuple[timedelta, int, str]]):
    """Who holds an unlocked phone may wait, go back, leave counters out and decline between two tries."""
    phone, tries = Counting(), []
    for number, (pause, leap, what) in enumerate(steps):
        phone.now += pause
        counter, before = max(1, phone.device.counter + leap), phone.device.pin_failures
        how = {"decline": {"confirms": False}, "misfit": {"fits": False}}.get(what, {"secret": False})
        phone.take(answer(counter, str(number), **how))
        assert phone.device.pin_failures in {before, before + 1}
        tries += [phone.now] * (phone.device.pin_failures - before)
    assert phone.device.pin_failures == len(tries) <= 9
    for earlier, later, pause in ((2, 3, 3 * HOUR), (5, 6, 24 * HOUR)):
        assert len(tries) <= later or tries[later] - tries[earlier] >= pause
