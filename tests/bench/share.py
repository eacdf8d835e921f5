"""Which part of a flow's CPU the tree takes: the sealer has one round a second, for all flows of that second."""

from dataclasses import dataclass
from functools import partial

MOST = 0.1  # of a flow, that the tree may take


@dataclass(frozen=True, slots=True)
class Costs:
    """What the share is made of, in milliseconds of CPU.

    flow:           complete, without the sealer.
    salt, evidence: one salt; all evidence of a flow: both are made while the flow goes on.
    events:         how many a flow has.
    one, full:      a round of the sealer with the events of one flow, and with `many`.
    """

    flow: float
    salt: float
    evidence: float
    events: float
    one: float
    full: float
    many: float

    @property
    def sealing(self) -> float:
        """What the events of a flow add to a round: the slope between a small round and a full one."""
        return self.events * (self.full - self.one) / (self.many - self.events)

    @property
    def fixed(self) -> float:
        """What a round takes besides."""
        return self.one - self.sealing

    @property
    def inside(self) -> float:
        """What is made while the flow goes on."""
        return self.events * self.salt + self.evidence


@dataclass(frozen=True, slots=True)
class Part:
    """What takes a part of a flow: in milliseconds of CPU, and of the complete flow."""

    name: str
    cpu_ms: float
    part: float

    @classmethod
    def of(cls, flow: float, name: str, cpu_ms: float) -> "Part":
        """Compare with a flow of so many milliseconds."""
        return cls(name, cpu_ms, cpu_ms / flow)


@dataclass(frozen=True, slots=True)
class Share:
    """The tree's share of a flow.

    rate:   flows a second that one core can do, which share a round.
    enough: flows a second from which on the share is below MOST; None if it never is.
    """

    rate: float
    parts: list[Part]
    together: Part
    alone: Part
    enough: float | None

    @classmethod
    def of(cls, costs: Costs) -> "Share":
        """Add up the share of a busy server, and that of a flow which has a round for itself."""
        rate = 1000 / costs.flow
        part = partial(Part.of, costs.flow)
        parts = [
            part("salts of its events", costs.events * costs.salt),
            part("its evidence, put together and kept", costs.evidence),
            part("its events, sealed", costs.sealing),
            part("a round's other work, with all flows of its second", costs.fixed / rate),
        ]
        spare = MOST * costs.flow - costs.inside - costs.sealing
        return cls(
            rate=rate,
            parts=parts,
            together=part("together", sum(one.cpu_ms for one in parts)),
            alone=part("together, for the only flow of its second", costs.inside + costs.one),
            enough=costs.fixed / spare if spare > 0 else None,
        )
