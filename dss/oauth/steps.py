"""What comes next for the person who was sent here: sign in, consent, or go on at once. Pure.

Source: OpenID Connect Core 1.0 section 3.1.2.1 (prompt, max_age), RFC 6749 section 10.2, RFC 8252 section 8.6;
docs/authorization.md section 4.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from dss.login.model import Session, Standing
from dss.oauth.authorization_errors import Refused
from dss.oauth.authorization_request import CREDENTIAL, Prompt
from dss.oauth.grant import Grant
from dss.oauth.reading import Wish


class Step(StrEnum):
    """What the person is asked next."""

    SIGN_IN = "sign_in"
    CONSENT = "consent"
    GO_ON = "go_on"


def is_signed_in(wish: Wish, session: Session | None) -> bool:
    """Return True when a session is whole, and as young as the client wishes."""
    if session is None or session.standing is not Standing.FULL:
        return False
    max_age = wish.request.max_age
    return max_age is None or session.created_at >= wish.asked_at - max_age


def remembered_until(wish: Wish, grants: Iterable[Grant], now: datetime) -> datetime | None:
    """Return until when a signer has allowed this before, to a client that nobody else can pretend to be; or None."""
    request = wish.request
    if request.scope == CREDENTIAL or Prompt.CONSENT in request.prompt or wish.client.profile.public:
        return None
    ends = [
        grant.expires_at
        for grant in grants
        if grant.client_id == request.client_id
        and grant.is_consent
        and grant.lives(now)
        and request.scope in grant.scopes
    ]
    return max(ends, default=None)


def next_step(wish: Wish, *, signed_in: bool, remembered: bool) -> Step | Refused:
    """Return what comes next; where nothing may be shown, why it cannot be done without."""
    silent = Prompt.NONE in wish.request.prompt
    if not signed_in:
        return Refused.LOGIN_REQUIRED if silent else Step.SIGN_IN
    if silent and wish.request.scope == CREDENTIAL:
        return Refused.INTERACTION_REQUIRED  # a phone is asked, and a page waits for it
    if remembered:
        return Step.GO_ON
    return Refused.CONSENT_REQUIRED if silent else Step.CONSENT
