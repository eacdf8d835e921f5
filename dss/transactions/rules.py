"""What may be asked of a signer in one transaction, and that what is signed is what was shown."""

from collections.abc import Sequence
from datetime import timedelta

from dss.devices.request import Asked
from dss.kernel import text
from dss.kernel.digest import Digest
from dss.kernel.errors import BadDigest, Conflict, Invalid
from dss.transactions.model import Entry, Limits, OpenSigning, Transaction

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
    if wish.text:
        text.require_plain(wish.text, TEXT_LIMIT, "text", multiline=True)
    for index, value in enumerate(wish.hashes):
        _require_digest(wish.hash_algorithm, value, index)


def require_own(transaction: Transaction, asked: Asked) -> None:
    """Raise Conflict unless a transaction's row is the one of its request: a result is told to who asked for it."""
    row = (transaction.id, transaction.kind, transaction.user_id, transaction.credential_id or None)
    if row != (asked.transaction, asked.kind, asked.signer, asked.credential.get("id")):
        raise Conflict("the request is another transaction's")


def require_shown(entries: Sequence[Entry], asked: Asked) -> None:
    """Raise Conflict unless the entries are what the phone was shown, each document with its place to be finished.

    asked: with the things to sign, of a batch too.
    """
    whole = all((entry.place is not None) is (entry.item.document is not None) for entry in entries)
    if not whole or [entry.item.member() for entry in entries] != [item.member() for item in asked.items]:
        raise Conflict("what is to be signed is not what was shown")


def _require_digest(algorithm: str, value: bytes, index: int) -> None:
    try:
        Digest(algorithm, value)
    except BadDigest as fault:
        raise BadDigest(f"hashes[{index}]: {fault.detail}") from fault
