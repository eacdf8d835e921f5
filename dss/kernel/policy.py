"""Policies of confirmation: how a person makes sure and answers, and what one confirmation may release.

Each part is ordered from weak to strict, and an absent part says nothing. Policies that hold together are as strict as
the strictest of them, part by part: none can lower what another asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import reduce
from typing import Any, Self

from dss.kernel import canonical
from dss.kernel.errors import BadRequest, Conflict, Invalid

KINDS = ("sign", "create", "session", "login")


class Mode(StrEnum):
    """A way to make sure that a request is one's own, the weakest first."""

    NONE = "none"
    COMPARE = "compare"
    CHOOSE = "choose"

    @classmethod
    def strictest(cls, modes: Iterable["Mode"]) -> "Mode":
        """Return the strictest of some modes; NONE of none."""
        return max(modes, key=list(cls).index, default=cls.NONE)


class Link(StrEnum):
    """When the requester's page must be scanned before the phone is told, the weakest first."""

    OFF = "off"
    FIRST = "first"
    ALWAYS = "always"

    @classmethod
    def strictest(cls, links: Iterable["Link"]) -> "Link":
        """Return the strictest of some; OFF of none."""
        return max(links, key=list(cls).index, default=cls.OFF)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many signatures a session may give, and within how many minutes from its confirmation."""

    signatures: int
    minutes: int

    def exceeds(self, other: Self) -> bool:
        """Return True when this is more than another in any way."""
        return self.signatures > other.signatures or self.minutes > other.minutes

    def within(self, other: Self) -> Self:
        """Return as much of this as another allows; where one allows no sessions, both do not."""
        return type(self)(min(self.signatures, other.signatures), min(self.minutes, other.minutes))


NO_SESSION = Bounds(0, 0)


@dataclass(frozen=True, slots=True)
class Policy:
    """What is asked of confirmations, at least.

    verification: the least mode by the kind of transaction, some of KINDS.
    biometric:    whether a biometric may stand for the PIN. offline: whether a code may be typed for an answer.
    device_link:  when the requester's page is to be scanned.
    session:      the most that a session may give; NO_SESSION forbids them.
    Raises Invalid.
    """

    verification: Mapping[str, Mode] = field(default_factory=dict)
    biometric: bool | None = None
    device_link: Link = Link.OFF
    offline: bool | None = None
    session: Bounds | None = None

    def __post_init__(self) -> None:
        if not set(self.verification) <= set(KINDS):
            raise Invalid(f"a policy is of the kinds {', '.join(KINDS)}")
        if Mode.NONE in self.verification.values():
            raise Invalid("a policy does not ask for no verification: it says nothing of the kind")
        if self.session not in (None, NO_SESSION) and min(self.session.signatures, self.session.minutes) < 1:
            raise Invalid("a session has at least one signature and one minute, or neither")

    @property
    def answer_by(self) -> tuple[str, ...]:
        """The ways in which the person may answer on the phone."""
        return ("pin", "biometric") if self.biometric else ("pin",)

    def mode_of(self, kind: str) -> Mode:
        """Return the least mode for a kind; a session stands for signatures, and is confirmed by no less."""
        kinds = ("session", "sign") if kind == "session" else (kind,)
        return Mode.strictest(self.verification.get(one, Mode.NONE) for one in kinds)

    def of_key(self) -> Self:
        """Return what a policy means as that of a key: whatever it does not allow is forbidden."""
        session = self.session or NO_SESSION
        return replace(self, biometric=bool(self.biometric), offline=bool(self.offline), session=session)

    def member(self) -> dict[str, Any]:
        """Return the JSON form; what is not said is absent."""
        flags = {"biometric": self.biometric, "offline": self.offline}
        told: dict[str, Any] = {name: flag for name, flag in flags.items() if flag is not None}
        if self.verification:
            told["verification"] = {kind: mode.value for kind, mode in self.verification.items()}
        if self.device_link is not Link.OFF:
            told["device_link"] = self.device_link.value
        if self.session is not None:
            told["session"] = {"signatures": self.session.signatures, "minutes": self.session.minutes}
        return told

    @classmethod
    def of_member(cls, value: Any) -> Self:
        """Read what `member` wrote, and nothing else. Raises BadRequest."""
        try:
            policy = cls(
                verification=modes_of(value.get("verification", {}).items()),
                biometric=_flag(value.get("biometric")),
                device_link=Link(value.get("device_link", Link.OFF)),
                offline=_flag(value.get("offline")),
                session=_read_bounds(value["session"]) if "session" in value else None,
            )
            same = canonical.encode(policy.member()) == canonical.encode(value)
        except (AttributeError, KeyError, TypeError, ValueError, Invalid) as fault:
            raise BadRequest("not a policy") from fault
        if not same:
            raise BadRequest("not a policy")
        return policy


SAYS_NOTHING = Policy()
STRICTEST = Policy(
    verification=dict.fromkeys(KINDS, Mode.CHOOSE),
    biometric=False,
    device_link=Link.ALWAYS,
    offline=False,
    session=NO_SESSION,
)


def modes_of(pairs: Iterable[tuple[str, str]]) -> dict[str, Mode]:
    """Return modes by kind; those of none are not said. Raises ValueError for an unknown mode."""
    return {kind: mode for kind, word in pairs if (mode := Mode(word)) is not Mode.NONE}


def read_modes(words: Iterable[str]) -> dict[str, Mode]:
    """Read modes by kind as people write them, each `kind=mode`; those of none too. Raises Invalid."""
    pairs = [(kind, mode) for kind, _, mode in (word.partition("=") for word in words)]
    kinds = [kind for kind, _ in pairs]
    if not set(kinds) <= set(KINDS) or len(set(kinds)) != len(kinds) or not {mode for _, mode in pairs} <= set(Mode):
        raise Invalid(f"each word is one of {', '.join(KINDS)}, `=`, and one of {', '.join(Mode)}; a kind once")
    return {kind: Mode(mode) for kind, mode in pairs}


def strictest(policies: Iterable[Policy]) -> Policy:
    """Return what policies ask together."""
    return reduce(_both, policies, SAYS_NOTHING)


def weakens(old: Policy, new: Policy) -> bool:
    """Return True when a policy asks less in any part than the one that it takes the place of."""
    return _both(old, new) != new


def require_offline(policy: Policy) -> None:
    """Raise Conflict unless a policy allows that codes are typed for answers."""
    if not policy.offline:
        raise Conflict("the policy does not allow answers by codes")


def require_session(policy: Policy, bounds: Bounds) -> None:
    """Raise Conflict unless a policy allows sessions of so much."""
    if policy.session is None or bounds.exceeds(policy.session):
        raise Conflict("the policy does not allow such a session")


def _both(one: Policy, other: Policy) -> Policy:
    pairs = ((kind, Mode.strictest(p.verification.get(kind, Mode.NONE) for p in (one, other))) for kind in KINDS)
    return Policy(
        verification=modes_of(pairs),
        biometric=_allowed(one.biometric, other.biometric),
        device_link=Link.strictest((one.device_link, other.device_link)),
        offline=_allowed(one.offline, other.offline),
        session=_bounds(one.session, other.session),
    )


def _flag(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise TypeError
    return value


def _read_bounds(value: Any) -> Bounds:
    if {type(number) for number in value.values()} != {int}:
        raise TypeError
    return Bounds(**value)


def _allowed(one: bool | None, other: bool | None) -> bool | None:
    said = [flag for flag in (one, other) if flag is not None]
    return all(said) if said else None


def _bounds(one: Bounds | None, other: Bounds | None) -> Bounds | None:
    if one is None or other is None:
        return other if one is None else one
    return one.within(other)
