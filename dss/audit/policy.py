"""What the operator decided about the log."""

from collections.abc import Sequence
from dataclasses import dataclass

from dss.audit.note import VerifierKey


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator decided about the log.

    origin: its name. years: how long records are kept. witnesses: those whose cosignatures count.
    """

    origin: str
    years: int
    witnesses: Sequence[VerifierKey] = ()
