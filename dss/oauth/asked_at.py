"""When a person was first asked: what the pages of a request that is not pushed carry, as nothing of it is kept.

text = seconds since 1970 "." base64url(mac), where the mac is over the seconds and the request. Who edits the address
of a page, or brings it again much later, is asked anew.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from dss.hsm.stamps import Stamps
from dss.infra.schema import EPOCH
from dss.kernel import b64, canonical
from dss.kernel.clock import Clock
from dss.oauth.authorization_request import ASKED_AT, known
from dss.oauth.pushed import LONGEST_USE

LABEL = "dss/asked-at/v1"
TEXT = re.compile(r"([0-9]{1,11})\.([A-Za-z0-9_-]{43})")


class AskedAt:
    """Writes that moment into a request, and reads it there. stamps: by the key of the authorization server."""

    def __init__(self, stamps: Stamps, clock: Clock) -> None:
        self._stamps = stamps
        self._clock = clock

    async def written(self, values: Mapping[str, str], at: datetime) -> str:
        """Return the moment as a request of these parameters carries it. Raises HsmUnavailable."""
        seconds = str((at - EPOCH) // timedelta(seconds=1))
        return f"{seconds}.{b64.url_encode(await self._mac(values, seconds))}"

    async def read(self, values: Mapping[str, str]) -> datetime:
        """Return the moment that a request carries; now, where this server did not write it. Raises HsmUnavailable."""
        now, told = self._clock.now(), TEXT.fullmatch(values.get(ASKED_AT, ""))
        if told is None or not hmac.compare_digest(await self._mac(values, told[1]), b64.url_decode(told[2])):
            return now
        at = EPOCH + timedelta(seconds=int(told[1]))
        return at if now - LONGEST_USE < at <= now else now

    async def _mac(self, values: Mapping[str, str], seconds: str) -> bytes:
        request = {name: value for name, value in known(values).items() if name != ASKED_AT}
        return await self._stamps.mac(LABEL, seconds, hashlib.sha256(canonical.encode(request)).hexdigest())
