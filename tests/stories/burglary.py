"""Alice's ways in and what she has allowed, each with its sealed row, and somebody who can write to the database."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
import sqlalchemy as sa

from dss.kernel.errors import DssError
from dss.kernel.ids import UserId
from dss.login.model import Session, Where
from dss.login.tables import authenticators, login_sessions, passkeys, passwords, signer_certificates
from dss.oauth.tables import grants
from tests.capability.test_login_certificates import made
from tests.protocol.attack_world import PASSWORD, Stage, staged
from tests.world import world as worlds
from tests.world.intruder import Intruder
from tests.world.signing_in import mailed_code
from tests.world.softhsm import SoftHsm
from tests.world.software_passkeys import SoftwarePasskey
from tests.world.world import OPERATOR, SERVER, new_world

HOME = Where("192.0.2.1", "Firefox", "h" * 43)
WAIT_S = 900  # after which a way in that wrong tries have closed is open again


@dataclass
class Burglary:
    """Alice has signed in and allowed the bank to read her keys."""

    stage: Stage
    intruder: Intruder
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def services(self) -> Any:
        """The server from inside."""
        return self.stage.world.services

    @property
    def user(self) -> UserId:
        """Who Alice is."""
        return self.stage.alice.user.id

    async def session(self) -> Session:
        """Return Alice's session, as the server finds it by her browser's cookie."""
        found = await self.services.login.session(self.cookie, None)
        assert isinstance(found, Session)
        return found

    @property
    def cookie(self) -> str:
        """The session's cookie."""
        return str(self.stage.browser.http.cookies["dss-session"])

    async def found(self) -> set[str]:
        """Return the kinds of the rows that `dss audit check` names."""
        return {finding.kind for finding in await self.services.mending.check()}

    async def alarms(self, name: str) -> int:
        """Count the alarms about a row."""
        return (await self.stage.world.tells(name)).count("alarm.seal_broken")

    async def person(self, login: str, password: str) -> UserId:
        """Register a further signer with a password."""
        user = await self.stage.world.user(login)
        before = set(await self.stage.world.letters())
        await self.services.login.send_letter(login, OPERATOR)
        (letter,) = set(await self.stage.world.letters()) - before
        await self.services.login.set_by_letter(mailed_code(letter.read_bytes(), SERVER), password, HOME)
        return user.id


Do = Callable[[Burglary], Awaitable[Any]]


@dataclass(frozen=True)
class Way:
    """A kind of sealed rows.

    begin:    has the server write a row, and returns its key. use: tries the way, as whoever has what belongs to it;
              returns whether that brought anything. changed: lets the server change the row in the course of things.
    found_by: the columns by which the row is looked for: with another value there it is absent, which nobody can alarm.
    wait_s:   between two tries.
    """

    table: sa.Table
    begin: Do
    use: Do
    changed: Do
    found_by: tuple[str, ...]
    wait_s: float = 0


async def tried(call: Awaitable[Any]) -> bool:
    """Tell whether a call brought anything."""
    try:
        return bool(await call)
    except DssError as refused:
        if refused.status >= 500:
            raise
        return False


# --- grants ---


async def allow(at: Burglary) -> str:
    tokens = (await at.stage.redeem((await at.stage.allowed())["code"])).json()
    at.kept |= tokens
    (row,) = await at.intruder.rows(grants)
    return str(row["id"])


async def refresh(at: Burglary) -> bool:
    return await refreshed(at, at.kept["refresh_token"])


async def refreshed(at: Burglary, token: str) -> bool:
    answer = await at.stage.ask(at.stage.bank, grant_type="refresh_token", refresh_token=token)
    assert (answer.status_code == 200) or answer.json()["error"] == "invalid_grant", answer.text
    return bool(answer.status_code == 200)


async def end_grant(at: Burglary) -> None:
    (row,) = await at.intruder.rows(grants)
    await at.services.grants.end(row["id"], "taken back by the signer", f"user:{at.user}")


# --- sessions ---


async def signed_in(at: Burglary) -> str:
    return str((await at.session()).id)


async def open_account(at: Burglary) -> bool:
    cookies = dict(at.stage.browser.http.cookies)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(at.stage.world.app), base_url=SERVER, cookies=cookies
    ) as http:
        answer = await http.get("/account")
    assert answer.status_code in {200, 303}, answer.text
    return answer.status_code == 200


async def sign_out(at: Burglary) -> None:
    await at.services.login.end(await at.session())


# --- passwords ---


async def own_password(at: Burglary) -> str:
    return str(at.user)


async def by_password(at: Burglary) -> bool:
    return await tried(at.services.login.by_password(at.stage.alice.user.login, PASSWORD, HOME))


async def change_password(at: Burglary) -> None:
    await at.services.login.change(await at.session(), PASSWORD, "N3w battery staple", HOME)


# --- authenticator apps ---


async def add_app(at: Burglary) -> str:
    app = pyotp.parse_uri(await at.services.authenticators.begin(at.stage.alice.user))
    assert isinstance(app, pyotp.TOTP)
    at.kept["app"] = app
    assert await at.services.authenticators.confirm(at.user, app.at(at.stage.world.clock.now()))
    at.stage.world.clock.move(WAIT_S)
    return str(at.user)


async def by_code(at: Burglary) -> bool:
    code = at.kept["app"].at(at.stage.world.clock.now())
    return await tried(at.services.authenticators.check(at.user, code, HOME))


async def remove_app(at: Burglary) -> None:
    await at.services.authenticators.remove(at.user)


# --- passkeys ---


async def add_passkey(at: Burglary) -> str:
    at.kept |= {"session": await at.session(), "key": SoftwarePasskey(SERVER)}
    options = await at.services.passkeys.options(at.kept["session"])
    return str((await at.services.passkeys.add(at.kept["session"], at.kept["key"].make(options), "Laptop")).id)


async def by_passkey(at: Burglary) -> bool:
    async def answered() -> bool:
        options = await at.services.passkeys.challenge(at.kept["session"])
        return bool(await at.services.passkeys.check(at.kept["session"], at.kept["key"].sign(options)))

    return await tried(answered())


async def remove_passkey(at: Burglary) -> None:
    (row,) = await at.intruder.rows(passkeys)
    await at.services.passkeys.remove(at.user, row["id"])


# --- certificates ---


async def add_certificate(at: Burglary) -> str:
    at.kept["certificate"] = made("Alice")
    return str((await at.services.login.certificates.add(at.user, at.kept["certificate"].der, OPERATOR)).id)


async def by_certificate(at: Burglary) -> bool:
    return await tried(at.services.login.by_certificate(at.kept["certificate"].der, HOME))


async def remove_certificate(at: Burglary) -> None:
    (row,) = await at.intruder.rows(signer_certificates)
    await at.services.login.certificates.remove(at.user, row["sha256"], OPERATOR)


WAYS = {
    "grant": Way(grants, allow, refresh, end_grant, ("id",)),
    "login_session": Way(login_sessions, signed_in, open_account, sign_out, ("id",)),
    "password": Way(passwords, own_password, by_password, change_password, ("user_id",), WAIT_S),
    "authenticator": Way(authenticators, add_app, by_code, remove_app, ("user_id",), WAIT_S),
    "passkey": Way(passkeys, add_passkey, by_passkey, remove_passkey, ("user_id", "removed_at")),
    "signer_certificate": Way(
        signer_certificates, add_certificate, by_certificate, remove_certificate, ("sha256",), WAIT_S
    ),
}


@pytest.fixture
async def at(softhsm: SoftHsm, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Burglary]:
    """A burglary; no auditor comes at its end, as rows no longer say what the log tells."""
    async with burglary(softhsm, sqlite_url, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def burglary(softhsm: SoftHsm, url: str, folder: Path) -> AsyncIterator[Burglary]:
    """Put an intruder into a world in which Alice has signed in."""

    async def nobody(_: object) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worlds, "audit_all", nobody)
        async with new_world(softhsm, url, folder) as world, staged(world) as stage:
            yield Burglary(stage, Intruder(world.services.database))
