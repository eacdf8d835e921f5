"""The session: that what was signed without a phone is within what a person had confirmed on one.

Source: docs/evidence.md section 2 step 18, docs/device-protocol.md section 11.
"""

from datetime import timedelta

from dss.devices.request import Kind
from dss.evidence.confirmation_check import TOLERANCE, Reply
from dss.evidence.fields import EvidenceRefused, require
from dss.evidence.phone_check import Attested

MINUTE = timedelta(minutes=1)


def check(attested: Attested, reply: Reply) -> None:
    """Accept a signing in a session that the reply confirmed, or what is in none. Raises EvidenceRefused."""
    asked, place, session = attested.request, attested.request.place, attested.session
    alone = asked.kind is Kind.SESSION and reply.is_confirmation
    require(not alone, "a session that was confirmed is proven by what was signed in it")
    if place is None and session is None:
        return
    if place is None or session is None or session.session is None:
        raise EvidenceRefused("core.session is there for a signing in a session, and is the request of one")
    require(session.transaction == place.session, "core.session is the request of another session")
    require(reply.is_confirmation, "the session was declined")
    require(asked.key == session.key, "the session is for another key")
    same = asked.relying_application.id == session.relying_application.id
    require(same, "the session is for another relying application")
    last = place.first + asked.count - 1
    require(last <= session.session.signatures, "the session is for fewer signatures")
    if reply.at is None:
        raise EvidenceRefused("a session is not confirmed by a code")
    since = asked.issued - reply.at
    require(-since <= TOLERANCE, "the request is from before the session")
    # In whole minutes, as they may be more than a timedelta holds.
    over = -((TOLERANCE - since) // MINUTE)
    require(over <= session.session.minutes, "the request is from after the session's end")
    require(asked.issued < asked.expires, "the request ended before it was issued")
