"""What proves a transaction that an answer ended: made before the database transaction of its end, written in it.

Source: docs/evidence.md section 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dss.credentials.model import Credential
from dss.devices.answer import Decision
from dss.devices.model import Device
from dss.evidence.pieces import Piece
from dss.evidence.record import Core, Offline
from dss.evidence.service import Kept, KeptPart
from dss.kernel.errors import Conflict
from dss.kernel.ids import DeviceId
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


def require_provable(transaction: Transaction) -> None:
    """Raise Conflict for what leaves no evidence, however it ended."""
    if not transaction.leaves_evidence:
        raise Conflict("there is no evidence of a sign-in: the log alone tells of it")


@dataclass(frozen=True, slots=True)
class Answered:
    """By what a transaction was answered.

    answer:      the phone's, JWS; empty where a code answered.
    number_salt: of the number that the phone chose; empty where none was to be chosen.
    session:     the request of the session that the answer confirmed, JWS; empty outside of one.
    offline:     the code that answered in place of the phone.
    """

    answer: str = ""
    number_salt: bytes = b""
    session: str = ""
    offline: Offline | None = None

    @classmethod
    def declined(cls, answer: str) -> "Answered":
        """By a phone that declined."""
        return cls(answer)

    @classmethod
    def confirmed(cls, transaction: Transaction) -> "Answered":
        """By a phone that confirmed."""
        return cls(transaction.answer or "", transaction.number_salt)

    @classmethod
    def in_session(cls, session: Transaction) -> "Answered":
        """By no phone, in a session that one had confirmed."""
        return cls(session.answer or "", session.number_salt, session.request_jws)

    @classmethod
    def by_code(cls, code: str, decision: Decision, device: DeviceId) -> "Answered":
        """By a code of a phone that has no connection; code: eight digits."""
        return cls(offline=Offline(code, decision, device))


def kept_of(
    transaction: Transaction, answered: Answered, phone: Device, channel_key: str, fruit: Fruit = NOTHING
) -> Kept:
    """Return the evidence of a transaction.

    phone: as its proven row has it. channel_key: the server's word for it (`Evidence.channel_key`). That the request is
    the one that was answered must be checked before (`Devices.require_shown`).
    """
    return Kept.of(transaction.id, _core(transaction, answered, phone, channel_key, fruit))


def kept_part_of(
    transaction: Transaction, answered: Answered, phone: Device, channel_key: str, fruit: Fruit
) -> KeptPart:
    """Return the evidence of a part of a batch, as `kept_of`; fruit: the part's signatures, ascending by index."""
    core = _core(transaction, answered, phone, channel_key, Fruit(certificates=fruit.certificates))
    return KeptPart.of(transaction.id, core, fruit.signatures)


def _core(transaction: Transaction, answered: Answered, phone: Device, channel_key: str, fruit: Fruit) -> Core:
    introduction = phone.introduction
    return Core(
        request=transaction.request_jws,
        answer=answered.answer,
        enrolment=introduction.enrolment,
        receipt=introduction.receipt,
        channel_key=channel_key,
        signatures=fruit.signatures,
        certificates=fruit.certificates,
        number_salt=answered.number_salt,
        session=answered.session,
        offline=answered.offline,
    )


def signed(asked: Sequence[Entry], signatures: Sequence[bytes], key: Credential) -> Fruit:
    """Return what came of a confirmed `sign`: one signature for each entry that was not declined, by one key."""
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
