"""Credentials: whose key it is, where it stands, and whether it may sign."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId, UserId
from dss.kernel.keyspec import KeySpec


class CredentialState(StrEnum):
    """Where a credential stands."""

    REQUESTED = "requested"
    ACTIVE = "active"


@dataclass(frozen=True, slots=True)
class Credential:
    """A signing key in the HSM's keeping, with its certificate.

    key_blob:    the wrapped key, locked under the phone's share.
    public_key:  SubjectPublicKeyInfo, DER.
    subject:     whom the certificate names, RFC 4514 text; None until issued, as certificate and the times.
    certificate: DER, and chain the rest of the path, DER, issuing CA first.
    """

    id: CredentialId
    user_id: UserId
    state: CredentialState
    key_spec: KeySpec
    kek_id: str
    key_blob: bytes
    public_key: bytes
    csr: bytes
    subject: str | None
    certificate: bytes | None
    chain: tuple[bytes, ...]
    not_before: datetime | None
    not_after: datetime | None
    created_at: datetime

    @property
    def is_active(self) -> bool:
        """True once there is a certificate."""
        return self.state is CredentialState.ACTIVE

    def require_usable(self, now: datetime) -> bytes:
        """Return the certificate, DER, of a credential that may sign now. Raises Conflict."""
        if not self.is_active or self.certificate is None:
            raise Conflict("the credential has no certificate yet")
        if self.not_before is None or self.not_after is None or not self.not_before <= now < self.not_after:
            raise Conflict("the credential's certificate is not valid now")
        return self.certificate
