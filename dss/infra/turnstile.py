"""A limit on what one caller does at the same time, kept by one process for itself."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from dss.kernel.errors import TooMany

RETRY_S = 5


class Turnstile:
    """Lets each caller in so many times at once.

    It protects the process that it is in, and so needs to know of no other.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: Counter[str] = Counter()

    @contextmanager
    def within(self, caller: str) -> Iterator[None]:
        """Count a caller in for as long as the context lasts. Raises TooMany."""
        self.enter(caller)
        try:
            yield
        finally:
            self.leave(caller)

    def enter(self, caller: str) -> None:
        """Count a caller in until it leaves. Raises TooMany."""
        if self._inside[caller] >= self._most:
            raise TooMany(f"at most {self._most} calls may wait at a time", retry_after=RETRY_S)
        self._inside[caller] += 1

    def leave(self, caller: str) -> None:
        """Count a caller out, once for each time that it was let in."""
        self._inside[caller] -= 1
        if not self._inside[caller]:
            del self._inside[caller]
