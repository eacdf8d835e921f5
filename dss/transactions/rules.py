"""What may be asked of a signer in one transaction, and that what is signed is what was shown."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from dss.credentials.model import Credential
from dss.devices.items import LISTED, Item
from dss.devices.request import OPERATOR, OWNER, Asked
from dss.documents.model import LONGEST_NAME, Document
from dss.kernel import text
from dss.kernel.digest import Digest
from dss.kernel.errors import BadDigest, Conflict, Invalid
from dss.kernel.ids import DocumentId
from dss.transactions.model import Entry, Limits, OpenSigning, Transaction
from dss.transactions.preparation import takes_time

TEXT_LIMIT = 500
SHORTEST, LONGEST = timedelta(seconds=10), timedelta(seconds=3600)


def require_acceptable(wish: OpenSigning, limits: Limits) -> None:
    """Raise Invalid, BadDigest or DeceptiveText, naming the limit, unless the wish is within every limit."""
    if bool(wish.documents) is bool(wish.hashes):
        raise Invalid("give documents or hashes, one of the two")
    count = len(wish.documents) + len(wish.hashes)
    if count > limits.items:
        raise Invalid(f"one transaction takes at most {limits.items} documents or hashes, not {count}")
    if wish.expires_in is not None and not SHORTEST <= wish.expires_in <= LONGEST:
        raise Invalid(f"the time to answer is {SHORTEST.seconds} to {LONGEST.seconds} seconds")
    text.require_plain(wish.text, TEXT_LIMIT, "text", multiline=True)
    for index, value in enumerate(wish.hashes):
        _require_digest(wish.hash_algorithm, value, index)
    if wish.session_id is not None:
        _require_known(wish)


def require_documents(wish: OpenSigning, found: Mapping[DocumentId, Document], limits: Limits) -> None:
    """Raise Conflict unless each document that was found is the one that is meant, and Invalid if they are too large.

    A document that stands in a wish ten times is prepared ten times, and each is a file.
    """
    there = [(index, found[id]) for index, id in enumerate(wish.documents) if id in found]
    for index, document in there:
        wish.require_meant(index, document.digest)
    size = sum(document.size for _, document in there)
    if size > limits.together:
        raise Invalid(f"the documents of one transaction have at most {limits.together} bytes together, not {size}")


def require_plain(said: str, items: Iterable[Item]) -> None:
    """Raise Invalid or DeceptiveText unless a phone would show what is said, and the names of the documents."""
    text.require_plain(said, TEXT_LIMIT, "text", multiline=True)
    for name in {item.document.name for item in items if item.document}:
        text.require_plain(name, LONGEST_NAME, "the file name")


def require_locked(credential: Credential) -> None:
    """Raise Conflict while a key waits to be locked anew: a session would use the lock that is to end."""
    if credential.relock:
        raise Conflict("the key waits to be locked anew: have a signature confirmed on the phone first")


def require_own(transaction: Transaction, asked: Asked) -> None:
    """Raise Conflict unless a transaction's row is the one of its request: a result is told to who asked for it."""
    row = (
        transaction.id,
        transaction.kind,
        _asker(transaction),
        transaction.user_id,
        transaction.credential_id or None,
    )
    said = (asked.transaction, asked.kind, asked.relying_application, asked.signer, asked.credential.get("id"))
    if row != said:
        raise Conflict("the request is another transaction's")


def require_shown(entries: Sequence[Entry], asked: Asked) -> None:
    """Raise Conflict unless the entries are what the phone was shown, each document with its place to be finished.

    asked: with the things to sign, of a batch too.
    """
    whole = all((entry.place is not None) is (entry.item.document is not None) for entry in entries)
    if not whole or [entry.item.member() for entry in entries] != [item.member() for item in asked.items]:
        raise Conflict("what is to be signed is not what was shown")


def _require_known(wish: OpenSigning) -> None:
    """Raise Invalid unless a session's documents are opened at once, and are those that are meant: nobody sees them."""
    if takes_time(wish):
        raise Invalid(f"in a session one signature takes at most {LISTED} documents, not {len(wish.documents)}")
    for index in range(len(wish.documents)):
        if not wish.told(index):
            raise Invalid(f"documents[{index}]: in a session the sha256 of each document is needed")


def _asker(transaction: Transaction) -> str:
    """Return who asked, by the row's word, as a request names them."""
    return transaction.client_id or (OPERATOR if transaction.for_device_id is None else OWNER)


def _require_digest(algorithm: str, value: bytes, index: int) -> None:
    try:
        Digest(algorithm, value)
    except BadDigest as fault:
        raise BadDigest(f"hashes[{index}]: {fault.detail}") from fault
