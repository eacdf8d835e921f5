"""The requests that this server signed for phones, known again by the channel key's signature."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from dss.devices.request import LONGEST, REQUEST
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra import jose
from dss.kernel.errors import BadRequest

REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Whose:
    """What a signed request is of: the transaction, and who asks in it, as `relying_application` names them."""

    transaction: str
    asker: str


class OwnRequests:
    """Tells whose a signed request is; remembers those that it verified, by their SHA-256: a signature stays right."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys
        self._public: ec.EllipticCurvePublicKey | None = None
        self._verified: OrderedDict[bytes, Whose] = OrderedDict()

    async def whose(self, request_jws: str) -> Whose | None:
        """Return whose a request is; None for what this server did not sign. Raises HsmUnavailable."""
        place = hashlib.sha256(request_jws.encode(errors="surrogatepass")).digest()
        known = self._verified.get(place)
        if known is None:
            if self._public is None:
                self._public = await self._keys.public_key(KeyName.DEVICE_CHANNEL)
            known = _read(request_jws, self._public)
        if known is not None:
            self._remember(place, known)
        return known

    def _remember(self, place: bytes, whose: Whose) -> None:
        self._verified[place] = whose
        self._verified.move_to_end(place)
        if len(self._verified) > REMEMBERED:
            self._verified.popitem(last=False)


def _read(request_jws: str, key: ec.EllipticCurvePublicKey) -> Whose | None:
    """Read no more than both names: a request of an earlier version has fewer members."""
    try:
        jws = jose.read_jws(request_jws, REQUEST, names_key_by="jwk", longest=LONGEST)
        jws.verify(key)
    except BadRequest:
        return None
    return Whose(jws.claims["transaction"], jws.claims["relying_application"]["id"])
