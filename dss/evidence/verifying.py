"""The verb verify: bytes in, what they prove out; no database, no connection, no server.

Source: docs/evidence.md section 2.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from dss.audit.note import VerifierKey
from dss.devices.answer import Cause, Decision
from dss.devices.items import LISTED, Item
from dss.devices.request import Kind, Party
from dss.evidence import (
    certificate_check,
    confirmation_check,
    log_check,
    phone_check,
    session_check,
    signature_check,
)
from dss.evidence.certificate_check import Named
from dss.evidence.concerned import Change, Key, NewKey, Share
from dss.evidence.confirmation_check import Reply
from dss.evidence.fields import EvidenceRefused, require
from dss.evidence.item_form import read_item
from dss.evidence.log_check import Logged
from dss.evidence.phone_check import Attested, Phone
from dss.evidence.pieces import Piece
from dss.evidence.record import Record
from dss.evidence.request_form import Place, Request, Session
from dss.kernel.ids import TransactionId
from dss.kernel.policy import Mode


@dataclass(frozen=True, slots=True)
class Trust:
    """What a verifier has from elsewhere, and not from the record.

    root:    the certificate of the signer's root CA, DER.
    log_key: the log's.
    kept:    a checkpoint that somebody kept, a signed note; None to compare with none.
    """

    root: bytes
    log_key: VerifierKey
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Within:
    """The session in which something was signed that no phone was shown; text: what was said where it was asked for."""

    place: Place
    session: Session
    text: str


@dataclass(frozen=True, slots=True)
class Proven:
    """What a record proves. Source: docs/evidence.md section 3.

    verification: pin, biometric or code; empty after a decline. mode: how the person made sure of the request.
    reason:       of a decline, in the person's words; may be empty. cause: the reason in the protocol's words.
    text:         what the relying application said; may be empty.
    documents:    what was asked to be signed, and was, unless it was declined; of a batch, the one that this is about.
    declined:     the indexes of the documents that were not to be signed. count: of all that were asked to be.
    signatures:   those of the others, in their order.
    key:          that signs; None for other kinds, which have one of new_key, change and share.
    session:      what a session was for. within: the session that confirmed what was signed.
    certificate:  the signer's, of a signature that was made, or of a new key; else None.
    channel_key:  the thumbprint (RFC 7638, base64url) of the server's key for talking to phones, for who knows it.
    asked_at:     by the server's clock. answered_at: by the phone's, None of a code. logged.at: the end, by the
    server's clock.
    """

    server: str
    channel_key: str
    transaction: TransactionId
    kind: Kind
    decision: Decision
    verification: str
    mode: Mode
    reason: str
    cause: Cause | None
    signer: Party
    relying_application: Party
    text: str
    documents: tuple[Item, ...]
    declined: tuple[int, ...]
    count: int
    signatures: tuple[Piece, ...]
    key: Key | None
    new_key: NewKey | None
    change: Change | None
    share: Share | None
    session: Session | None
    within: Within | None
    certificate: Named | None
    phone: Phone
    asked_at: datetime
    answered_at: datetime | None
    logged: Logged

    @property
    def is_confirmed(self) -> bool:
        """True where the person confirmed, False where they declined."""
        return self.decision is Decision.CONFIRM

    @property
    def is_by_code(self) -> bool:
        """True where a code answered, and no phone's signature tells of it."""
        return self.answered_at is None

    @property
    def is_of_batch(self) -> bool:
        """True where more documents were asked to be signed than a request names."""
        return self.count > LISTED


@dataclass(frozen=True, slots=True)
class _Found:
    """What came of a transaction: its documents, the signatures, and the first of the certificates."""

    documents: tuple[Item, ...]
    signatures: tuple[Piece, ...] = ()
    certificate: x509.Certificate | None = None


def verify(data: bytes, trust: Trust) -> Proven:
    """Verify a record and return what it proves. Raises EvidenceRefused, whose detail names the step that failed."""
    record = Record.read(data)
    logged = log_check.check(record.log, record.core.digest(), trust.log_key, trust.kept)
    attested = phone_check.check(record.core, trust.log_key)
    reply = confirmation_check.check(attested, record.core.number_salt, logged.at)
    session_check.check(attested, reply)
    _require_end_of(attested.request, reply, logged)
    found = _found(record, attested.request, reply, trust.root, logged.at)
    return _proven(attested, reply, found, logged)


def _require_end_of(asked: Request, reply: Reply, logged: Logged) -> None:
    """Step 4: the event in the log is the end of this transaction, or of a part of it, by this answer."""
    require(logged.subject == f"transaction:{asked.transaction}", "the event in the log is of another transaction")
    if reply.is_confirmation:
        expected = ("transaction.signed" if asked.batch is None else "transaction.part_signed", "server")
    else:
        expected = ("transaction.declined", f"device:{reply.device}")
    require((logged.kind, logged.actor) == expected, f"the event in the log is not {expected[0]} by {expected[1]}")


def _found(record: Record, asked: Request, reply: Reply, root: bytes, at: datetime) -> _Found:
    """Steps 14 to 16 and 20: verify the signatures and certificates that the transaction must have, and no others."""
    core, confirmed = record.core, reply.is_confirmation
    signed, created = confirmed and asked.kind is Kind.SIGN, confirmed and asked.kind is Kind.CREATE
    batched = signed and asked.batch is not None
    require(batched or (core.part is None and record.leaf is None), "there is a part of a batch, though of none")
    require(signed or not core.signatures, "there are signatures, though nothing was signed")
    require(not batched or not core.signatures, "there are signatures beside those of the part")
    if not (signed or created):
        require(not core.certificates, "there are certificates, though none belong here")
        return _Found(asked.documents)
    certificate = certificate_check.check(core.certificates, root, at)
    if asked.new_key is not None:
        certificate_check.require_wanted(certificate, asked.new_key)
        return _Found((), (), certificate)
    documents, pieces = _leaf(record, asked) if batched else (asked.documents, core.signatures)
    wanted = tuple(item for item in documents if item.index not in reply.declined)
    fitting = [item.index for item in wanted] == [piece.index for piece in pieces]
    require(fitting, "the signatures are not those of the request's documents")
    signed_items = tuple(zip(wanted, pieces, strict=True))
    signature_check.check(asked.key, signed_items, certificate, core.certificates[0])
    return _Found(documents, pieces, certificate)


def _leaf(record: Record, asked: Request) -> tuple[tuple[Item, ...], tuple[Piece, ...]]:
    """Step 20: return the one document of a batch that the record is about, and its signature."""
    if record.leaf is None:
        raise EvidenceRefused("the record of a batch has no leaf")
    record.leaf.require_in(asked.batch, record.core.part)
    item = read_item(record.leaf.item)
    require(item.index == record.leaf.piece.index, "the leaf's document has another index than its signature")
    return (item,), (record.leaf.piece,)


def _within(attested: Attested) -> Within | None:
    place, shown = attested.request.place, attested.session
    if place is None or shown is None or shown.session is None:
        return None
    return Within(place, shown.session, shown.text)


def _proven(attested: Attested, reply: Reply, found: _Found, logged: Logged) -> Proven:
    asked, certificate = attested.request, found.certificate
    return Proven(
        server=asked.server,
        channel_key=attested.channel_key,
        transaction=asked.transaction,
        kind=asked.kind,
        decision=reply.decision,
        verification=reply.verification,
        mode=attested.shown.verification.mode,
        reason=reply.reason,
        cause=reply.cause,
        signer=asked.signer,
        relying_application=asked.relying_application,
        text=asked.text,
        documents=found.documents,
        declined=reply.declined,
        count=asked.count,
        signatures=found.signatures,
        key=asked.key,
        new_key=asked.new_key,
        change=asked.change,
        share=asked.share,
        session=asked.session,
        within=_within(attested),
        certificate=None if certificate is None else certificate_check.named(certificate),
        phone=attested.phone,
        asked_at=asked.issued,
        answered_at=reply.at,
        logged=logged,
    )
