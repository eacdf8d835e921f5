"""How a signature looks to a relying application."""

import msgspec

from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.transactions.machine import ENDED, State
from dss.transactions.model import Entry, Transaction
from dss.transactions.service import Details
from dss.web.http.fields import Id, Time


class SignedItem(msgspec.Struct):
    """One thing to sign, and its signature (base64) once there is one.

    to_sign is what the key signs (base64 of a hash by hash_algorithm). A document has name, media_type, size in bytes
    and sha256 in hexadecimal, and href once it is signed; a bare hash has none of these.
    """

    index: int
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


class Summary(msgspec.Struct):
    """A signature without its items."""

    id: Id
    state: State
    credential_id: Id
    text: str
    opened_at: Time
    expires_at: Time


class Signature(Summary, kw_only=True):
    """A signature; reason tells why it was declined or failed, results are kept until collect_until."""

    documents: list[SignedItem]
    reason: str | None = None
    collect_until: Time | None = None


class SignatureList(msgspec.Struct):
    """A page of signatures."""

    items: list[Summary]
    next: str | None = None


def summary(transaction: Transaction) -> Summary:
    """Return the short form of a transaction."""
    return Summary(
        id=transaction.id,
        state=transaction.state,
        credential_id=transaction.key,
        text=transaction.text,
        opened_at=timestamp(transaction.opened_at),
        expires_at=timestamp(transaction.expires_at),
    )


def signature(details: Details) -> Signature:
    """Return the whole form of a transaction."""
    transaction = details.transaction
    ended = transaction.state in ENDED
    return Signature(
        **msgspec.structs.asdict(summary(transaction)),
        documents=[_item(transaction, entry) for entry in details.entries],
        reason=transaction.why or None,
        collect_until=timestamp(details.collect_until) if ended else None,
    )


def _item(transaction: Transaction, entry: Entry) -> SignedItem:
    item, shown, signed = entry.item, entry.item.document, entry.signed
    plain = SignedItem(item.index, item.format, item.scheme, item.to_sign.name, b64.encode(item.to_sign.value))
    if signed is not None:
        plain.signature = b64.encode(signed.signature)
    if shown is not None:
        plain.name, plain.media_type, plain.size = shown.name, shown.media_type, shown.size
        plain.sha256 = shown.document_digest.hex
        plain.href = None if signed is None else f"/v1/signatures/{transaction.id}/documents/{item.index}"
    return plain
