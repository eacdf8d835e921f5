"""Transactions: a request to a phone, its answer, and what came of it."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from dss.ca.model import Reason
from dss.devices.model import Device
from dss.devices.request import Action, Item, Kind
from dss.kernel.errors import NotFound
from dss.kernel.ids import BoxKeyId, ClientId, CredentialId, DeviceId, DocumentId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec, Scheme
from dss.transactions.machine import State, as_of


@dataclass(frozen=True, slots=True)
class Limits:
    """What the operator decides about transactions.

    confirm_within:  how long a transaction waits for the phone, unless the relying application asks for less.
    collect_within:  how long results wait for collection.
    lease:           how long one node may work on a confirmed transaction before another takes over.
    items:           how many documents or hashes one transaction may hold.
    certificate_days: how long signers' certificates hold.
    """

    confirm_within: timedelta = timedelta(seconds=300)
    collect_within: timedelta = timedelta(hours=24)
    lease: timedelta = timedelta(seconds=60)
    items: int = 100
    certificate_days: int = 730


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
    why:       the reason of a decline or a failure.
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

    @property
    def key(self) -> CredentialId:
        """The key that is concerned. Raises NotFound where none is."""
        if self.credential_id is None:
            raise NotFound
        return self.credential_id

    def is_for(self, device: Device) -> bool:
        """Return True when a phone may see and answer this."""
        return self.user_id == device.user_id and self.for_device_id in (None, device.id)

    def as_of(self, now: datetime) -> Self:
        """Return the transaction with the state that is true now."""
        return replace(self, state=as_of(self.state, self.expires_at, now))


@dataclass(frozen=True, slots=True)
class OpenSigning:
    """What a relying application asks to have signed: uploaded documents, or hashes made by itself.

    hashes:     raw digests, all by hash_algorithm (an OID).
    scheme:     None for the key's default.
    expires_in: seconds to answer; None for the operator's default.
    """

    client_id: ClientId
    credential_id: CredentialId
    text: str
    documents: tuple[DocumentId, ...] = ()
    hashes: tuple[bytes, ...] = ()
    hash_algorithm: str = ""
    scheme: Scheme | None = None
    expires_in: timedelta | None = None
    idempotency: "Idempotency | None" = None


@dataclass(frozen=True, slots=True)
class OpenCreation:
    """A wish for a new credential of a signer; client_id None when an operator asks.

    replaces: the credential that the new one cancels, or None.
    operator: who asks, as the audit log names operators; empty where a relying application does.
    """

    client_id: ClientId | None
    login: str
    key_spec: KeySpec
    replaces: CredentialId | None = None
    idempotency: "Idempotency | None" = None
    operator: str = ""


@dataclass(frozen=True, slots=True)
class OpenChange:
    """What a signer wishes to change by a phone; credential_id, phone_id and reason where the action needs them."""

    action: Action
    credential_id: CredentialId | None = None
    phone_id: DeviceId | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True)
class Idempotency:
    """An Idempotency-Key with the SHA-256 of the request that it stands for."""

    key: str
    body_sha256: bytes
