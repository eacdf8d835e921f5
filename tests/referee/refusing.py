"""How the referee says no."""

from typing import Any


class Refused(Exception):
    """A step of the verification failed; the text says which and why."""


def require(holds: Any, sentence: str) -> None:
    """Refuse with a sentence of what is wrong, unless something holds."""
    if not holds:
        raise Refused(sentence)
