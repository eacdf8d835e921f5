"""The links in letters by which an owner stops a phone: who has the letter can stop it, and nothing else."""

import hmac

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel import b64
from dss.kernel.errors import BadRequest
from dss.kernel.ids import DeviceId


class StopLinks:
    """Makes and checks links; server: the base URL."""

    def __init__(self, keys: ServiceKeys, server: str) -> None:
        self._keys = keys
        self._server = server

    async def url(self, device: DeviceId) -> str:
        """Return the link that stops a phone. Raises HsmUnavailable."""
        return f"{self._server}/stop/{device}/{b64.url_encode(await self._code(device))}"

    async def is_right(self, device: DeviceId, code: str) -> bool:
        """Return True when a code is the one of the phone's link. Raises HsmUnavailable."""
        try:
            given = b64.url_decode(code)
        except BadRequest:
            return False
        return hmac.compare_digest(await self._code(device), given)

    async def _code(self, device: DeviceId) -> bytes:
        return await self._keys.hmac(KeyName.ENROLMENT, b"dss/stop/v1\x00" + device.encode())
