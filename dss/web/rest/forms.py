"""How a signature looks to a relying application."""

from enum import StrEnum
from typing import Literal

import msgspec

from dss.devices.answer import Cause
from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode
from dss.transactions.machine import ENDED, State
from dss.transactions.model import Transaction
from dss.transactions.outcome import Details, ItemState, Outcome
from dss.transactions.preparation import Preparation
from dss.transactions.results import Result
from dss.web.http.fields import Id, Time

By = Literal["pin", "biometric", "code"]


class SignedItem(msgspec.Struct):
    """One thing to sign, and its signature (base64) once there is one.

    to_sign is what the key signs (base64 of a hash by hash_algorithm). A document has name, media_type, size in bytes
    and sha256 in hexadecimal, and href once it is signed; a bare hash has none of these.
    """

    index: int
    state: ItemState
    format: str
    scheme: str
    hash_algorithm: str
    to_sign: str
    name: str | None = None
    media_type: str | None = None
    size: int | None = None
    sha256: str | None = None
    signature: str | None = None
    href: str | None = None


class SignatureState(StrEnum):
    """Where a signature stands; while it is preparing, the signer was not asked yet."""

    PREPARING = "preparing"
    AWAITING = "awaiting"
    CONFIRMED = "confirmed"
    SIGNING = "signing"
    SIGNED = "signed"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    FAILED = "failed"


class Summary(msgspec.Struct):
    """A signature without its items; expires_at is there once the signer was asked."""

    id: Id
    state: SignatureState
    credential_id: Id
    text: str
    opened_at: Time
    expires_at: Time | None


class Verification(msgspec.Struct):
    """How the signer makes sure that a request is theirs; number: what your page shows while it awaits the answer."""

    mode: Mode
    number: str | None = None


class AnsweredBy(msgspec.Struct):
    """By what the signer confirmed, and how they made sure that the request was theirs.

    Of what is signed in a session it tells how the session was confirmed: nothing else was asked of the signer.
    """

    by: By
    mode: Mode


class Signature(Summary, kw_only=True):
    """A signature; reason and cause tell why it was declined or failed, results are kept until collect_until.

    documents are the first 100 of count things to sign; results leads to all of them. signed and declined tell how many
    are, and prepared how many documents are ready to be shown, as long as the signer was not asked.
    page, told to who opens it: where a browser is sent that is to be shown how it goes on, and what is to be scanned.
    """

    documents: list[SignedItem]
    count: int
    signed: int
    declined: int
    results: str
    prepared: int | None = None
    verification: Verification | None = None
    answered: AnsweredBy | None = None
    session_id: Id | None = None
    reason: str | None = None
    cause: Cause | None = None
    collect_until: Time | None = None
    page: str | None = None


class SignatureList(msgspec.Struct):
    """A page of signatures."""

    items: list[Summary]
    next: str | None = None


def summary(asked: Preparation | Transaction) -> Summary:
    """Return the short form of a signature."""
    return _preparing(asked) if isinstance(asked, Preparation) else _summary(asked)


def verification(transaction: Transaction) -> Verification:
    """Return how the signer makes sure, and what there is to show of it now."""
    shown = transaction.number if transaction.state is State.AWAITING else ""
    return Verification(transaction.mode, shown or None)


def answered(outcome: Outcome) -> AnsweredBy | None:
    """Return by what the signer confirmed; None where they did not."""
    return None if outcome.by is None else AnsweredBy(msgspec.convert(outcome.by, By), outcome.transaction.mode)


def cause(transaction: Transaction) -> Cause | None:
    """Return what the signer named as the cause of a decline, if they named one."""
    return Cause(transaction.cause) if transaction.cause else None


def signature(asked: Preparation | Details) -> Signature:
    """Return the whole form of a signature."""
    return _prepared(asked) if isinstance(asked, Preparation) else _signature(asked)


def signed_item(id: TransactionId, result: Result) -> SignedItem:
    """Return the form of one thing of a signature."""
    item, shown, signed = result.entry.item, result.entry.item.document, result.entry.signed
    to_sign = b64.encode(item.to_sign.value)
    plain = SignedItem(item.index, result.state, item.format, item.scheme, item.to_sign.name, to_sign)
    if signed is not None:
        plain.signature = b64.encode(signed.signature)
    if shown is not None:
        plain.name, plain.media_type, plain.size = shown.name, shown.media_type, shown.size
        plain.sha256 = shown.document_digest.hex
        plain.href = None if signed is None else f"/v1/signatures/{id}/documents/{item.index}"
    return plain


def _preparing(preparation: Preparation) -> Summary:
    return Summary(
        id=preparation.id,
        state=SignatureState(preparation.stage),
        credential_id=preparation.wish.credential_id,
        text=preparation.wish.text,
        opened_at=timestamp(preparation.asked_at),
        expires_at=None,
    )


def _summary(transaction: Transaction) -> Summary:
    return Summary(
        id=transaction.id,
        state=SignatureState(transaction.state),
        credential_id=transaction.key,
        text=transaction.text,
        opened_at=timestamp(transaction.opened_at),
        expires_at=timestamp(transaction.expires_at),
    )


def _prepared(preparation: Preparation) -> Signature:
    return Signature(
        **msgspec.structs.asdict(_preparing(preparation)),
        documents=[],
        count=preparation.count,
        signed=0,
        declined=0,
        results=_results(preparation.id),
        prepared=preparation.prepared,
        reason=preparation.why or None,
    )


def _signature(details: Details) -> Signature:
    transaction, outcome = details.transaction, details.outcome
    ended = transaction.state in ENDED
    return Signature(
        **msgspec.structs.asdict(_summary(transaction)),
        documents=[signed_item(transaction.id, Result(entry, outcome.state_of(entry))) for entry in details.entries],
        count=details.count,
        signed=details.signed,
        declined=details.declined,
        results=_results(transaction.id),
        verification=verification(transaction),
        answered=answered(details.answered),
        session_id=transaction.session_id,
        reason=transaction.why or None,
        cause=cause(transaction),
        collect_until=timestamp(details.collect_until) if ended else None,
    )


def _results(id: TransactionId) -> str:
    return f"/v1/signatures/{id}/results"
