"""People's signing keys: made in the HSM, kept outside under a key that never leaves it.

A key encryption key (KEK) is an AES-256 key of the token, labelled `kek-1`, `kek-2` and so on: the newest wraps new
keys, any opens what it wrapped. Its template makes the HSM itself refuse to unwrap a key as anything but a private key
of the session that only signs and cannot be read, whoever asks; `setup.create_kek` makes it so.
Source: RFC 5649 (AES-KWP).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, NoSuchKey, ObjectClass, PKCS11Error
from pkcs11.constants import DEFAULT

from dss.hsm.keyblob import BlobRefused
from dss.hsm.keypairs import SIGNING, generate_pair, public_key_of
from dss.hsm.mechanisms import Operation, ecdsa_der, operation
from dss.hsm.sessions import Bench
from dss.hsm.token import Refused, Token
from dss.kernel.digest import Digest
from dss.kernel.keyspec import KeySpec, Padding, Scheme

KEK_PREFIX = "kek-"
AT_ONCE = 50  # signatures by which one call to the HSM keeps others waiting
UNWRAPPED = {
    Attribute.CLASS: ObjectClass.PRIVATE_KEY,
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.DECRYPT: False,
    Attribute.DERIVE: False,
    Attribute.UNWRAP: False,
}
# python-pkcs11 sends these for every key; a private key has none of them.
NOT_OF_PRIVATE_KEYS = {Attribute.ENCRYPT: DEFAULT, Attribute.WRAP: DEFAULT, Attribute.VERIFY: DEFAULT}
WRAPPABLE = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: True}


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """A key to sign with.

    kek_id:  label of the KEK that wraps it.
    wrapped: the private key (PKCS#8) under the KEK.
    """

    kek_id: str
    wrapped: bytes = field(repr=False)
    spec: KeySpec


@dataclass(frozen=True, slots=True)
class GeneratedKey:
    """A new key; public_key is its SubjectPublicKeyInfo, DER."""

    key: WrappedKey
    public_key: bytes


class _NotUnwrapped(PKCS11Error):
    """The HSM did not unwrap a key."""


class UserKeys:
    """Makes and uses people's keys on the token that has the KEKs."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._known: dict[str, WrappedKey] = {}

    async def generate(self, spec: KeySpec) -> GeneratedKey:
        """Make a key under the newest KEK. Raises HsmUnavailable."""
        return await self._token.run(lambda bench: _generate(bench, spec), self._probe)

    async def sign(self, key: WrappedKey, scheme: Scheme, digest: Digest) -> bytes:
        """Unwrap, sign, destroy. Returns and raises as `sign_all`."""
        return (await self.sign_all(key, [(scheme, digest)]))[0]

    async def sign_all(self, key: WrappedKey, wanted: Sequence[tuple[Scheme, Digest]]) -> list[bytes]:
        """Sign digests in their order: unwrap, sign AT_ONCE of them, destroy, and so on.

        Returns RSA signatures as they are, ECDSA ones as a DER SEQUENCE of r and s (RFC 3279 section 2.2.3).
        Raises Invalid where key and scheme do not fit, BlobRefused for a wrapped key that this HSM did not make so,
        HsmUnavailable.
        """
        todo = [operation(key.spec, scheme, digest) for scheme, digest in wanted]
        made: list[bytes] = []
        for start in range(0, len(todo), AT_ONCE):
            made += await self._run(key, todo[start : start + AT_ONCE])
        pairs = zip(wanted, made, strict=True)
        return [ecdsa_der(value) if scheme.padding is Padding.ECDSA else value for (scheme, _), value in pairs]

    async def _run(self, key: WrappedKey, todo: Sequence[Operation]) -> list[bytes]:
        try:
            return await self._token.run(lambda bench: _sign(bench, key, todo), self._probe)
        except Refused as refusal:
            if isinstance(refusal.__cause__, _NotUnwrapped):
                raise BlobRefused("the HSM does not unwrap this key") from refusal
            raise

    async def check(self) -> None:
        """Unwrap a known key. Raises HsmUnavailable."""
        await self._token.run(self._probe, self._probe)

    def _probe(self, bench: Bench) -> None:
        """Unwrap a key known to be good: by this a KEK that is lost and a bad row can be told apart."""
        kek_id = newest_kek(bench)
        if kek_id not in self._known:
            self._known[kek_id] = _generate(bench, KeySpec.P256).key
        with _unwrapped(bench, self._known[kek_id]):
            pass


def newest_kek(bench: Bench) -> str:
    """Return the label of the KEK with the highest number. Raises NoSuchKey, PKCS11Error."""
    newest = newest_number(bench)
    if not newest:
        raise NoSuchKey("no KEK")
    return f"{KEK_PREFIX}{newest}"


def newest_number(bench: Bench) -> int:
    """Return the highest number of a KEK, 0 where there is none. Raises PKCS11Error."""
    labels = [str(key.label) for key in bench.search({Attribute.CLASS: ObjectClass.SECRET_KEY})]
    numbers = [label.removeprefix(KEK_PREFIX) for label in labels if label.startswith(KEK_PREFIX)]
    return max((int(number) for number in numbers if number.isdecimal()), default=0)


def _generate(bench: Bench, spec: KeySpec) -> GeneratedKey:
    kek_id = newest_kek(bench)
    kek = bench.key(kek_id, ObjectClass.SECRET_KEY)
    public, private = generate_pair(bench.session, spec, capabilities=SIGNING, private_template=WRAPPABLE)
    wrapped = kek.wrap_key(private, mechanism=Mechanism.AES_KEY_WRAP_PAD)
    spki = public_key_of(public).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    private.destroy()
    public.destroy()
    return GeneratedKey(WrappedKey(kek_id, wrapped, spec), spki)


def _sign(bench: Bench, key: WrappedKey, todo: Sequence[Operation]) -> list[bytes]:
    with _unwrapped(bench, key) as private:
        return [one.by(private) for one in todo]


@contextmanager
def _unwrapped(bench: Bench, key: WrappedKey) -> Iterator[Any]:
    kek = bench.key(key.kek_id, ObjectClass.SECRET_KEY)
    try:
        private = kek.unwrap_key(
            ObjectClass.PRIVATE_KEY,
            KeyType.RSA if key.spec.is_rsa else KeyType.EC,
            key.wrapped,
            mechanism=Mechanism.AES_KEY_WRAP_PAD,
            capabilities=MechanismFlag.SIGN,
            template=UNWRAPPED | NOT_OF_PRIVATE_KEYS,
        )
    except PKCS11Error as failure:
        raise _NotUnwrapped from failure
    yield private
    private.destroy()
