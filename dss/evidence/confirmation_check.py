"""The confirmation: that the answer answers this very request, in time, and by what the request asks for.

Source: docs/evidence.md section 2 steps 11 to 13, 17 and 19, docs/device-protocol.md sections 4, 5 and 12.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dss.devices.answer import CONFIRM, Answer, Cause, Decision
from dss.devices.request import Kind
from dss.evidence import fields
from dss.evidence.fields import HASH_BYTES, EvidenceRefused, require
from dss.evidence.phone_check import Attested
from dss.evidence.record import Offline
from dss.evidence.request_form import Request
from dss.kernel.ids import DeviceId
from dss.kernel.policy import Mode

TOLERANCE = timedelta(seconds=60)
LONGEST_WORK = timedelta(hours=48)
BY_CODE = "code"


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered.

    verification: pin, biometric or code; empty after a decline.
    number:       what the person compared or chose; empty where nothing was to be, or a code answered.
    declined:     the indexes of the documents that are not to be signed, ascending.
    reason:       of a decline, in the person's words; may be empty.
    at:           by the phone's clock; None of a code, which tells no time.
    """

    device: DeviceId
    decision: Decision
    verification: str = ""
    number: str = ""
    declined: tuple[int, ...] = ()
    reason: str = ""
    cause: Cause | None = None
    at: datetime | None = None

    @property
    def is_confirmation(self) -> bool:
        """True where the person confirmed, False where they declined."""
        return self.decision is Decision.CONFIRM


def check(attested: Attested, number_salt: bytes, ended_at: datetime) -> Reply:
    """Return what was answered. Raises EvidenceRefused.

    number_salt: of the core. ended_at: when the transaction ended, by the server's clock.
    """
    shown, answer = attested.shown, attested.answer
    reply = _by_code(attested, answer) if isinstance(answer, Offline) else _by_phone(shown, answer)
    _require_number(shown, reply, number_salt)
    _require_times(attested, reply.at, ended_at)
    return reply


def _by_code(attested: Attested, code: Offline) -> Reply:
    asked = attested.request
    require(asked.kind is Kind.SIGN and attested.session is None, "a code answers no request of this kind")
    require(asked.batch is None, "a code answers no batch: the phone that showed it knew none of the documents")
    decision = Decision(code.decision)
    return Reply(DeviceId(code.device), decision, BY_CODE if decision is Decision.CONFIRM else "")


def _by_phone(shown: Request, answer: Answer) -> Reply:
    require(answer.transaction == shown.transaction, "the answer is of another transaction")
    require(answer.binding == shown.binding, "the answer is not bound to what the request shows")
    require(shown.phone in {None, answer.device}, "the request is for another phone")
    if answer.decision is Decision.CONFIRM:
        _require_confirmation(shown, answer)
    else:
        compared = shown.verification.mode is Mode.COMPARE or answer.cause is not Cause.CODE_DIFFERS
        require(compared, "the answer says that the code differs, and the request has none")
    at = _moment(fields.number(answer.iat, "answer.iat"))
    how = (answer.verification, answer.number, answer.declined, answer.reason, answer.cause)
    return Reply(answer.device, answer.decision, *how, at)


def _require_confirmation(shown: Request, answer: Answer) -> None:
    require(answer.verification in shown.answer_by, "the answer is by a way that the request does not allow")
    require(len(answer.sealed_sha256) == HASH_BYTES, f"answer.sealed_sha256 is not a hash of {HASH_BYTES} bytes")
    shares = {"share_sha256"} if shown.kind is Kind.SHARE else set[str]()
    matched = {"number"} if shown.verification.mode is not Mode.NONE else set[str]()
    optional = {"declined_documents"} if shown.kind is Kind.SIGN else set[str]()
    fields.members(answer.jws.claims, "the answer", CONFIRM | shares | matched, optional)
    shared = HASH_BYTES if shown.kind is Kind.SHARE else 0
    require(len(answer.share_sha256) == shared, f"answer.share_sha256 is not a hash of {HASH_BYTES} bytes")
    declined = answer.declined
    left = not declined or (declined[-1] < shown.count and len(declined) < shown.count)
    require(left, "the answer declines documents that are not there, or all of them")


def _require_number(shown: Request, reply: Reply, salt: bytes) -> None:
    """Step 17: the number is the right one, and its salt is there where it must be."""
    matched = reply.is_confirmation and reply.at is not None
    chose = matched and shown.verification.mode is Mode.CHOOSE
    require(chose is bool(salt), "core.number_salt is there for a number that a phone chose, and for nothing else")
    right = not matched or shown.verification.is_right(reply.number, salt)
    require(right, "the number is not the one that the requester's page showed")


def _require_times(attested: Attested, answered_at: datetime | None, ended_at: datetime) -> None:
    shown, asked, phone = attested.shown, attested.request, attested.phone
    at = ended_at if answered_at is None else answered_at
    require(shown.issued < shown.expires, "the request ended before it was issued")
    require(shown.issued - at <= TOLERANCE, "the answer is from before the request")
    late = answered_at is not None and answered_at - shown.expires > TOLERANCE
    require(not late, "the answer is from after the request's end")
    require(phone.enrolled - at <= TOLERANCE, "the answer is from before the phone was enrolled")
    waited = phone.active is None or phone.active - at <= TOLERANCE
    require(waited, "the answer is from when the phone had to wait")
    require(at - ended_at <= TOLERANCE, "the transaction ended before it was answered")
    require(ended_at - asked.expires <= LONGEST_WORK, "the transaction ended too long after the request's end")


def _moment(iat: int) -> datetime:
    try:
        return datetime.fromtimestamp(iat, UTC)
    except (ValueError, OverflowError) as fault:
        raise EvidenceRefused("answer.iat is no time") from fault
