"""Policies held against what was confirmed: at the door that of the key, whatever it was opened by. Pure."""

from dss.credentials.session import bounds_of
from dss.devices.request import Asked, Kind
from dss.kernel.errors import Conflict
from dss.kernel.policy import Mode, Policy, require_offline, require_session


def require_policy(policy: Policy, confirmed: Asked, *, by_code: bool) -> None:
    """Raise Conflict where what was confirmed is below a policy, read as that of a key, as it is now.

    confirmed: the request that the person answered: of a signature in a session, that of the session.
    by_code:   whether a code was typed in place of the phone's answer.
    """
    of_key = policy.of_key()
    if by_code:
        require_offline(policy)
    least, mode = of_key.mode_of(confirmed.kind.value), confirmed.verification.mode
    if Mode.strictest((least, mode)) is not mode:
        raise Conflict(f"the policy asks for {least}, and the request asked for {mode}")
    if not confirmed.answer_by <= set(of_key.answer_by):
        raise Conflict("the request allowed an answer that the policy does not")
    if confirmed.kind is Kind.SESSION:
        require_session(policy, bounds_of(confirmed))
