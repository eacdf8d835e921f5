"""A world with an intruder at its database, and the tally of all that comes out of it."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dss.ca.tables import certificates
from dss.credentials.tables import credentials
from dss.devices import enrolment
from dss.devices.tables import devices
from dss.hsm.userkeys import UserKeys
from dss.kernel import b64
from dss.transactions.machine import Work
from dss.transactions.tables import entries, transactions
from mobile_mock.errors import PhoneError
from mobile_mock.phone import Phone
from tests.stories.test_answers import HASH
from tests.world import world as worlds
from tests.world.intruder import Intruder
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world

EVERYTHING = "DSS_SOAK" in os.environ
Before = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Fruits:
    """What an attack may not add to.

    signed: signatures that were released. used: how often a person's key was asked to sign.
    """

    signed: int
    used: int
    certified: int
    issued: int
    phones: int


@dataclass
class Watched:
    """An application that notes the status of every answer, and lets something happen right before a call."""

    app: ASGIApp
    statuses: list[int] = field(default_factory=list)
    before: dict[str, Before] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a call on."""
        path = f"{scope['method']} {scope['path']}"
        for start in [start for start in self.before if path.startswith(start)]:
            await self.before.pop(start)()

        async def noted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.statuses.append(message["status"])
            await send(message)

        await self.app(scope, receive, noted)


@dataclass
class Robbery:
    """A signer with a phone and a key, an application that asks, and somebody who can write to the database.

    second: a further phone of the signer. stopped: an application that the signer let ask no more.
    """

    world: World
    application: Application
    alice: Signer
    intruder: Intruder
    watched: Watched
    used: list[object]
    second: Phone | None = None
    stopped: Application | None = None

    async def fruits(self) -> Fruits:
        """Count what has come out so far."""
        counts = (
            sa.select(sa.func.count()).select_from(entries).where(entries.c.signature.is_not(None)),
            sa.select(sa.func.count()).select_from(credentials).where(credentials.c.certificate.is_not(None)),
            sa.select(sa.func.count()).select_from(certificates),
            sa.select(sa.func.count()).select_from(devices),
        )
        async with self.world.services.database.read() as connection:
            signed, certified, issued, phones = [(await connection.execute(one)).scalar_one() for one in counts]
        return Fruits(signed, len(self.used), certified, issued, phones)

    async def open(self, signer: Signer | None = None, value: str = HASH) -> str:
        """Ask for a signature, and return the transaction."""
        self.world.clock.move(1)
        return str((await self.application.ask_hashes(signer or self.alice, value))["id"])

    async def ask(self) -> str | None:
        """Ask for a signature; None where that is refused."""
        self.world.clock.move(1)
        wish = {"credential_id": self.alice.credential_id, "text": "Please sign", "hashes": [HASH]}
        answer = await self.application.http.post("/v1/signatures", json=wish)
        return str(answer.json()["id"]) if answer.is_success else None

    async def confirmed(self, signer: Signer | None = None, value: str = HASH) -> str:
        """Open a transaction that its signer confirms, and return it."""
        id = await self.open(signer, value)
        phone = (signer or self.alice).phone
        await phone.confirm(await phone.show(id), PIN)
        return id

    async def try_confirm(self, id: str | None = None) -> None:
        """Let the phone look and confirm, whatever it is told."""
        phone = self.alice.phone
        with suppress(PhoneError):
            await phone.waiting()
        with suppress(PhoneError):
            await phone.credentials()
        if id is not None:
            with suppress(PhoneError):
                await phone.confirm(await phone.show(id), PIN)

    async def second_phone(self) -> Phone:
        """Return a further phone of the signer, its waiting time over."""
        if self.second is None:
            self.second = await self.world.phone(self.alice.user)
            self.world.clock.move(3601)
            await self.application.log_in()
        return self.second

    async def work(self, kind: Work) -> None:
        """Let the server do all work of one kind."""
        for performing in self.world.services.performing:
            while performing._work is kind and await performing.next():
                pass

    async def asked_for_a_key(self) -> tuple[str, str]:
        """Let the signer confirm a new key that is not made yet; return credential and transaction."""
        self.world.clock.move(1)
        asked = await self.application.post("/v1/credentials", {"user": self.alice.user.login})
        await self.alice.phone.confirm(await self.alice.phone.show(asked["transaction_id"]), PIN)
        return asked["id"], asked["transaction_id"]

    async def end(self, id: str) -> tuple[str, str]:
        """Return how a transaction stands, and why."""
        row = await self.intruder.row(transactions, id)
        return row["state"], row["why"]

    async def rearm(self, id: str, row: dict[str, Any]) -> None:
        """Put a transaction's row back as it was copied, ready for the server to work on."""
        later = self.world.clock.now() + timedelta(hours=1)
        ready = {"state": "confirmed", "work": "key", "lease_until": None, "sad_expires_at": later}
        await self.intruder.edit(transactions, id, **row | ready)

    async def take_revocations_back(self) -> None:
        """Let the CA's register say that no certificate is revoked."""
        async with self.world.services.database.write() as connection:
            good = sa.update(certificates).values(status="good", revoked_at=None, reason=None)
            await connection.execute(good)

    async def signature(self, id: str) -> bytes | None:
        """Return the signature of a transaction over one hash, if it came out."""
        async with self.world.services.database.read() as connection:
            query = sa.select(entries.c.signature).where(entries.c.transaction_id == id)
            found: bytes | None = (await connection.execute(query)).scalars().first()
        return found

    async def is_over(self, signature: bytes | None, value: str, signer: Signer | None = None) -> bool:
        """Tell whether a signature is the signer's over a hash."""
        credential = await self.intruder.row(credentials, (signer or self.alice).credential_id)
        key = x509.load_der_x509_certificate(credential["certificate"]).public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        try:
            key.verify(signature or b"", b64.decode(value), ec.ECDSA(Prehashed(SHA256())))
        except InvalidSignature:
            return False
        return True

    async def alarms(self, subject: str) -> int:
        """Count the alarms about a row."""
        return (await self.world.tells(subject)).count("alarm.seal_broken")


def note_signings(patch: pytest.MonkeyPatch) -> list[object]:
    """Return a list of what the HSM is asked to sign with people's keys from now on."""
    asked: list[object] = []
    sign = UserKeys.sign_all

    async def noted(self: UserKeys, *what: Any) -> list[bytes]:
        asked.append(what)
        return await sign(self, *what)

    patch.setattr(UserKeys, "sign_all", noted)
    return asked


@asynccontextmanager
async def robbery(world: World) -> AsyncIterator[Robbery]:
    """Put an intruder into a world; its phones prove PINs quickly."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(enrolment, "PIN_ITERATIONS", 1)
        used = note_signings(patch)
        watched = Watched(world.app)
        world.app = watched
        application = await world.application()
        alice = await world.signer(application)
        yield Robbery(world, application, alice, Intruder(world.services.database), watched, used)


@pytest.fixture
async def robbed(softhsm: SoftHsm, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Robbery]:
    """A robbery of transactions: no auditor comes at its end, as rows no longer say what the log tells."""
    async with _unaudited(softhsm, sqlite_url, tmp_path) as stage:
        yield stage


@pytest.fixture
async def robbed_on_each_database(softhsm: SoftHsm, database_url: str, tmp_path: Path) -> AsyncIterator[Robbery]:
    """The same on SQLite, and another on PostgreSQL."""
    async with _unaudited(softhsm, database_url, tmp_path) as stage:
        yield stage


@asynccontextmanager
async def _unaudited(softhsm: SoftHsm, url: str, folder: Path) -> AsyncIterator[Robbery]:
    async def nobody(_: object) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "audit_all", nobody)
        async with new_world(softhsm, url, folder) as world, robbery(world) as stage:
            yield stage
