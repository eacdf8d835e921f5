"""The verdicts of two verifiers that share no code, the product's and the referee's, and the facts that each tells."""

from datetime import datetime
from typing import Any

from dss.audit.note import VerifierKey
from dss.devices.items import Item
from dss.evidence.fields import EvidenceRefused
from dss.evidence.verifying import Proven, Trust, verify
from tests.referee.forging import Case
from tests.referee.record import Facts, judge
from tests.referee.shapes import EPOCH, SECOND, bytes_of, microseconds, text_of


def disagreement(case: Case, good: bool | None) -> str | None:
    """What is wrong with the verdicts on a case; None where both are as they should be, and for the same facts.

    good: None where only that they agree is known.
    """
    verdict = judge(case.data, case.root, case.log_key, case.kept)
    proven, reason = product(case)
    expected = verdict.ok if good is None else good
    if (verdict.ok, proven is not None) != (expected, expected):
        return f"the referee says {verdict.reason or 'yes'!r}, the product {reason or 'yes'!r}"
    if verdict.facts is None or proven is None:
        return None
    theirs, ours = facts_of(proven), facts_to_compare(verdict.facts)
    told = {name: (ours[name], theirs[name]) for name in ours if ours[name] != theirs[name]}
    return f"the facts differ: {told}" if told else None


def product(case: Case) -> tuple[Proven | None, str]:
    """The product's verdict: what is proven, or why nothing is."""
    try:
        return verify(case.data, Trust(case.root, VerifierKey.read(case.log_key), case.kept)), ""
    except EvidenceRefused as refused:
        return None, str(refused)


def facts_to_compare(facts: Facts) -> dict[str, Any]:
    """Who, what, when, on which phone, how, for whom, as the referee tells it."""
    credential, change, share = (facts.what.get(name, {}) for name in ("credential", "change", "share"))
    return {
        "who": (facts.signer["id"], facts.signer["login"], facts.signer["name"], facts.subject),
        "kind": (facts.kind, facts.decision, facts.transaction),
        "text": facts.what["text"],
        "documents": [
            (one["index"], bytes_of(one["to_sign"], ""), one.get("name"), one.get("size")) for one in facts.documents
        ],
        "how many": (facts.count, tuple(facts.left_out)),
        "session": _session(facts),
        "key": (credential.get("id"), credential.get("certificate_sha256")),
        "new key": [credential.get(name) for name in ("subject", "key_type", "validity_days")],
        "replaces": credential.get("replaces", {}).get("id"),
        "change": (change.get("action"), change.get("reason"), change.get("phone", {}).get("id")),
        "allowed": change.get("relying_application", {}).get("name"),
        "share": (share.get("phone", {}).get("id"), [one["id"] for one in share.get("credentials", ())]),
        "when": (facts.answered, facts.ended),
        "phone": (facts.phone["device"], facts.phone["name"], facts.phone["platform"]),
        "enrolled": microseconds(facts.phone["enrolled"]),
        "how": (facts.verification or "", facts.mode, facts.reason or "", facts.cause),
        "for whom": (facts.relying_application["id"], facts.relying_application["name"]),
        "server": (facts.server, facts.channel_key),
    }


def facts_of(proven: Proven) -> dict[str, Any]:
    """The same, as the product tells it."""
    signer, phone, application = proven.signer, proven.phone, proven.relying_application
    return {
        "who": (signer.id, signer.login, signer.name, proven.certificate.subject if proven.certificate else None),
        "kind": (proven.kind.value, proven.decision.value, proven.transaction),
        "text": proven.text,
        "documents": [_document(item) for item in proven.documents],
        "how many": (proven.count, proven.declined),
        "session": _of_session(proven),
        **_concerned(proven),
        "when": (proven.answered_at and counted(proven.answered_at), counted(proven.logged.at)),
        "phone": (phone.id, phone.name, phone.platform),
        "enrolled": counted(phone.enrolled),
        "how": (proven.verification, proven.mode.value, proven.reason, proven.cause and proven.cause.value),
        "for whom": (application.id, application.name),
        "server": (proven.server, proven.channel_key),
    }


def _session(facts: Facts) -> tuple[Any, ...]:
    """What a session was for, of itself or of what was signed in it, with its place there."""
    if facts.session is not None:
        asked, place = facts.session
        return (asked["session"]["minutes"], asked["session"]["signatures"], place, asked["transaction"], asked["text"])
    session = facts.what.get("session", {})
    return (session.get("minutes"), session.get("signatures"))


def _of_session(proven: Proven) -> tuple[Any, ...]:
    """The same, as the product tells it."""
    within, own = proven.within, proven.session
    if within is not None:
        session, place = within.session, within.place
        return (session.minutes, session.signatures, place.first, place.session, within.text)
    return (own.minutes, own.signatures) if own else (None, None)


def _document(item: Item) -> tuple[int, bytes, str | None, int | None]:
    shown = item.document
    return item.index, item.to_sign.value, shown.name if shown else None, shown.size if shown else None


def _concerned(proven: Proven) -> dict[str, Any]:
    change, share, new = proven.change, proven.share, proven.new_key
    key = proven.key or (change.key if change else None)
    return {
        "key": (key.id, text_of(key.certificate_sha256)) if key else (new.id if new else None, None),
        "new key": [new.subject, new.key_type.value, new.validity_days] if new else [None] * 3,
        "replaces": new.replaces.id if new and new.replaces else None,
        "change": (change.action.value, change.reason or None, change.phone and change.phone.id)
        if change
        else (None,) * 3,
        "allowed": change.application.name if change and change.application else None,
        "share": (share.phone.id, [one.id for one in share.keys]) if share else (None, []),
    }


def counted(moment: datetime) -> int:
    """A time in microseconds since 1970."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds
