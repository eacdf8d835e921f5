"""The CA's keys: token objects that sign through `cryptography`'s own builders."""

from collections.abc import Callable
from typing import TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from pkcs11 import Attribute, NoSuchKey, ObjectClass

from dss.hsm.facades import EcFacade, RsaFacade, SignDigest
from dss.hsm.keypairs import SIGNING, STAYS, generate_pair, public_key_of
from dss.hsm.mechanisms import operation
from dss.hsm.module import locked
from dss.hsm.sessions import Bench
from dss.hsm.token import Absent, Token
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound
from dss.kernel.keyspec import KeySpec, Scheme

Result = TypeVar("Result")


class CaKeys:
    """Makes and uses keys by their names, the labels on the token. Every verb raises HsmUnavailable."""

    def __init__(self, token: Token) -> None:
        self._token = token

    async def generate(self, name: str, spec: KeySpec) -> None:
        """Make a key, never to leave the token. Raises Conflict if there is one of this name."""
        await self._token.run(lambda bench: self._generate(bench, name, spec), _probe)

    async def private_key(self, name: str) -> RsaFacade | EcFacade:
        """Return a private key for `cryptography`. Raises NotFound.

        Its `sign` blocks and raises HsmUnavailable: use it inside `run`.
        """
        try:
            return await self._token.run(lambda bench: self._facade(bench, name), _probe)
        except Absent as absence:
            raise NotFound(f"the CA has no key {name}") from absence

    async def run(self, work: Callable[[], Result]) -> Result:
        """Run blocking work that signs on one of the token's threads. Raises what it raises."""
        return await self._token.in_thread(work)

    async def check(self) -> None:
        """Look for a private key."""
        await self._token.run(_probe, _probe)

    def _generate(self, bench: Bench, name: str, spec: KeySpec) -> None:
        with locked(self._token.spec.lock_file):
            if bench.search({Attribute.LABEL: name}):
                raise Conflict(f"the CA has a key {name}")
            generate_pair(bench.session, spec, store=True, label=name, capabilities=SIGNING, private_template=STAYS)

    def _facade(self, bench: Bench, name: str) -> RsaFacade | EcFacade:
        bench.key(name, ObjectClass.PRIVATE_KEY)
        public_key = public_key_of(bench.key(name, ObjectClass.PUBLIC_KEY))
        if isinstance(public_key, RSAPublicKey):
            return RsaFacade(public_key, self._signer(name))
        return EcFacade(public_key, self._signer(name))

    def _signer(self, name: str) -> SignDigest:
        def sign(spec: KeySpec, scheme: Scheme, digest: Digest) -> bytes:
            todo = operation(spec, scheme, digest)
            return self._token.do(lambda bench: todo.by(bench.key(name, ObjectClass.PRIVATE_KEY)), _probe)

        return sign


def _probe(bench: Bench) -> None:
    """Find a private key: a lost login shows none, nor does a lost token."""
    if not bench.search({Attribute.CLASS: ObjectClass.PRIVATE_KEY}):
        raise NoSuchKey("no private key at all")
