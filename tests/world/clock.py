"""A clock that moves by hand only."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the time it was set to."""
        return self._now

    def move(self, seconds: float) -> None:
        """Move on, or back where seconds are negative."""
        self._now += timedelta(seconds=seconds)
