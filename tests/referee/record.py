"""The verdict on a record: docs/evidence.md, step by step."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography import x509

from tests.referee import canonical, certificates, names, shapes
from tests.referee.channel import require_stated
from tests.referee.log import require_logged, require_told
from tests.referee.notes import LogKey
from tests.referee.phone import Talk
from tests.referee.refusing import Refused, require
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
        "signatures": shapes.many(members({"attributes": shapes.data, "index": shapes.number, "value": shapes.data})),
        "certificates": shapes.many(shapes.data),
    }
)


def _checked_with_the_log(value: Any, where: str) -> None:
    require(isinstance(value, dict), f"{where} is no object")


RECORD = members({"format": shapes.one_of(FORMAT), "core": CORE, "log": _checked_with_the_log})


@dataclass(frozen=True, slots=True)
class Facts:
    """What a good record says (docs/evidence.md section 3).

    answered, ended: microseconds since 1970. channel_key: its thumbprint.
    """

    decision: str
    kind: str
    transaction: str
    signer: dict[str, str]
    subject: str | None
    what: dict[str, Any]
    answered: int
    ended: int
    phone: dict[str, str]
    verification: str | None
    reason: str | None
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
    talk = Talk.verified(core)
    require_stated(core["channel_key"], key, talk.request.claims["server"], talk.channel_key)
    require_told(event, talk)
    path = _certified(core, talk, root, shapes.microseconds(event["at"]))
    return _said(talk, event, path)


def _certified(core: dict[str, Any], talk: Talk, root: bytes, at: int) -> list[x509.Certificate]:
    """Check signatures and certificates; give the path, empty where there is none."""
    asked, ders = talk.request.claims, [shapes.bytes_of(one, "certificate") for one in core["certificates"]]
    kind = asked["kind"] if talk.confirmed else "declined"
    require(kind == "sign" or not core["signatures"], "there are signatures that nobody confirmed")
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
    require_signed(asked["documents"], core["signatures"], ders[0])
    return path


def _said(talk: Talk, event: dict[str, Any], path: list[x509.Certificate]) -> Facts:
    asked, answer = talk.request.claims, talk.answer.claims
    enrolled, receipt = talk.enrolment.claims, talk.receipt.claims
    about = ("documents", "text", "credential", "change", "share")
    return Facts(
        decision=answer["decision"],
        kind=asked["kind"],
        transaction=asked["transaction"],
        signer=asked["signer"],
        subject=names.text_of(path[0].subject) if path else None,
        what={name: asked[name] for name in about if name in asked},
        answered=answer["iat"] * shapes.SECOND,
        ended=shapes.microseconds(event["at"]),
        phone={
            "device": receipt["device"],
            "name": enrolled["name"],
            "platform": enrolled["platform"],
            "enrolled": receipt["enrolled"],
        },
        verification=answer.get("verification"),
        reason=answer.get("reason"),
        relying_application=asked["relying_application"],
        server=asked["server"],
        channel_key=talk.channel_key,
    )
