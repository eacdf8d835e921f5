"""The confirmation: that the answer answers this very request, in time.

Source: docs/evidence.md section 2 steps 11 to 13, docs/device-protocol.md section 5.
"""

from datetime import UTC, datetime, timedelta

from dss.devices.answer import Answer, Decision
from dss.devices.request import Kind
from dss.evidence import fields
from dss.evidence.fields import HASH_BYTES, EvidenceRefused, require
from dss.evidence.phone_check import Attested
from dss.evidence.request_form import Request

TOLERANCE = timedelta(seconds=60)
LONGEST_WORK = timedelta(hours=48)


def check(attested: Attested, ended_at: datetime) -> datetime:
    """Return when the person answered, by the phone's clock. Raises EvidenceRefused.

    ended_at: when the transaction ended, by the server's clock.
    """
    asked, answer = attested.request, attested.answer
    require(answer.transaction == asked.transaction, "the answer is of another transaction")
    require(answer.binding == asked.binding, "the answer is not bound to what the request shows")
    require(asked.phone in {None, answer.device}, "the request is for another phone")
    if answer.decision is Decision.CONFIRM:
        _require_confirmation(asked, answer)
    require(asked.issued < asked.expires, "the request ended before it was issued")
    answered_at = _moment(fields.number(answer.iat, "answer.iat"))
    require(asked.issued - answered_at <= TOLERANCE, "the answer is from before the request")
    require(answered_at - asked.expires <= TOLERANCE, "the answer is from after the request's end")
    require(attested.phone.enrolled - answered_at <= TOLERANCE, "the answer is from before the phone was enrolled")
    active = attested.phone.active
    require(active is None or active - answered_at <= TOLERANCE, "the answer is from when the phone had to wait")
    require(answered_at - ended_at <= TOLERANCE, "the transaction ended before it was answered")
    require(ended_at - asked.expires <= LONGEST_WORK, "the transaction ended too long after the request's end")
    return answered_at


def _require_confirmation(asked: Request, answer: Answer) -> None:
    require(answer.verification in asked.answer_by, "the answer is by a way that the request does not allow")
    require(len(answer.sealed_sha256) == HASH_BYTES, f"answer.sealed_sha256 is not a hash of {HASH_BYTES} bytes")
    shared = HASH_BYTES if asked.kind is Kind.SHARE else 0
    require(len(answer.share_sha256) == shared, "answer.share_sha256 is there for a share, and for no other")


def _moment(iat: int) -> datetime:
    try:
        return datetime.fromtimestamp(iat, UTC)
    except (ValueError, OverflowError) as fault:
        raise EvidenceRefused("answer.iat is no time") from fault
