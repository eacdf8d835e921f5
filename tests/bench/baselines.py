"""What flows are held against: endpoints that do nothing, the bare HSM, the bare database."""

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from dss.hsm.servicekeys import KeyName
from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.infra import once
from dss.kernel.digest import Digest
from dss.kernel.keyspec import KeySpec, Scheme
from tests.bench.meter import Steps
from tests.bench.stage import Stage

PLAIN, AUTHENTICATED = "plain endpoint", "plain endpoint with an access token"
SIGNATURE, SIGNATURE_RSA = "bare HSM: unwrap and sign, P-256", "bare HSM: unwrap and sign, RSA-2048"
HMAC, WRITE = "bare HSM: one HMAC", "bare database: one write transaction"
EACH = 20

Work = Callable[[], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Baselines:
    """The work, by what it is called; each is done EACH times, and one of them is told."""

    stage: Stage
    keys: dict[KeySpec, WrappedKey]

    @classmethod
    async def ready(cls, stage: Stage) -> "Baselines":
        """Make the keys that sign."""
        specs = (KeySpec.P256, KeySpec.RSA_2048)
        return cls(stage, {spec: (await _user_keys(stage).generate(spec)).key for spec in specs})

    async def measure(self) -> Steps:
        """Do all of it."""
        meter, endpoints = self.stage.meter, self.stage.plain
        work: dict[str, Work] = {
            PLAIN: lambda: endpoints.get("/plain"),
            AUTHENTICATED: lambda: endpoints.get("/plain/authenticated"),
            SIGNATURE: self._counted(lambda: self._sign(KeySpec.P256)),
            SIGNATURE_RSA: self._counted(lambda: self._sign(KeySpec.RSA_2048)),
            HMAC: self._counted(self._hmac),
            WRITE: self._counted(self._write),
        }
        for name, one in work.items():
            with meter.step(name):
                for _ in range(EACH):
                    await one()
        return {name: spent.each(EACH) for name, spent in meter.taken().items()}

    def _counted(self, one: Work) -> Work:
        async def counted() -> None:
            with self.stage.meter.counting():
                await one()

        return counted

    async def _sign(self, spec: KeySpec) -> None:
        digest = Digest.of(secrets.token_bytes(8))
        await _user_keys(self.stage).sign(self.keys[spec], Scheme.default_for(spec), digest)

    async def _hmac(self) -> None:
        await self.stage.world.services.tokens.service.hmac(KeyName.PIN, secrets.token_bytes(64))

    async def _write(self) -> None:
        world = self.stage.world
        async with world.services.database.write() as connection:
            expiry = world.clock.now() + timedelta(minutes=3)
            await once.use(connection, "bench", secrets.token_hex(16), expiry)


def _user_keys(stage: Stage) -> UserKeys:
    keys = stage.world.services.tokens.user
    assert keys is not None
    return keys
