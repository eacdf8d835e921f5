"""Owners of phones: a world for a module, and for each story somebody new with a phone and a key in it.

Phones prove PINs and passwords quickly here, and by other means than real ones: the server cannot tell, as it never
sees either. The slow proofs themselves have tests of their own.
"""

import base64
import hashlib
import shutil
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import sqlalchemy as sa

from dss.credentials import locking
from dss.credentials.model import Credential
from dss.devices.boxes import Opened
from dss.devices.model import Device
from dss.devices.tables import shares
from dss.hsm.keyblob import BlobRefused
from dss.kernel.ids import CredentialId, DeviceId
from dss.users.model import User
from dss.web import app as web
from dss.wiring import Services
from mobile_mock import passwords, pins
from mobile_mock.errors import Refused
from mobile_mock.kept import Share
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, SERVER, Application, Signer, WithState, World, new_world

HASH = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
WRONG = "493818"
NEW_PIN = "850274"
HOUR = 3600
REFUSED, LOCKED, ABSENT, CONFLICT = (403, "answer_refused"), (423, "locked"), (404, "not_found"), (409, "conflict")


@dataclass
class Owner:
    """A person with a phone, a key, and a relying application that asks for signatures."""

    world: World
    application: Application
    user: User
    phone: Phone
    credential_id: str

    @property
    def signer(self) -> Signer:
        return Signer(self.user, self.phone, self.credential_id, {})

    async def later(self, seconds: float) -> None:
        """Let time pass, and what it ends be ended."""
        self.world.clock.move(seconds)
        await self.world.services.transactions.expire_overdue()
        await self.application.log_in()

    async def asked(self, phone: Phone | None = None) -> Shown:
        """Be asked to sign; return what the phone shows."""
        id = (await self.application.ask_hashes(self.signer, HASH))["id"]
        return await (phone or self.phone).show(id)

    async def confirms(self, shown: Shown, phone: Phone | None = None, pin: str = PIN, **typed: Any) -> str:
        """Confirm, let the server do what follows, and return the end."""
        phone = phone or self.phone
        await phone.confirm(shown, pin, **typed)
        await self.world.settle()
        return await phone.state(shown.id)

    async def signs(self, phone: Phone | None = None, pin: str = PIN, **typed: Any) -> str:
        """Be asked, and confirm; return the end."""
        return await self.confirms(await self.asked(phone), phone, pin, **typed)

    async def wishes(self, action: str, on: Phone | None = None, **about: str) -> Shown:
        """Open a change; return what the phone shows."""
        opener = on or self.phone
        return await opener.show(await opener.change(action, **about))

    async def of_key(self, action: str, on: Phone | None = None) -> Shown:
        """Open a change of the key."""
        return await self.wishes(action, on, credential=self.credential_id)

    async def removes(self, phone: Phone, on: Phone | None = None) -> str:
        """Remove another phone by a confirmed change; return the end."""
        return await self.confirms(await self.wishes("remove", on, phone=id_of(phone)), on)

    async def second(self, name: str = "Key 2") -> Phone:
        """Enrol a further phone; it waits."""
        qr, code = await self.world.invite(self.user)
        phone = self.world.new_phone()
        await phone.enrol(qr, code, PIN, name)
        return phone

    async def shares(self, phone: Phone, by: Phone | None = None, **typed: Any) -> str:
        """Share what one phone holds with another, whose QR it scans; return the transaction."""
        giver = by or self.phone
        shown = await giver.show(await giver.share(await phone.share_code()))
        assert await self.confirms(shown, giver, **typed) == "signed"
        return shown.id

    async def joined(self, name: str = "Key 2") -> Phone:
        """A further phone that has waited and holds its share."""
        phone = await self.second(name)
        await self.shares(phone)
        await self.later(HOUR)
        assert await phone.take_shares() == [self.credential_id]
        return phone

    async def device(self, phone: Phone | None = None) -> Device:
        """A phone as the server knows it."""
        return await self.world.services.devices.get(id_of(phone or self.phone))

    async def key(self) -> Credential:
        """The key as the server knows it."""
        return await self.world.services.credentials.get(CredentialId(self.credential_id))

    async def letters(self) -> list[str]:
        """The texts of the owner's letters, oldest first."""
        found = [message_from_bytes(letter.read_bytes(), policy=default) for letter in await self.world.letters()]
        bodies = [message.get_body() for message in found if self.user.email in message["To"]]
        return [str(body.get_content()) for body in bodies if body is not None]

    async def stop_by_link(self) -> None:
        """Stop the phone by the newest link."""
        _, _, device, code = (await self.stop_link()).split("/")
        await self.world.services.phones.stop_by_link(DeviceId(device), code)

    async def stop_link(self) -> str:
        """The path of the newest link that stops a phone."""
        links = [word for text in await self.letters() for word in text.split() if "/stop/" in word]
        return links[-1].removeprefix(SERVER).partition("?")[0]


@dataclass
class Street:
    """A world where owners live."""

    world: World
    application: Application
    owners: int = 0

    async def owner(self) -> Owner:
        """Somebody new."""
        self.owners += 1
        await self.application.log_in()
        signer = await self.world.signer(self.application, f"owner{self.owners}")
        return Owner(self.world, self.application, signer.user, signer.phone, signer.credential_id)


def elsewhere(owner: Owner, services: Services) -> Owner:
    """The same person, whose calls another process serves."""
    app = WithState(web.create(services.settings, strict=True), services)
    world = replace(owner.world, services=services, app=app)
    phone = Phone(owner.phone._store.folder, world.http(), now=world.clock.now)
    application = replace(owner.application, http=world.http())
    application.http.headers.update(owner.application.http.headers)
    return replace(owner, world=world, phone=phone, application=application)


def id_of(phone: Phone) -> DeviceId:
    return DeviceId(phone.kept().device)


async def states(phone: Phone) -> list[str]:
    """Where the owner's phones stand, oldest first, as a phone is told."""
    return [one.state for one in await phone.phones()]


async def stored(alice: Owner, id: str) -> tuple[str, str | None] | None:
    """State and ciphertext of a share as they lie in the database."""
    query = sa.select(shares.c.state, shares.c.jwe).where(shares.c.id == id)
    async with alice.world.services.database.read() as connection:
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else (row.state, row.jwe)


def share_of(alice: Owner, phone: Phone) -> Share:
    """What a phone keeps of the key."""
    return phone.kept().shares[alice.credential_id]


def opens(credential: Credential, k_act: bytes) -> bool:
    """Whether a share unlocks the key as it lies in the database."""
    try:
        locking.unlock(credential, Opened(b"", k_act))
    except BlobRefused:
        return False
    return True


async def held(phone: Phone) -> list[tuple[bool, bool]]:
    """Of each key: whether the phone's share opens it, and whether it waits to be locked anew."""
    return [(one.held, one.relock) for one in await phone.credentials()]


async def refusal(attempt: Awaitable[Any]) -> tuple[int, str]:
    """How an attempt is refused."""
    with pytest.raises(Refused) as refused:
        await attempt
    return refused.value.status, refused.value.reason


def everything_written(folder: Path) -> bytes:
    """All that lies in the server's folder: database with its journal, letters, documents."""
    files = [path for path in folder.rglob("*") if path.is_file() and "phone-" not in str(path.relative_to(folder))]
    assert any(path.suffix == ".db" for path in files)
    return b"\n".join(path.read_bytes() for path in files)


def appears(secret: bytes, written: bytes) -> bool:
    """Whether a secret is there, as it is or in one of the forms that text takes."""
    encoded = base64.b64encode(secret).rstrip(b"=")
    forms = (secret, secret.hex().encode(), encoded, encoded.translate(bytes.maketrans(b"+/", b"-_")))
    return any(form in written for form in forms)


@contextmanager
def quick_proofs() -> Iterator[None]:
    """Let phones prove PINs and passwords without the work."""

    def proof(pin: str, salt: bytes, iterations: int) -> bytes:
        return hashlib.sha256(b"pin" + salt + pin.encode()).digest()

    def stretch(password: str, recipe: passwords.Recipe) -> bytes:
        return hashlib.sha256(b"password" + recipe.salt + password.encode()).digest()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pins, "proof", proof)
        patch.setattr(passwords, "stretch", stretch)
        yield


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def street(
    softhsm: SoftHsm, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Street]:
    """The world that a module's stories share; they run in the module's event loop."""
    folder = tmp_path_factory.mktemp("street")
    shutil.copyfile(sqlite_template, folder / "dss.db")
    with quick_proofs():
        async with new_world(softhsm, f"sqlite:///{folder}/dss.db", folder) as world:
            yield Street(world, await world.application())


@pytest_asyncio.fixture(loop_scope="module")
async def alice(street: Street) -> Owner:
    """Somebody new in the module's world."""
    return await street.owner()


@pytest.fixture
async def bob(world_on_each_database: World) -> AsyncIterator[Owner]:
    """Somebody in a world of the test's own, on each database."""
    with quick_proofs():
        application = await world_on_each_database.application()
        yield await Street(world_on_each_database, application).owner()
