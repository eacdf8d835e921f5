"""Transactions: a request to a phone, its answer, and what came of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from dss.ca.model import Reason
from dss.devices.items import MOST, Item
from dss.devices.model import Device
from dss.devices.request import Action, Kind
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, DeviceId, DocumentId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec, Scheme
from dss.kernel.policy import Bounds, Mode
from dss.transactions.asking import USUAL, AskLimits
from dss.transactions.machine import State, as_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides about transactions.

    confirm_within:  how long a transaction waits for the phone, unless the relying application asks for less.
    collect_within:  how long results wait for collection.
    lease:           how long one node may work on a confirmed transaction before another takes over.
    items:           how many documents or hashes one transaction may hold.
    together:        how many bytes its documents may have together: each is kept with its place for a signature.
    part:            how many of a batch are signed and released at a time.
    certificate_days: how long signers' certificates hold.
    asking:          how often one application may ask one person.
    """

    confirm_within: timedelta = timedelta(seconds=300)
    collect_within: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(seconds=60)
    items: int = MOST
    together: int = 2 * 1024**3
    part: int = 200
    certificate_days: int = 730
    asking: AskLimits = USUAL


@dataclass(frozen=True, slots=True)
class Signed:
    """What came of one item: the bare signature, or the finished file (SHA-256 and size in bytes)."""

    signature: bytes
    file_sha256: bytes | None = None
    file_size: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to sign inside a transaction.

    item:     what the phone is shown of it.
    place:    what the document capability needs to finish a prepared file; None for a bare hash.
    signed:   the result, once there is one.
    """

    item: Item
    document_id: DocumentId | None = None
    place: dict[str, Any] | None = None
    signed: Signed | None = None


class Reach(StrEnum):
    """Who comes to know of what awaits an answer: the signer's phones, or only the one that scans its link."""

    PHONES = "phones"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One request to one signer, from opening to its end.

    client_id: the relying application that asked; None when the operator or the signer did.
    credential_id: the key that is concerned, if one is.
    for_device_id: the only phone that may answer; None for any of the signer's.
    share:     what the answer to a `share` brought for the other phone.
    request:   the payload that the phone is shown, canonical JSON; request_jws the same signed.
    answer:    the phone's answer and box, once there is one; the box is forgotten at the end.
    lease:     the number of the latest attempt at performing it.
    why:       the reason of a decline or a failure. cause: of a decline, as the phone said it.
    number:    what the requester's page shows, and number_salt what opens the request's commitment to it.
    reach:     whether phones are told of it, or only who scans its link is; linked_by, linked_time: by whom, and when
    in seconds since 1970. browser_sha256: of the name of the browser that waits.
    session_id, place: the session that it is signed in, and the first of its places there.
    code:      by which it was answered without a connection; code_tries: how many wrong ones came.
    """

    id: TransactionId
    kind: Kind
    state: State
    client_id: ClientId | None
    user_id: UserId
    credential_id: CredentialId | None
    request: bytes
    request_jws: str
    box_key_id: BoxKeyId
    opened_at: datetime
    expires_at: datetime
    changed_at: datetime
    text: str = ""
    answer: str | None = None
    box: str | None = field(default=None, repr=False)
    share: str | None = field(default=None, repr=False)
    device_id: DeviceId | None = None
    for_device_id: DeviceId | None = None
    lease: int = 0
    why: str = ""
    idempotency_key: str | None = None
    body_sha256: bytes = b""
    number: str = ""
    number_salt: bytes = field(default=b"", repr=False)
    reach: Reach = Reach.PHONES
    linked_by: DeviceId | None = None
    linked_time: int = 0
    browser_sha256: bytes = b""
    session_id: TransactionId | None = None
    place: int = 0
    code: str = ""
    code_tries: int = 0
    cause: str = ""

    @property
    def key(self) -> CredentialId:
        """The key that is concerned. Raises NotFound where none is."""
        if self.credential_id is None:
            raise NotFound
        return self.credential_id

    def is_of(self, device: Device) -> bool:
        """Return True when a phone may answer this, if only after a scan."""
        return self.user_id == device.user_id and self.for_device_id in (None, device.id)

    @property
    def leaves_evidence(self) -> bool:
        """True but for a sign-in: whoever reads the log finds it there, and nobody has to prove it to a stranger."""
        return self.kind is not Kind.LOGIN

    @property
    def mode(self) -> Mode:
        """How the person makes sure that it is theirs, as the request asks for it."""
        if not self.number:
            return Mode.NONE
        return Mode.CHOOSE if self.number_salt else Mode.COMPARE

    def is_for(self, device: Device) -> bool:
        """Return True when a phone may see and answer this: who knows an id has not scanned the code that is shown."""
        return self.is_of(device) and self.reach is Reach.PHONES

    def as_of(self, now: datetime) -> Self:
        """Return the transaction with the state that is true now."""
        return replace(self, state=as_of(self.state, self.expires_at, now))

    def ended_by_time(self) -> Self:
        """Return it as what its time has ended, written down or not."""
        return replace(self, state=State.EXPIRED)


@dataclass(frozen=True, slots=True)
class OpenSigning:
    """What a relying application asks to have signed: uploaded documents, or hashes made by itself.

    meant:      the SHA-256 of each document, empty where it was not told; empty altogether where none was.
    hashes:     raw digests, all by hash_algorithm (an OID).
    scheme:     None for the key's default.
    mode:       how the person makes sure, at least. browser: the name of the one that waits, or empty.
    session_id: the session that it is within; None where the phone is asked.
    expires_in: seconds to answer; None for the operator's default.
    """

    client_id: ClientId
    credential_id: CredentialId
    text: str
    documents: tuple[DocumentId, ...] = ()
    meant: tuple[bytes, ...] = ()
    hashes: tuple[bytes, ...] = ()
    hash_algorithm: str = ""
    scheme: Scheme | None = None
    mode: Mode = Mode.NONE
    browser: str = ""
    session_id: TransactionId | None = None
    expires_in: timedelta | None = None
    idempotency: "Idempotency | None" = None

    def told(self, index: int) -> bytes:
        """Return the SHA-256 that a document must have; empty where any will do."""
        return self.meant[index] if self.meant else b""

    def require_meant(self, index: int, digest: Digest) -> None:
        """Raise Conflict unless an uploaded document is the one that is meant."""
        if self.told(index) not in (b"", digest.value):
            raise Conflict(f"documents[{index}]: the uploaded document has another SHA-256")


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A wish for a session; asked: what is told and how it is confirmed."""

    client_id: ClientId
    credential_id: CredentialId
    bounds: Bounds
    asked: "Asking"
    idempotency: "Idempotency | None" = None


@dataclass(frozen=True, slots=True)
class Asking:
    """How a relying application wishes to ask.

    text:       what the person is told. mode: how they make sure, at least.
    browser:    the name of the one that waits, or empty.
    expires_in: time to answer; None for the operator's default.
    """

    text: str = ""
    mode: Mode = Mode.NONE
    browser: str = ""
    expires_in: timedelta | None = None


@dataclass(frozen=True, slots=True)
class OpenCreation:
    """A wish for a new credential of a signer; client_id None when an operator asks.

    replaces: the credential that the new one cancels, or None.
    operator: who asks, as the audit log names operators; empty where a relying application does.
    mode:     how the person makes sure, at least. browser: the name of the one that waits, or empty.
    """

    client_id: ClientId | None
    login: str
    key_spec: KeySpec
    replaces: CredentialId | None = None
    idempotency: "Idempotency | None" = None
    operator: str = ""
    mode: Mode = Mode.NONE
    browser: str = ""


@dataclass(frozen=True, slots=True)
class OpenChange:
    """What a signer wishes to change by a phone; the ids and the reason where the action needs them."""

    action: Action
    credential_id: CredentialId | None = None
    phone_id: DeviceId | None = None
    reason: Reason | None = None
    client_id: ClientId | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An Idempotency-Key with the SHA-256 of the request that it stands for."""

    key: str
    body_sha256: bytes
