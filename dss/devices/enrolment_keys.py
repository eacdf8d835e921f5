"""What enrolment uses of the server's own keys: the channel key's name and signature, and the secrets at rest."""

from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from dss.devices import channel
from dss.devices import enrolment as rules
from dss.devices.model import Enrolment
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.secretbox import SecretBox
from dss.kernel import canonical
from dss.kernel.ids import EnrolmentId


class EnrolmentKeys:
    """The HSM's keys as enrolment uses them; every verb raises HsmUnavailable."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys

    async def signed(self, typ: str, payload: dict[str, Any]) -> str:
        """Sign a message to a phone."""
        return await channel.sign(self._keys, typ, canonical.encode(payload))

    async def channel_key_hash(self) -> str:
        """Return the hash of the channel key, as the QR carries it."""
        key = await self._keys.public_key(KeyName.DEVICE_CHANNEL)
        return rules.key_hash(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))

    async def secret(self, enrolment: Enrolment) -> bytes:
        """Return the secret of an open enrolment. Raises SealBroken."""
        return (await self.secret_box(enrolment.id)).open(enrolment.sealed_secret or b"", enrolment.id.encode())

    async def secret_box(self, id: EnrolmentId) -> SecretBox:
        """Return what an enrolment's secret is kept in."""
        return SecretBox(await self._keys.hmac(KeyName.ENROLMENT, b"dss/enrol-store/v1\x00" + id.encode()))
