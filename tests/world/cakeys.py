"""CA keys in software, with the verbs of the token's."""

from collections.abc import Callable
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, rsa

from dss.kernel.errors import Conflict, HsmUnavailable, NotFound
from dss.kernel.keyspec import KeySpec

Result = TypeVar("Result")
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
CURVES = {KeySpec.P256: ec.SECP256R1(), KeySpec.P384: ec.SECP384R1(), KeySpec.P521: ec.SECP521R1()}


def new_key(spec: KeySpec) -> PrivateKey:
    """Make a key of a kind."""
    if spec.is_rsa:
        return rsa.generate_private_key(65537, spec.bits)
    return ec.generate_private_key(CURVES[spec])


class SoftCaKeys:
    """Stands for CaKeys.

    keys: by name; a test may exchange one.
    away: True while the HSM does not answer.
    """

    def __init__(self) -> None:
        self.keys: dict[str, PrivateKey] = {}
        self.away = False

    async def generate(self, name: str, spec: KeySpec) -> None:
        """Make a key. Raises Conflict if there is one of this name."""
        self._answer()
        if name in self.keys:
            raise Conflict
        self.keys[name] = new_key(spec)

    async def private_key(self, name: str) -> PrivateKey:
        """Return a key. Raises NotFound."""
        self._answer()
        if name not in self.keys:
            raise NotFound
        return self.keys[name]

    async def run(self, work: Callable[[], Result]) -> Result:
        """Do the work at once."""
        self._answer()
        return work()

    def _answer(self) -> None:
        if self.away:
            raise HsmUnavailable
