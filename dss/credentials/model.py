"""Credentials: whose key it is, where it stands, and whether it may sign."""

import hmac
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Self

from dss.devices.request import Kind
from dss.kernel.errors import AnswerRefused, Conflict, Expired
from dss.kernel.ids import CredentialId, DeviceId, TransactionId, UserId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import SAYS_NOTHING, Policy


class CredentialState(StrEnum):
    """Where a credential stands. A revoked or destroyed one has no key any more."""

    REQUESTED = "requested"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    DESTROYED = "destroyed"


RECOVERY = timedelta(hours=24)
PASSWORD_TRIES = 9  # as many as the ladder of PINs has
LIVING = frozenset({CredentialState.ACTIVE, CredentialState.SUSPENDED})


class Authority(StrEnum):
    """By whose word a credential is suspended: nobody else's word resumes it."""

    SIGNER = "signer"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Credential:
    """A signing key in the HSM's keeping, with its certificate.

    key_blob:    the wrapped key, locked under the phone's share; empty once the key is destroyed.
    public_key:  SubjectPublicKeyInfo, DER.
    subject:     whom the certificate names, RFC 4514 text; None until issued, as certificate and the times.
    certificate: DER, and chain the rest of the path, DER, issuing CA first.
    relock:      the next confirmation must bring a fresh share.
    holders:     the phones whose share opens the key.
    password:    how the secret of the key's password is made, as phones are told; None where there is none.
    replaces:    the credential that this one cancels.
    password_failures: wrong passwords in a row: a right PIN between them forgets none.
    policy:      what is asked of confirmations by which it is used, at least.
    """

    id: CredentialId
    user_id: UserId
    state: CredentialState
    key_spec: KeySpec
    kek_id: str
    key_blob: bytes = field(repr=False)
    public_key: bytes
    csr: bytes
    subject: str | None
    certificate: bytes | None
    chain: tuple[bytes, ...]
    not_before: datetime | None
    not_after: datetime | None
    created_at: datetime
    suspended_by: Authority | None
    relock: bool
    holders: tuple[DeviceId, ...]
    password: dict[str, Any] | None
    replaces: CredentialId | None
    password_failures: int = 0
    policy: Policy = SAYS_NOTHING

    @property
    def is_certified(self) -> bool:
        """True once there is a certificate, whatever has become of it."""
        return self.certificate is not None

    def require_usable(self, now: datetime) -> bytes:
        """Return the certificate, DER, of a credential that may sign now. Raises Conflict."""
        if self.certificate is None or self.state is CredentialState.REQUESTED:
            raise Conflict("the credential has no certificate yet")
        if self.state is not CredentialState.ACTIVE:
            raise Conflict(f"the credential is {self.state}")
        if self.not_before is None or self.not_after is None or not self.not_before <= now < self.not_after:
            raise Conflict("the credential's certificate is not valid now")
        return self.certificate

    def suspended(self, by: Authority) -> Self:
        """Return the credential with its key blocked; an operator's word stands over the signer's. Raises Conflict."""
        self._require_living()
        told = Authority.OPERATOR if Authority.OPERATOR in (by, self.suspended_by) else by
        return replace(self, state=CredentialState.SUSPENDED, suspended_by=told)

    def resumed(self, by: Authority) -> Self:
        """Return the credential with its key free again. Raises Conflict."""
        if self.state is not CredentialState.SUSPENDED:
            raise Conflict(f"the credential is {self.state}, not suspended")
        if by is Authority.SIGNER and self.suspended_by is not Authority.SIGNER:
            raise Conflict("an operator suspended the credential, and only an operator resumes it")
        return replace(self, state=CredentialState.ACTIVE, suspended_by=None, password_failures=0)

    def ended(self, state: CredentialState) -> Self:
        """Return the credential revoked or destroyed: its key is gone.

        The certificate of a key that was destroyed can still be revoked. Raises Conflict when it is gone already.
        """
        if (self.state, state) != (CredentialState.DESTROYED, CredentialState.REVOKED):
            self._require_living()
        return replace(self, state=state, key_blob=b"", holders=(), relock=False)

    def with_wrong_password(self) -> Self:
        """Return the credential after one more wrong password; the last suspends it, until an operator resumes it."""
        counted = replace(self, password_failures=self.password_failures + 1)
        if counted.password_failures < PASSWORD_TRIES or self.state not in LIVING:
            return counted
        return counted.suspended(Authority.OPERATOR)

    def with_right_password(self) -> Self:
        """Return the credential with no wrong password counted."""
        return replace(self, password_failures=0)

    def under(self, policy: Policy) -> Self:
        """Return the credential with another policy. Raises Conflict when its key is gone."""
        self._require_living()
        return replace(self, policy=policy)

    def abandoned(self) -> Self:
        """Return a key that is never certified, destroyed."""
        return replace(self, state=CredentialState.DESTROYED, key_blob=b"", holders=(), relock=False)

    def without(self, phone: DeviceId) -> Self:
        """Return the credential after a phone was removed: locked anew at the next confirmation, if any phone is left.

        When that was the last that held a share, nothing unlocks the key any more: it is destroyed.
        """
        left = tuple(holder for holder in self.holders if holder != phone)
        if not left:
            return replace(self, state=CredentialState.DESTROYED, key_blob=b"", holders=(), relock=False)
        return replace(self, holders=left, relock=True)

    def shared_with(self, phone: DeviceId) -> Self:
        """Return the credential with one more phone whose share opens it."""
        return self if phone in self.holders else replace(self, holders=(*self.holders, phone))

    def _require_living(self) -> None:
        if self.state not in LIVING:
            raise Conflict(f"the credential is {self.state}")


@dataclass(frozen=True, slots=True)
class Spending:
    """The record of an Activation, from its answer's acceptance on: what makes it good once.

    counter:     of the answer. answer_sha256: of its JWS's text.
    accepted_at: when the answer was accepted. reserved_at: when its spending began, if it did.
    lease:       the number of the attempt that holds it.
    consumed_at: when it was spent.
    """

    transaction: TransactionId
    kind: Kind
    device: DeviceId
    binding: bytes
    answer_sha256: bytes
    counter: int
    accepted_at: datetime
    lease: int
    reserved_at: datetime | None
    consumed_at: datetime | None

    def require_record_of(self, other: Self) -> None:
        """Raise AnswerRefused unless this is the record of an answer that is here once more."""
        same = hmac.compare_digest(self.answer_sha256, other.answer_sha256)
        same = same and hmac.compare_digest(self.binding, other.binding)
        named = (self.transaction, self.kind, self.device, self.counter)
        if not same or named != (other.transaction, other.kind, other.device, other.counter):
            raise AnswerRefused

    def reserved(self, lease: int, now: datetime) -> Self:
        """Return the record in the hands of an attempt, for a day after its acceptance.

        Raises Conflict if it is spent or held, Expired if it is too late.
        """
        if self.consumed_at is not None:
            raise Conflict("the digest was signed: a confirmation is good once")
        if lease <= self.lease:
            raise Conflict("another attempt holds the confirmation")
        if now >= self.accepted_at + RECOVERY:
            raise Expired(f"a confirmation is good for {RECOVERY.total_seconds() / 3600:.0f} h")
        return replace(self, lease=lease, reserved_at=self.reserved_at or now)

    def consumed(self, now: datetime) -> Self:
        """Return the record spent."""
        return replace(self, consumed_at=now)
