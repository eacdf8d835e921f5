"""A live server, a signer at a browser with a phone at hand, and a relying application that somebody else wrote."""

import asyncio
import hashlib
import json
import re
import secrets
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from itertools import count
from pathlib import Path
from typing import Any

from joserfc import jwk

from dss.clients.model import RELYING, SIGNERS
from dss.clients.profile import GrantType, Profile
from dss.clients.service import NewClient
from mobile_mock.phone import Shown
from tests.world.live import LiveWorld
from tests.world.visitor import Visitor
from tests.world.world import OPERATOR, PIN, Signer

HERE = Path(__file__).parent
PATIENCE_S = 60
BACK = "http://127.0.0.1:4711/back"
PASSWORD = "Corr3ct horse"
ALL = (*RELYING, *SIGNERS)
WEB = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.CLIENT_CREDENTIALS)
OWN = (GrantType.CLIENT_CREDENTIALS,)
PUBLIC = (GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
Answer = Callable[[], Awaitable[None]]


@dataclass
class Registered:
    """A registered application: its id, and what it proves itself by: a private key as a JWK, or a secret."""

    id: str
    jwk: dict[str, Any] | None = None
    secret: str | None = None


@dataclass
class Scene:
    """The world, and a signer who has a phone, a key, and a password."""

    world: LiveWorld
    signer: Signer
    visitor: Visitor
    names: Iterator[str] = field(default_factory=lambda: (f"Contracts {number} Ltd" for number in count(1)))

    async def application(self, **profile: Any) -> Registered:
        """Register an application that proves itself by a key, for all that a web application may do."""
        key = jwk.ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "alg": "ES256", "use": "sig"}, private=True)
        made = await self._register(profile, jwks={"keys": [dict(key.as_dict(private=False))]})
        return Registered(made.client.id, jwk=dict(key.as_dict(private=True)))

    async def application_with_secret(self, **profile: Any) -> Registered:
        """Register an application that proves itself by a secret, for the same."""
        made = await self._register(profile, with_secret=True)
        return Registered(made.client.id, secret=made.secret)

    async def application_with_certificate(self, certificate: bytes) -> Registered:
        """Register an application that proves itself by a TLS certificate (DER) and asks for tokens of its own only."""
        profile = {"certificates": (hashlib.sha256(certificate).hexdigest(),), "redirect_uris": (), "grants": OWN}
        made = await self._register(profile, scopes=RELYING)
        return Registered(made.client.id)

    async def public_application(self) -> Registered:
        """Register an application that cannot prove itself."""
        made = await self._register({"public": True, "grants": PUBLIC}, scopes=SIGNERS)
        return Registered(made.client.id)

    async def _register(self, profile: dict[str, Any], scopes: tuple[str, ...] = ALL, **by: Any) -> Any:
        asked = Profile(**{"redirect_uris": (BACK,), "grants": WEB, **profile})
        new = NewClient(next(self.names), scopes, profile=asked, **by)
        return await self.world.services.clients.register(new, OPERATOR)

    async def sign_in(self) -> None:
        """Sign in on the page that the visitor has come to, with the phone."""
        assert self.visitor.page.title == "Sign in", self.visitor.page.text
        await self.visitor.press("Continue", login=self.signer.user.login, password=PASSWORD)
        assert self.visitor.page.title == "Confirm on your phone", self.visitor.page.text
        await self.confirm()
        await self.world.settle()
        await self.visitor.go(self.visitor.page.url)

    async def confirm(self) -> None:
        """Confirm what awaits the phone's answer."""
        await self.signer.phone.confirm(await self._shown(), PIN)

    async def decline(self) -> None:
        """Decline what awaits the phone's answer."""
        await self.signer.phone.decline(await self._shown(), "not today")

    async def _shown(self) -> Shown:
        (notice,) = await self.signer.phone.waiting()
        return await self.signer.phone.show(notice.id)

    async def authorize(self, url: str, button: str = "Allow", answer: Answer | None = None) -> str:
        """Go through what an application's address leads to; return the address to which the signer is sent back.

        answer: what the signer does about a signature; confirms it, if it is not told.
        """
        await self.visitor.go(url)
        if not self.visitor.left_for:
            if self.visitor.page.title == "Sign in":
                await self.sign_in()
            await self.visitor.press(button)
        if not self.visitor.left_for:
            await (answer or self.confirm)()
            await self.world.settle()
            await self.visitor.go(self.visitor.page.url)
        back, self.visitor.left_for = self.visitor.left_for, ""
        return back or self.visitor.page.links["Go back now"]

    async def ask_phone(self, url: str) -> str:
        """Authorize a signature by the phone; return the address to which the signer is sent back."""
        return await self.authorize(url, "Ask my phone")


def judged(pdf: bytes, folder: Path) -> str:
    """Return what poppler says of a signed file."""
    (folder / "signed.pdf").write_bytes(pdf)
    done = subprocess.run(["pdfsig", folder / "signed.pdf"], capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


def signature_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return the authorization detail that asks for the signature of an uploaded document."""
    named = {"id": document["id"], "sha256": document["sha256"]}
    return {"type": "signature", "text": "Please sign", "documents": [named]}


@asynccontextmanager
async def scene_of(world: LiveWorld) -> AsyncIterator[Scene]:
    """Put a signer in front of a browser."""
    application = await world.application("Registry")
    signer = await world.signer(application)
    visitor = Visitor(world.http())
    before = set(await world.letters())
    await world.services.login.letters.send(signer.user.login, OPERATOR)
    (letter,) = [letter for letter in await world.letters() if letter not in before]
    body = message_from_bytes(letter.read_bytes(), policy=default).get_body()
    assert body is not None
    link = re.search(r"http://\S+/signin/password/\S+", body.get_content())
    assert link is not None
    await visitor.go(link[0])
    await visitor.press("Set the password", password=PASSWORD, repeated=PASSWORD)
    assert visitor.page.title == "Sign in", visitor.page.text
    yield Scene(world, signer, visitor)


def node() -> str:
    """Return the program that runs JavaScript outside browsers: the one that comes with the browser's driver."""
    from playwright._impl._driver import compute_driver_executable  # noqa: PLC0415

    return str(compute_driver_executable()[0])


class Program:
    """A program that somebody speaks to by lines, of JSON most often."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def tell(self, value: Any) -> None:
        """Say a value."""
        await self.tell_line(json.dumps(value))

    async def hear(self) -> Any:
        """Hear a value."""
        return json.loads(await self.hear_line())

    async def tell_line(self, line: str) -> None:
        """Say a line."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def hear_line(self) -> str:
        """Hear a line; what it says in its despair instead is the failure."""
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        if not line:
            raise AssertionError((await self._process.stderr.read()).decode())
        return line.decode().rstrip()

    async def ended(self) -> None:
        """Wait until it has done all that it does, rightly."""
        _, despair = await asyncio.wait_for(self._process.communicate(), PATIENCE_S)
        assert self._process.returncode == 0, despair.decode()


@asynccontextmanager
async def program(*command: str, folder: Path = HERE) -> AsyncIterator[Program]:
    """Start a program in a folder, and end it."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield Program(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
