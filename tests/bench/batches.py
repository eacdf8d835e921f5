"""Batches: what is signed in a second, as a share of the bare HSM's wrapped rate at the same moment.

The wrapped rate is that of keys unwrapped, used once and destroyed, one after another. A batch unwraps its key once for
many signatures, and has verification, evidence, database and log to pay for from what it spares; so it is held against
the bare HSM's rate in such lots as well, which is the most that there is.
"""

import base64
import gc
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.kernel.digest import Digest
from dss.kernel.keyspec import KeySpec, Scheme
from tests.bench.flows import confirm
from tests.bench.meter import Spent
from tests.bench.stage import Stage
from tests.world.world import Signer

SPECS = (KeySpec.P256, KeySpec.RSA_2048)
WARM_UP, ROUNDS, SMALL, LARGE = 1, 15, 100, 10_000
BARE, IN_LOTS, PERFORM = "bare", "bare, in lots", "perform"


@dataclass(frozen=True, slots=True)
class Lot:
    """A batch that was signed, and the bare HSM's signatures before and after it.

    bare, in_lots: what one of these took, where a key is unwrapped for each, and for many. signed: what one of the
    batch did.
    """

    spec: KeySpec
    count: int
    bare: Spent
    in_lots: Spent
    signed: Spent

    @property
    def share(self) -> float:
        """The batch's rate as a part of the wrapped rate, by the clock."""
        return self.bare.wall / self.signed.wall

    @property
    def share_of_lots(self) -> float:
        """The batch's rate as a part of the bare HSM's in lots, by the clock."""
        return self.in_lots.wall / self.signed.wall

    @property
    def share_of_cpu(self) -> float:
        """The batch's rate as a part of the wrapped rate by CPU time: what it were, was the CPU alone the limit."""
        return self.bare.cpu / self.signed.cpu


@dataclass(frozen=True, slots=True)
class Batches:
    """Signers who have batches signed, and keys for the bare HSM."""

    stage: Stage
    signers: dict[KeySpec, Signer]
    keys: dict[KeySpec, WrappedKey]

    @classmethod
    async def ready(cls, stage: Stage) -> "Batches":
        """Make the signers and the keys."""
        signers = {spec: await stage.world.signer(stage.shop, f"batch-{spec.lower()}", spec) for spec in SPECS}
        keys = {spec: (await _hsm(stage).generate(spec)).key for spec in SPECS}
        stage.meter.taken()
        return cls(stage, signers, keys)

    async def measure(self, tell: Callable[[str], None]) -> list[Lot]:
        """Have many small batches signed, and a large one by each kind of key."""
        lots = []
        for number in range(WARM_UP + ROUNDS):
            tell(f"batches of {SMALL}: round {number + 1}")
            lots += [await self._lot(spec, SMALL) for spec in SPECS]
        del lots[: WARM_UP * len(SPECS)]
        for spec in SPECS:
            tell(f"a batch of {LARGE:,}, {spec}")
            lots.append(await self._lot(spec, LARGE))
        return lots

    async def _lot(self, spec: KeySpec, count: int) -> Lot:
        meter, half = self.stage.meter, max(SMALL, count // 20) // 2
        digests = [base64.b64encode(secrets.token_bytes(32)).decode() for _ in range(count)]
        await self.stage.shop.log_in()
        asked = await self.stage.shop.ask_hashes(self.signers[spec], *digests)
        await confirm(self.signers[spec].phone)
        gc.collect()
        meter.taken()
        await self._bare(spec, half)
        with meter.step(PERFORM), meter.counting():
            await self.stage.world.services.performing[0].next()
        await self._bare(spec, half)
        taken = meter.taken()
        signed = await self.stage.shop.get(f"/v1/signatures/{asked['id']}")
        assert (signed["state"], signed["count"]) == ("signed", count), signed["state"]
        bare, in_lots = (taken[step].each(2 * half) for step in (BARE, IN_LOTS))
        return Lot(spec, count, bare, in_lots, taken[PERFORM].each(count))

    async def _bare(self, spec: KeySpec, count: int) -> None:
        """Have so many signatures made by the bare HSM, one by one, and as many in lots."""
        hsm, key, meter = _hsm(self.stage), self.keys[spec], self.stage.meter
        wanted = [(Scheme.default_for(spec), Digest.of(secrets.token_bytes(8))) for _ in range(count)]
        with meter.step(BARE), meter.counting():
            for scheme, digest in wanted:
                await hsm.sign(key, scheme, digest)
        with meter.step(IN_LOTS), meter.counting():
            await hsm.sign_all(key, wanted)


def _hsm(stage: Stage) -> UserKeys:
    keys = stage.world.services.tokens.user
    assert keys is not None
    return keys
