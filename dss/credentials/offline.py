"""Keys that answer without a connection: what a phone handed over for it, at rest under a key of the HSM.

Source: docs/device-protocol.md section 12.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.secretbox import SecretBox
from dss.kernel.ids import CredentialId, DeviceId

FAILURES = 9  # wrong codes in a row, whatever the transactions
HALF = 32


@dataclass(frozen=True, slots=True)
class OfflineKey:
    """What one phone set up for one credential.

    secrets:   the phone's share of the key, and what its codes are made with; sealed.
    pin_check: the phone's as it was: another PIN ends it.
    """

    credential_id: CredentialId
    device_id: DeviceId
    secrets: bytes = field(repr=False)
    pin_check: bytes = field(repr=False)
    failures: int
    set_at: datetime
    ended_at: datetime | None

    def tried(self, *, right: bool, now: datetime) -> Self:
        """Return it after a code was typed; too many wrong ones in a row end it."""
        if right:
            return self if not self.failures else replace(self, failures=0)
        failures = self.failures + 1
        return replace(self, failures=failures).ended(now) if failures >= FAILURES else replace(self, failures=failures)

    def ended(self, now: datetime) -> Self:
        """Return it without its secrets."""
        return replace(self, secrets=b"", ended_at=now)


@dataclass(frozen=True, slots=True)
class OfflineSecrets:
    """k_act: the phone's share of the key. k_offline: what the codes are made with. 32 bytes each."""

    k_act: bytes = field(repr=False)
    k_offline: bytes = field(repr=False)


class OfflineStore:
    """Seals and opens what is at rest; every verb raises HsmUnavailable."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys

    async def seal(self, credential: CredentialId, device: DeviceId, secrets: OfflineSecrets) -> bytes:
        """Seal what a phone handed over for a credential."""
        return (await self._box(credential)).seal(secrets.k_act + secrets.k_offline, device.encode())

    async def open(self, key: OfflineKey) -> OfflineSecrets:
        """Open it again. Raises SealBroken."""
        both = (await self._box(key.credential_id)).open(key.secrets, key.device_id.encode())
        return OfflineSecrets(both[:HALF], both[HALF:])

    async def _box(self, credential: CredentialId) -> SecretBox:
        return SecretBox(await self._keys.hmac(KeyName.ENROLMENT, b"dss/offline-store/v1\x00" + credential.encode()))
