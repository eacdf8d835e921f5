"""Signing in on software keys: a signer with a password, browsers, and the letters that go out."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.devices.boxes import Boxes
from dss.devices.model import Limits as DeviceLimits
from dss.devices.service import Devices
from dss.devices.service import Parts as DeviceParts
from dss.hsm.servicekeys import KeyName
from dss.hsm.stamps import Stamps
from dss.infra.db import Database
from dss.kernel.errors import DssError
from dss.kernel.ids import Ids
from dss.login.model import Factor, Limits, Session, Where
from dss.login.parts import Parts
from dss.login.service import Login
from dss.notify.model import Letter, LetterId, Reader
from dss.notify.service import Notify, Post
from dss.users.model import User
from dss.users.service import NewUser, Users
from tests.world.clock import HandClock
from tests.world.servicekeys import SoftwareServiceKeys

SERVER = "https://sign.example.org"
PASSWORD, ANOTHER = "Corr3ct horse", "N3w battery staple"
HOME = Where("192.0.2.1", "Firefox 150 on Linux", "h" * 43)
OFFICE = Where("192.0.2.2", "Chrome 160 on Windows", "o" * 43)
STRANGER = Where("203.0.113.9", "curl", "s" * 43)
OPERATOR = "operator:test"


class Desk:
    """The server's signing in, with a back door to what it writes."""

    def __init__(self, database: Database, clock: HandClock, **choices: Any) -> None:
        self.database, self.clock = database, clock
        self.keys, self.ids = SoftwareServiceKeys(), Ids(clock)
        self.audit = Audit(database, clock, self.ids)
        self.seals = Seals(self.keys, self.audit)
        self.users = Users(database, self.seals, clock, self.ids)
        self.post: list[Letter] = []
        self.notify = Notify(database, Post(self._send, self._key_for), self.audit, clock, self.ids)
        self.login = Login(self._parts(**choices))

    def again(self, **choices: Any) -> Login:
        """Another process of the same installation."""
        return Login(self._parts(**choices))

    async def signer(self, login: str = "olena", password: str = PASSWORD) -> User:
        """A signer who has set a password by a letter."""
        new = NewUser(login, f"{login}@example.org", "Olena", "Example", "UA")
        user = await self.users.register(new, OPERATOR)
        await self.login.send_letter(login, OPERATOR)
        await self.login.set_by_letter(await self.link(), password, HOME)
        await self.letters()
        return user

    async def signed_in(self, where: Where = HOME, login: str = "olena", password: str = PASSWORD) -> str:
        """Sign in with both factors; return the cookie."""
        signed = await self.login.by_password(login, password, where)
        return await self.login.complete(signed.session, Factor.PHONE, where)

    async def session(self, where: Where = HOME) -> Session:
        """Sign in with both factors; return the session."""
        found = await self.login.session(await self.signed_in(where), where)
        assert found is not None
        return found

    async def wrong(self, times: int, where: Where = STRANGER, login: str = "olena") -> list[DssError]:
        """Try wrong passwords, one after the other, from addresses of their own; return the refusals."""
        return [await refusal(self.login, place(where, number), login) for number in range(times)]

    async def letters(self) -> list[Letter]:
        """Return what went out since the last look."""
        await self.notify.send_due()
        sent, self.post = self.post, []
        return sent

    async def link(self) -> str:
        """Return the code of the newest letter that sets a password."""
        return code_in((await self.letters())[-1].body)

    async def told(self, subject: str) -> list[str]:
        """Return the kinds of the events on a subject, oldest first."""
        return [recorded.event.kind for recorded in await self.audit.of_subject(subject)]

    async def _send(self, _: LetterId, letter: Letter) -> None:
        self.post.append(letter)

    async def _key_for(self, id: str) -> bytes:
        return await self.keys.hmac(KeyName.ENROLMENT, id.encode())

    def _parts(self, **choices: Any) -> Parts:
        boxes = Boxes(self.database, self.keys, self.seals, self.clock, timedelta(days=1))
        of_devices = DeviceParts(self.database, self.keys, boxes, self.seals, self.clock, DeviceLimits())
        made = Parts(
            server=SERVER,
            database=self.database,
            users=self.users,
            devices=Devices(of_devices),
            notify=self.notify,
            seals=self.seals,
            stamps=Stamps(self.keys, KeyName.LOGIN),
            clock=self.clock,
            ids=self.ids,
            limits=Limits(),
            operators=Reader("duty@example.org", "en", ""),
        )
        return replace(made, **choices)


def code_in(body: str, server: str = SERVER) -> str:
    """Return the code of the link in a letter."""
    found = re.search(rf"^{re.escape(server)}/signin/password/(\S+)\r?$", body, re.MULTILINE)
    assert found is not None, body
    return found[1]


def mailed_code(mail: bytes, server: str) -> str:
    """Return the same of a letter as it is mailed."""
    body = message_from_bytes(mail, policy=default).get_body()
    assert body is not None
    return code_in(str(body.get_content()), server)


def place(where: Where, number: int) -> Where:
    """The same browser at another address."""
    return replace(where, address=f"198.51.{number // 250}.{number % 250}")


async def refusal(login: Login, where: Where, name: str = "olena", password: str = "Wr0ng password") -> DssError:
    """Try to sign in, in vain; return the refusal."""
    with pytest.raises(DssError) as caught:
        await login.by_password(name, password, where)
    return caught.value


async def all_of(*attempts: Any) -> list[Any]:
    """Make attempts at the same time; return what came of each."""
    return await asyncio.gather(*attempts, return_exceptions=True)


@pytest.fixture
async def desk(database: Database, clock: HandClock) -> Desk:
    return Desk(database, clock)


@pytest.fixture
async def signer(desk: Desk) -> User:
    return await desk.signer()
