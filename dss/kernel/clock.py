"""Time, handed in: everything that asks for the time is given a Clock."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the time as an aware UTC datetime."""

    def now(self) -> datetime:
        """Return the time, aware, in UTC."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the machine's time, aware, in UTC."""
        return datetime.now(UTC)


def timestamp(moment: datetime) -> str:
    """Write a moment as in every wire format here: RFC 3339, UTC, whole seconds, ending in Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def precise_timestamp(moment: datetime) -> str:
    """Write a moment with six decimals, where whole seconds would lose the order of things."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def read_timestamp(text: str) -> datetime:
    """Read what `timestamp` wrote. Raises ValueError on any other text."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)


def read_precise_timestamp(text: str) -> datetime:
    """Read what `precise_timestamp` wrote. Raises ValueError on any other text."""
    moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    if precise_timestamp(moment) != text:
        raise ValueError("a time has six decimals")
    return moment
