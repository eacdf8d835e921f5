"""The verb verify: bytes in, what they prove out; no database, no connection, no server.

Source: docs/evidence.md section 2.
"""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from dss.audit.note import VerifierKey
from dss.devices.answer import Decision
from dss.devices.request import Item, Kind, Party
from dss.evidence import certificate_check, confirmation_check, log_check, phone_check, signature_check
from dss.evidence.certificate_check import Named
from dss.evidence.fields import require
from dss.evidence.log_check import Logged
from dss.evidence.phone_check import Attested, Phone
from dss.evidence.record import Core, Piece, Record
from dss.evidence.request_form import Change, Key, NewKey, Share
from dss.kernel.ids import TransactionId


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
class Proven:
    """What a record proves. Source: docs/evidence.md section 3.

    verification: pin or biometric; empty after a decline.
    reason:       of a decline, in the person's words; may be empty.
    text:         what the relying application said; may be empty.
    documents:    what was asked to be signed, and was, unless it was declined; signatures: theirs, in their order.
    key:          that signs; None for other kinds, which have one of new_key, change and share.
    certificate:  the signer's, of a signature that was made, or of a new key; else None.
    channel_key:  the thumbprint (RFC 7638, base64url) of the server's key for talking to phones, for who knows it.
    asked_at:     by the server's clock. answered_at: by the phone's. logged.at: the end, by the server's clock.
    """

    server: str
    channel_key: str
    transaction: TransactionId
    kind: Kind
    decision: Decision
    verification: str
    reason: str
    signer: Party
    relying_application: Party
    text: str
    documents: tuple[Item, ...]
    signatures: tuple[Piece, ...]
    key: Key | None
    new_key: NewKey | None
    change: Change | None
    share: Share | None
    certificate: Named | None
    phone: Phone
    asked_at: datetime
    answered_at: datetime
    logged: Logged

    @property
    def is_confirmed(self) -> bool:
        """True where the person confirmed, False where they declined."""
        return self.decision is Decision.CONFIRM


def verify(data: bytes, trust: Trust) -> Proven:
    """Verify a record and return what it proves. Raises EvidenceRefused, whose detail names the step that failed."""
    record = Record.read(data)
    logged = log_check.check(record.log, record.core.digest(), trust.log_key, trust.kept)
    attested = phone_check.check(record.core, trust.log_key)
    _require_end_of(attested, logged)
    answered_at = confirmation_check.check(attested, logged.at)
    certificate = _certificate(record.core, attested, trust.root, logged.at)
    return _proven(record.core, attested, certificate, answered_at, logged)


def _require_end_of(attested: Attested, logged: Logged) -> None:
    """Step 4: the event in the log is the end of this transaction, by this answer."""
    asked, answer = attested.request, attested.answer
    require(logged.subject == f"transaction:{asked.transaction}", "the event in the log is of another transaction")
    if answer.decision is Decision.CONFIRM:
        expected = ("transaction.signed", "server")
    else:
        expected = ("transaction.declined", f"device:{answer.device}")
    require((logged.kind, logged.actor) == expected, f"the event in the log is not {expected[0]} by {expected[1]}")


def _certificate(core: Core, attested: Attested, root: bytes, at: datetime) -> x509.Certificate | None:
    """Steps 14 to 16: verify the signatures and the certificates that the transaction must have, and no others."""
    asked, confirmed = attested.request, attested.answer.decision is Decision.CONFIRM
    signed, created = confirmed and asked.kind is Kind.SIGN, confirmed and asked.kind is Kind.CREATE
    require(signed or not core.signatures, "there are signatures, though nothing was signed")
    if not (signed or created):
        require(not core.certificates, "there are certificates, though none belong here")
        return None
    certificate = certificate_check.check(core.certificates, root, at)
    if signed:
        signature_check.check(asked, core.signatures, certificate, core.certificates[0])
    elif asked.new_key is not None:
        certificate_check.require_wanted(certificate, asked.new_key)
    return certificate


def _proven(
    core: Core, attested: Attested, certificate: x509.Certificate | None, answered_at: datetime, logged: Logged
) -> Proven:
    asked, answer = attested.request, attested.answer
    return Proven(
        server=asked.server,
        channel_key=attested.channel_key,
        transaction=asked.transaction,
        kind=asked.kind,
        decision=answer.decision,
        verification=answer.verification,
        reason=answer.reason,
        signer=asked.signer,
        relying_application=asked.relying_application,
        text=asked.text,
        documents=asked.documents,
        signatures=core.signatures,
        key=asked.key,
        new_key=asked.new_key,
        change=asked.change,
        share=asked.share,
        certificate=None if certificate is None else certificate_check.named(certificate),
        phone=attested.phone,
        asked_at=asked.issued,
        answered_at=answered_at,
        logged=logged,
    )
