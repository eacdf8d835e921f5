"""The step about sessions (docs/evidence.md section 2, step 18)."""

from tests.referee import request, shapes
from tests.referee.phone import SLACK, Talk
from tests.referee.refusing import require
from tests.referee.shapes import SECOND

MINUTE = 60 * SECOND


def require_in_session(talk: Talk) -> None:
    """Check that what no phone was shown is within a session that one confirmed."""
    asked, session = talk.request.claims, talk.shown.claims
    require(asked["kind"] != "session" or not talk.confirmed, "a session is proven by what was signed in it")
    wanted = asked["kind"] == "sign" and "session" in asked
    require(wanted is talk.in_session, "there is a session of nothing, or none where there should be one")
    if not wanted:
        return
    require(session["kind"] == "session", "another request stands where the session's should")
    require(session["transaction"] == asked["session"]["id"], "the session is another")
    require(talk.confirmed, "the session was declined")
    for member in ("id", "certificate_sha256"):
        require(asked["credential"][member] == session["credential"][member], "the session is of another key")
    by = [one["relying_application"]["id"] for one in (asked, session)]
    require(by[0] == by[1], "the session is of another application")
    last = asked["session"]["place"] + request.count(asked) - 1
    require(last <= session["session"]["signatures"], "the session has no such place")
    issued, began = shapes.microseconds(asked["issued"]), talk.said["iat"] * SECOND
    ends = began + session["session"]["minutes"] * MINUTE
    require(began - SLACK <= issued <= ends + SLACK, "the request is before the session, or after it")
    require(issued < shapes.microseconds(asked["expires"]), "the request ends before it begins")
