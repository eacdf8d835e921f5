"""Medians and their spread, and the ratios that are told."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """The middle of many values, and the quarters below and above which one value in four lies."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Figure":
        """Take the middle of at least two values."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def added(with_it: Sequence[float], without: Sequence[float]) -> Figure:
    """Return what something adds, from rounds in which both were measured one after the other.

    The machine is faster in one round than in another, so that only values of the same round are compared. low and
    high: where the median of as many other rounds would lie in nineteen cases of twenty, by the order of the values
    alone (the sign test's interval); where the two have different signs, nothing was found.
    """
    found = sorted(one - other for one, other in zip(with_it, without, strict=True))
    lowest = max(int(len(found) / 2 - 0.98 * len(found) ** 0.5) - 1, 0)
    return Figure(statistics.median(found), found[lowest], found[-1 - lowest])
