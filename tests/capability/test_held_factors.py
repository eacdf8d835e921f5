"""What a signer keeps to complete sign-ins: who changes it, when, and who is told. Source: docs/authorization.md."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pyotp
import pytest

from dss.kernel.errors import NotFound
from dss.login.held_factors import HeldFactors
from dss.login.model import FRESH, Factor, NotFresh, Session, Standing
from dss.login.passkeys import Passkeys
from dss.login.totp import Authenticators
from dss.login.tries import Tries
from dss.users.model import User
from tests.world.signing_in import ANOTHER, HOME, OPERATOR, PASSWORD, SERVER, Desk, desk, signer
from tests.world.software_passkeys import SoftwarePasskey

__all__ = ["desk", "signer"]


@dataclass
class Kept:
    """A signer who signed in, and what they keep."""

    desk: Desk
    user: User
    session: Session
    authenticators: Authenticators
    passkeys: Passkeys
    factors: HeldFactors

    async def add_app(self) -> None:
        uri = await self.factors.begin_authenticator(self.session, self.user)
        code = pyotp.parse_uri(uri).at(int(self.desk.clock.now().timestamp()))  # type: ignore[attr-defined]
        assert await self.factors.confirm_authenticator(self.session, code)

    async def add_passkey(self, name: str = "Laptop") -> str:
        options = await self.factors.passkey_options(self.session)
        return str((await self.passkeys.add(self.session, SoftwarePasskey(SERVER).make(options), name)).id)

    async def held(self) -> list[str]:
        return [one.name or one.id for one in await self.factors.of(self.user.id)]

    async def told(self) -> list[str]:
        return [letter.subject for letter in await self.desk.letters()]


@pytest.fixture
async def kept(desk: Desk, signer: User) -> Kept:
    parts = desk._parts()
    authenticators, passkeys = Authenticators(parts, Tries(desk.database, desk.clock), "S"), Passkeys(parts, "S")
    session = await desk.session()
    await desk.letters()
    return Kept(desk, signer, session, authenticators, passkeys, HeldFactors(authenticators, passkeys, desk.clock))


async def test_the_signer_is_written_to_when_a_factor_comes_and_when_it_goes(kept: Kept):
    await kept.add_app()
    id = await kept.add_passkey("My {key}")
    assert await kept.held() == ["totp", "My {key}"]
    app, passkey = await kept.desk.letters()
    assert {app.recipient, passkey.recipient} == {"olena@example.org"}
    assert ("authenticator app" in app.body, "\n\n    My {key}\n\n" in passkey.body) == (True, True)

    await kept.factors.remove(kept.session, "totp")
    await kept.factors.remove(kept.session, id)
    assert await kept.held() == []
    assert await kept.told() == ["A way to complete a sign-in as you was removed"] * 2


async def test_an_app_that_never_counted_comes_and_goes_without_a_letter(kept: Kept):
    await kept.factors.begin_authenticator(kept.session, kept.user)
    await kept.authenticators.remove(kept.user.id)
    with pytest.raises(NotFound):
        await kept.factors.remove(kept.session, "totp")
    assert await kept.told() == []


@pytest.mark.parametrize("what", ["begin", "confirm", "passkey", "remove", "password"])
async def test_a_session_that_is_not_of_the_last_minutes_changes_nothing(kept: Kept, what: str):
    """A session in other hands must not become a way of signing in."""
    await kept.factors.begin_authenticator(kept.session, kept.user)
    verbs = {
        "begin": lambda session: kept.factors.begin_authenticator(session, kept.user),
        "confirm": lambda session: kept.factors.confirm_authenticator(session, "123456"),
        "passkey": kept.factors.passkey_options,
        "remove": lambda session: kept.factors.remove(session, "totp"),
        "password": lambda session: kept.desk.login.change(session, PASSWORD, ANOTHER, HOME),
    }
    with pytest.raises(NotFresh):
        await verbs[what](replace(kept.session, standing=Standing.HALF))
    kept.desk.clock.move(FRESH.total_seconds())
    with pytest.raises(NotFresh, match="sign in again"):
        await verbs[what](kept.session)


async def test_signed_in_again_the_same_is_done(kept: Kept):
    kept.desk.clock.move(FRESH.total_seconds())
    kept.session = await kept.desk.session()
    await kept.add_app()
    kept.desk.clock.move(FRESH.total_seconds() - 1)
    await kept.add_passkey()
    assert await kept.held() == ["totp", "Laptop"]


async def test_an_operator_removes_what_a_signer_has_lost(kept: Kept):
    await kept.add_app()
    id = await kept.add_passkey()
    await kept.desk.letters()
    await kept.factors.take_away(kept.user.id, id, OPERATOR)
    await kept.factors.take_away(kept.user.id, Factor.TOTP, OPERATOR)

    assert await kept.held() == []
    assert len(await kept.told()) == 2
    (*_, removed) = await kept.desk.audit.of_subject(f"passkey:{id}")
    assert (removed.event.kind, removed.event.actor) == ("passkey.removed", OPERATOR)
    for gone in (id, "totp", "nothing"):
        with pytest.raises(NotFound):
            await kept.factors.take_away(kept.user.id, gone, OPERATOR)


async def test_a_distrusted_sign_in_takes_what_was_added_in_the_last_day(kept: Kept):
    """T16: who knew the password and one code may have added a factor of their own."""
    await kept.add_passkey("Old")
    kept.desk.clock.move(timedelta(hours=24, seconds=1).total_seconds())
    kept.session = await kept.desk.session()
    await kept.add_passkey("New")
    await kept.add_app()
    await kept.desk.letters()

    await kept.factors.distrust(kept.user.id, "device:one")

    assert await kept.held() == ["Old"]
    assert len(await kept.told()) == 2


async def test_an_app_that_was_begun_long_ago_and_counts_since_today_goes_too(kept: Kept):
    uri = await kept.factors.begin_authenticator(kept.session, kept.user)
    kept.desk.clock.move(timedelta(days=2).total_seconds())
    kept.session = await kept.desk.session()
    code = pyotp.parse_uri(uri).at(int(kept.desk.clock.now().timestamp()))  # type: ignore[attr-defined]
    assert await kept.factors.confirm_authenticator(kept.session, code)

    await kept.factors.distrust(kept.user.id, "device:one")

    assert await kept.held() == []
    assert not await kept.authenticators.is_there(kept.user.id)


async def test_an_app_that_waits_for_its_first_code_goes_however_old_it_is(kept: Kept):
    await kept.factors.begin_authenticator(kept.session, kept.user)
    kept.desk.clock.move(timedelta(days=2).total_seconds())
    await kept.factors.distrust(kept.user.id, "device:one")
    assert await kept.authenticators.get(kept.user.id) is None
