"""Codes and numbers by which a person makes sure that a request is theirs (T14): random, and bound to what is right."""

from collections import Counter

import pytest

from dss.devices.verification import NUMBERS, Drawn, draw
from dss.kernel.policy import Mode

# The chance that a uniform draw is beyond these is less than one in a billion.
CHI2_OF_99, CHI2_OF_2 = 200.0, 45.0


def chi2(counts: Counter[str], cells: int) -> float:
    """How far counts are from uniform: Pearson's statistic, with one degree of freedom less than cells."""
    total = counts.total()
    assert len(counts) <= cells
    return sum(count**2 for count in counts.values()) * cells / total - total


def drawn(mode: Mode, times: int) -> list[Drawn]:
    return [draw(mode) for _ in range(times)]


def test_t14_codes_are_uniform_in_both_halves() -> None:
    codes = [one.number for one in drawn(Mode.COMPARE, 20_000)]
    assert {len(code) for code in codes} == {4}
    for half in (slice(0, 2), slice(2, 4)):
        assert chi2(Counter(code[half] for code in codes), 100) < CHI2_OF_99


def test_t14_numbers_are_uniform_and_so_is_the_place_of_the_right_one() -> None:
    made = drawn(Mode.CHOOSE, 10_000)
    assert chi2(Counter(one.number for one in made), len(NUMBERS)) < CHI2_OF_99
    assert chi2(Counter(number for one in made for number in one.verification.numbers), len(NUMBERS)) < CHI2_OF_99
    assert chi2(Counter(str(one.verification.numbers.index(one.number)) for one in made), 3) < CHI2_OF_2


def test_t14_three_numbers_are_offered_all_different() -> None:
    assert all(len(set(one.verification.numbers)) == 3 for one in drawn(Mode.CHOOSE, 1_000))


def test_t14_the_commitment_opens_to_the_right_number_alone() -> None:
    for one in drawn(Mode.CHOOSE, 100):
        right = [number for number in NUMBERS if one.verification.is_right(number, one.salt)]
        assert right == [one.number]
        assert not one.verification.is_right(one.number, bytes(32))
        assert not one.verification.is_right("", one.salt)


def test_t14_salts_and_so_commitments_are_never_the_same() -> None:
    made = drawn(Mode.CHOOSE, 1_000)
    assert len({one.salt for one in made}) == len({one.verification.commitment for one in made}) == 1_000


def test_t14_a_code_is_right_for_itself_alone() -> None:
    one = draw(Mode.COMPARE)
    right = [code for code in (f"{number:04d}" for number in range(10_000)) if one.verification.is_right(code, b"")]
    assert right == [one.number]


def test_nothing_is_drawn_where_nothing_is_asked() -> None:
    assert draw(Mode.NONE) == Drawn()
    assert draw(Mode.NONE).verification.is_right("", b"")
    assert not draw(Mode.NONE).verification.is_right("42", b"")


@pytest.mark.parametrize("mode", Mode)
def test_what_a_phone_is_told_holds_neither_salt_nor_which_number_is_right(mode: Mode) -> None:
    one = draw(mode)
    told = one.verification.member()
    assert set(told) <= {"mode", "code", "numbers", "commitment"}
    assert type(one.verification).of_member(told) == one.verification
