"""Options by which operators say what is asked of confirmations, and how a policy is shown to them."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

import typer

from dss.cli.operators import tell_proposed
from dss.cli.running import show
from dss.kernel.policy import KINDS, SAYS_NOTHING, Bounds, Link, Mode, Policy, modes_of, read_modes
from dss.operators.model import Proposal

Verification = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KIND=MODE",
        help=f"How the person makes sure, at least; once for each of {', '.join(KINDS)}; MODE: {', '.join(Mode)}. "
        "In a key's policy `create` is of requests for a key that replaces it.",
    ),
]
DeviceLink = Annotated[
    Link | None, typer.Option(help="When the page is scanned first: never, by a browser new to it, or always.")
]
Biometric = Annotated[
    bool | None, typer.Option("--biometric/--no-biometric", help="Whether a biometric may stand for the PIN.")
]
Offline = Annotated[bool | None, typer.Option("--offline/--no-offline", help="Whether a typed code may answer.")]
Session = Annotated[
    tuple[int, int] | None,
    typer.Option(metavar="SIGNATURES MINUTES", help="The most that a session may give; 0 0 forbids sessions."),
]
Clear = Annotated[bool, typer.Option("--clear", help="Forget what was set before.")]


@dataclass(frozen=True, slots=True)
class Given:
    """What an operator gave on the command line: None for what they did not."""

    verification: list[str] | None
    device_link: Link | None
    biometric: bool | None
    offline: bool | None
    session: tuple[int, int] | None
    clear: bool

    @property
    def is_empty(self) -> bool:
        """True where a policy is to be shown, not changed."""
        said = (self.device_link, self.biometric, self.offline, self.session)
        return not (self.clear or self.verification) and all(one is None for one in said)

    def over(self, old: Policy) -> Policy:
        """Return a policy with what was given in place of what it said. Raises Invalid."""
        kept = SAYS_NOTHING if self.clear else old
        modes = {**kept.verification, **read_modes(self.verification or ())}
        return replace(
            kept,
            verification=modes_of(modes.items()),
            device_link=self.device_link or kept.device_link,
            biometric=kept.biometric if self.biometric is None else self.biometric,
            offline=kept.offline if self.offline is None else self.offline,
            session=kept.session if self.session is None else Bounds(*self.session),
        )


def show_policy(id: str, policy: Policy | Proposal, *, as_json: bool) -> None:
    """Print a policy, or that it waits for a second operator."""
    if isinstance(policy, Proposal):
        tell_proposed(policy, as_json=as_json)
        return
    show({"id": id, "policy": policy.member()} if as_json else {"id": id} | lines(policy), as_json=as_json)


def lines(policy: Policy) -> dict[str, Any]:
    """Return what a policy says, part by part, in words."""
    said = {None: "not said", True: "allowed", False: "forbidden"}
    session = policy.session
    within = "" if session is None else f"{session.signatures} signatures within {session.minutes} minutes"
    return {
        "verification": " ".join(f"{kind}={mode}" for kind, mode in policy.verification.items()) or "not said",
        "device link": policy.device_link.value,
        "biometric": said[policy.biometric],
        "offline codes": said[policy.offline],
        "session": within or "not said",
    }
