"""What proves a transaction that an answer ended: made before the database transaction of its end, written in it.

Source: docs/evidence.md section 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dss.credentials.model import Credential
from dss.devices.model import Device
from dss.evidence.record import Core, Piece
from dss.evidence.service import Kept
from dss.kernel.errors import Conflict
from dss.transactions import prepared
from dss.transactions.machine import LIVE, State
from dss.transactions.model import Entry, Transaction


@dataclass(frozen=True, slots=True)
class Fruit:
    """What came of a confirmation that a stranger can check: signatures, and the path of their certificate, DER."""

    signatures: tuple[Piece, ...] = ()
    certificates: tuple[bytes, ...] = ()


NOTHING = Fruit()
PROVEN = frozenset({State.SIGNED, State.DECLINED})


def require_answered(state: State) -> None:
    """Raise Conflict, with the reason, where a transaction has no evidence: it was not answered, or came to nothing."""
    if state in LIVE:
        raise Conflict(f"there is no evidence yet: the transaction is {state}")
    if state not in PROVEN:
        raise Conflict(f"there is no evidence of what came to nothing: the transaction is {state}")


def kept_of(transaction: Transaction, answer: str, phone: Device, channel_key: str, fruit: Fruit = NOTHING) -> Kept:
    """Return the evidence of a transaction.

    answer: the phone's, JWS. phone: as its proven row has it. channel_key: the server's word for it
    (`Evidence.channel_key`). That the request is the one that was answered must be checked before
    (`Devices.require_shown`).
    """
    introduction = phone.introduction
    core = Core(
        request=transaction.request_jws,
        answer=answer,
        enrolment=introduction.enrolment,
        receipt=introduction.receipt,
        channel_key=channel_key,
        signatures=fruit.signatures,
        certificates=fruit.certificates,
    )
    return Kept.of(transaction.id, core)


def signed(asked: Sequence[Entry], signatures: Sequence[bytes], key: Credential) -> Fruit:
    """Return what came of a confirmed `sign`: one signature for each entry, by one key."""
    pairs = zip(asked, signatures, strict=True)
    pieces = tuple(Piece(entry.item.index, _attributes(entry), signature) for entry, signature in pairs)
    return Fruit(pieces, path_of(key))


def certified(key: Credential) -> Fruit:
    """Return what came of a confirmed `create`."""
    return Fruit(certificates=path_of(key))


def path_of(key: Credential) -> tuple[bytes, ...]:
    """Return the certificates from a credential's own to its root, DER."""
    return (key.certificate or b"", *key.chain)


def _attributes(entry: Entry) -> bytes:
    made = prepared.of(entry)
    return b"" if made is None else made.attributes
