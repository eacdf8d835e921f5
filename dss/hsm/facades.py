"""Private keys of the HSM in the form that `cryptography`'s certificate, CRL and request builders take."""

from collections.abc import Callable
from typing import Any, Generic, NoReturn, Self, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import HashAlgorithm

from dss.hsm import keypairs
from dss.hsm.mechanisms import ecdsa_der
from dss.kernel.digest import Digest, algorithm_named
from dss.kernel.errors import Invalid
from dss.kernel.keyspec import KeySpec, Padding, Scheme

SignDigest = Callable[[KeySpec, Scheme, Digest], bytes]
PublicKey = TypeVar("PublicKey", bound=keypairs.PublicKey)

SPEC_OF = {curve.name: spec for spec, curve in keypairs.CURVES.items()}


class _Facade(Generic[PublicKey]):
    """What every key has that stays in the HSM; `sign` blocks and raises HsmUnavailable."""

    def __init__(self, public_key: PublicKey, sign: SignDigest) -> None:
        self._public_key = public_key
        self._sign = sign

    @property
    def key_size(self) -> int:
        """The length of the modulus, or of the curve's order, in bits."""
        return self._public_key.key_size

    def public_key(self) -> PublicKey:
        """Return the public half."""
        return self._public_key

    def private_numbers(self) -> NoReturn:
        """Refuse: the key never leaves the HSM."""
        _refuse()

    def private_bytes(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the key never leaves the HSM."""
        _refuse()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


class RsaFacade(_Facade[rsa.RSAPublicKey], rsa.RSAPrivateKey):
    """An RSA key that stays in the HSM."""

    def sign(self, data: Any, padding_: Any, algorithm: Any) -> bytes:
        """Sign with PKCS#1 v1.5. Raises Invalid for another padding or a hash that is not of the SHA-2 family."""
        if not isinstance(padding_, padding.PKCS1v15):
            raise Invalid("CA keys sign with PKCS#1 v1.5 only")
        spec = KeySpec(f"RSA-{self.key_size}")
        return self._sign(spec, Scheme(Padding.PKCS1), _hashed(data, algorithm))

    def decrypt(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the key only signs."""
        _refuse()


class EcFacade(_Facade[ec.EllipticCurvePublicKey], ec.EllipticCurvePrivateKey):
    """An elliptic curve key that stays in the HSM."""

    def sign(self, data: Any, signature_algorithm: ec.EllipticCurveSignatureAlgorithm) -> bytes:
        """Sign with ECDSA; DER. Raises Invalid for a hash that is not of the SHA-2 family."""
        digest = _hashed(data, signature_algorithm.algorithm)
        return ecdsa_der(self._sign(SPEC_OF[self.curve.name], Scheme(Padding.ECDSA), digest))

    @property
    def curve(self) -> ec.EllipticCurve:
        """The curve."""
        return self._public_key.curve

    def exchange(self, *_: Any, **__: Any) -> NoReturn:
        """Refuse: the key only signs."""
        _refuse()


def _hashed(data: Any, algorithm: Any) -> Digest:
    if not isinstance(algorithm, HashAlgorithm):
        raise Invalid("the data to sign must come unhashed")
    return Digest.of(bytes(data), algorithm_named(algorithm.name))


def _refuse() -> NoReturn:
    raise UnsupportedAlgorithm("a key in the HSM signs, and nothing else")
