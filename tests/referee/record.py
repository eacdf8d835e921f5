"""The verdict on a record: docs/evidence.md, step by step."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography import x509

from tests.referee import batches, canonical, certificates, names, phone, request, shapes
from tests.referee.channel import require_stated
from tests.referee.log import require_logged, require_told
from tests.referee.notes import LogKey
from tests.referee.phone import Talk
from tests.referee.refusing import Refused, require
from tests.referee.sessions import require_in_session
from tests.referee.shapes import members
from tests.referee.signatures import require_signed

FORMAT = "dss-evidence/v1"
CORE = members(
    {
        "request": shapes.text,
        "answer": shapes.text,
        "enrolment": shapes.text,
        "receipt": shapes.text,
        "channel_key": shapes.text,
        "signatures": shapes.many(batches.PIECE),
        "certificates": shapes.many(shapes.data),
    },
    {
        "number_salt": shapes.digest,
        "part": batches.PART,
        "session": shapes.text,
        "offline": phone.CODE,
    },
)


def _checked_with_the_log(value: Any, where: str) -> None:
    require(isinstance(value, dict), f"{where} is no object")


RECORD = members(
    {"format": shapes.one_of(FORMAT), "core": CORE, "log": _checked_with_the_log},
    {"leaf": batches.LEAF},
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a good record says (docs/evidence.md section 3).

    documents: what was to be signed; of a batch, the one that the record is about; count: of all.
    session: of what was signed in one, its request and its place. left_out: the indexes of what was declined.
    answered, ended: microseconds since 1970; answered is None where a code was given. channel_key: its thumbprint.
    """

    decision: str
    kind: str
    transaction: str
    signer: dict[str, str]
    subject: str | None
    what: dict[str, Any]
    documents: list[dict[str, Any]]
    count: int
    session: tuple[dict[str, Any], int] | None
    left_out: list[int]
    answered: int | None
    ended: int
    phone: dict[str, str]
    verification: str | None
    mode: str
    reason: str | None
    cause: str | None
    relying_application: dict[str, str]
    server: str
    channel_key: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a record is good; reason: what is wrong with it; facts: what a good one says."""

    ok: bool
    reason: str
    facts: Facts | None


def judge(data: bytes, root_der: bytes, log_key: str, kept: str | None = None) -> Verdict:
    """Judge a record; log_key: as a vkey; kept: a checkpoint that was kept, as a signed note."""
    try:
        return Verdict(ok=True, reason="", facts=_facts(data, root_der, LogKey.read(log_key), kept))
    except Refused as refused:
        return Verdict(ok=False, reason=str(refused), facts=None)


def _facts(data: bytes, root: bytes, key: LogKey, kept: str | None) -> Facts:
    record = canonical.decode(data)
    RECORD(record, "record")
    core, event = record["core"], record["log"].get("event")
    require_logged(record["log"], core, key, kept)
    talk = Talk.verified(core, shapes.microseconds(event["at"]))
    require_stated(core["channel_key"], key, talk.request.claims["server"], talk.channel_key)
    require_told(event, talk)
    require_in_session(talk)
    documents, pieces = _chosen(record, talk)
    path = _certified(core, talk, root, shapes.microseconds(event["at"]))
    if path and talk.request.claims["kind"] == "sign":
        left_out = talk.said.get("declined_documents", [])
        wanted = [one for one in documents if one["index"] not in left_out]
        require_signed(wanted, pieces, shapes.bytes_of(core["certificates"][0], "certificate"))
    return _said(talk, event, path, documents)


def _chosen(record: dict[str, Any], talk: Talk) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the documents that the record is about, and the signatures that it has."""
    asked, core = talk.request.claims, record["core"]
    signed = talk.confirmed and asked["kind"] == "sign"
    batch = asked["batch"] if signed and "batch" in asked else None
    require((batch is not None) is ("part" in core) is ("leaf" in record), "there is a part of nothing, or none")
    require((signed and batch is None) or not core["signatures"], "there are signatures that nobody confirmed")
    if batch is None:
        return asked["documents"], core["signatures"]
    batches.require_in_batch(record["leaf"], batch, core["part"])
    return [record["leaf"]["item"]], [record["leaf"]["piece"]]


def _certified(core: dict[str, Any], talk: Talk, root: bytes, at: int) -> list[x509.Certificate]:
    """Check the certificates; give the path, empty where there is none."""
    asked, ders = talk.request.claims, [shapes.bytes_of(one, "certificate") for one in core["certificates"]]
    kind = asked["kind"] if talk.confirmed else "declined"
    if kind not in ("sign", "create"):
        require(not ders, "there are certificates of nothing")
        return []
    path = certificates.read_path(ders, root, at)
    if kind == "create":
        certificates.require_certified(asked["credential"], path[0])
        return path
    named = asked["credential"]["certificate_sha256"]
    require(shapes.text_of(sha256(ders[0]).digest()) == named, "the certificate is of another credential")
    certificates.require_may_sign(path[0])
    return path


def _said(talk: Talk, event: dict[str, Any], path: list[x509.Certificate], documents: list[dict[str, Any]]) -> Facts:
    asked, said = talk.request.claims, talk.said
    enrolled, receipt = talk.enrolment.claims, talk.receipt.claims
    about = ("text", "credential", "change", "share", "session")
    by_code = "code" if talk.answer is None and talk.confirmed else None
    return Facts(
        decision=said["decision"],
        kind=asked["kind"],
        transaction=asked["transaction"],
        signer=asked["signer"],
        subject=names.text_of(path[0].subject) if path else None,
        what={name: asked[name] for name in about if name in asked},
        documents=documents,
        count=request.count(asked),
        session=(talk.shown.claims, asked["session"]["place"]) if talk.in_session else None,
        left_out=said.get("declined_documents", []),
        answered=None if talk.answer is None else said["iat"] * shapes.SECOND,
        ended=shapes.microseconds(event["at"]),
        phone={
            "device": receipt["device"],
            "name": enrolled["name"],
            "platform": enrolled["platform"],
            "enrolled": receipt["enrolled"],
        },
        verification=by_code or said.get("verification"),
        mode=talk.shown.claims["verification"]["mode"],
        reason=said.get("reason"),
        cause=said.get("cause"),
        relying_application=asked["relying_application"],
        server=asked["server"],
        channel_key=talk.channel_key,
    )
