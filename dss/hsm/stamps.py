"""What proves that this server handed something out: a code by a key of the HSM, so that nothing of it is stored.

text = id [ "." n ] "." base64url(HMAC-SHA-256(key, label || 0x00 || parts, each after its length in 4 bytes))
"""

import hmac
import re

from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.kernel import b64
from dss.kernel.errors import BadRequest
from dss.kernel.ids import CROCKFORD, LENGTH

TEXT = re.compile(rf"([{CROCKFORD}]{{{LENGTH}}})(?:\.([0-9]{{1,9}}))?\.([A-Za-z0-9_-]{{43}})")


class Stamps:
    """Makes such codes, and tells whether one is right; name: of the key, a secret."""

    def __init__(self, keys: ServiceKeys, name: KeyName) -> None:
        self._keys = keys
        self._name = name

    async def mac(self, label: str, *parts: str) -> bytes:
        """Return the code of some parts under a label, 32 bytes. Raises HsmUnavailable."""
        encoded = [part.encode() for part in parts]
        framed = b"".join(len(part).to_bytes(4) + part for part in encoded)
        return await self._keys.hmac(self._name, label.encode() + b"\x00" + framed)

    async def write(self, label: str, id: str, number: int | None = None, *more: str) -> str:
        """Return the text for an id; more: what else it stands for. Raises HsmUnavailable."""
        named = id if number is None else f"{id}.{number}"
        return f"{named}.{b64.url_encode(await self.mac(label, named, *more))}"

    async def is_right(self, label: str, stamped: "Stamped", *more: str) -> bool:
        """Tell whether a text was written by this server for this. Raises HsmUnavailable."""
        return hmac.compare_digest(await self.mac(label, stamped.named, *more), stamped.mac)


class Stamped:
    """A text of this form; nothing is proven by it yet.

    id: what it names. number: the n in it, or None.
    """

    __slots__ = ("id", "mac", "named", "number")

    def __init__(self, text: str) -> None:
        """Read a text. Raises BadRequest on any other form."""
        match = TEXT.fullmatch(text)
        if match is None:
            raise BadRequest("not a text of this server")
        self.id, number, mac = match.groups()
        self.number = None if number is None else int(number)
        self.named = self.id if number is None else f"{self.id}.{number}"
        self.mac = b64.url_decode(mac)
