"""Authenticator apps as a second factor. Source: RFC 6238, RFC 4226, docs/authorization.md section 7."""

import asyncio
import base64
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import pyotp
import pytest
import sqlalchemy as sa

from dss.kernel.errors import Conflict, HsmUnavailable, Tampered, TooMany
from dss.kernel.ids import UserId
from dss.login.model import Factor
from dss.login.tables import authenticators as table
from dss.login.totp import Authenticators
from dss.login.tries import Tries
from dss.users.model import User
from tests.world.signing_in import HOME, STRANGER, Desk, desk, signer

__all__ = ["desk", "signer"]
NAME = "Signature server: test"


@dataclass
class App:
    """An app on some device, and the server."""

    desk: Desk
    authenticators: Authenticators
    user: User
    uri: str

    def code(self, later_s: int = 0) -> str:
        """What it shows now, or by a clock that is off."""
        codes = pyotp.parse_uri(self.uri)
        assert isinstance(codes, pyotp.TOTP)
        return codes.at(int(self.desk.clock.now().timestamp()) + later_s)

    async def right(self, code: str, where: object = HOME) -> bool:
        return await self.authenticators.check(self.user.id, code, where)  # type: ignore[arg-type]

    def wrong(self) -> str:
        near = {self.code(by) for by in range(-90, 91, 30)}
        return next(f"{number:06}" for number in range(10) if f"{number:06}" not in near)


@pytest.fixture
async def begun(desk: Desk, signer: User) -> App:
    authenticators = Authenticators(desk._parts(), Tries(desk.database, desk.clock), NAME)
    return App(desk, authenticators, signer, await authenticators.begin(signer))


@pytest.fixture
async def app(begun: App) -> App:
    assert await begun.authenticators.confirm(begun.user.id, begun.code())
    begun.desk.clock.move(90)
    return begun


async def test_the_uri_names_server_and_signer_and_has_a_secret_of_twenty_bytes(begun: App) -> None:
    uri = urlsplit(begun.uri)
    told = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path).endswith(f":{begun.user.login}")
    assert told["issuer"] == NAME
    assert len(base64.b32decode(told["secret"])) == 20


async def test_an_app_counts_once_its_first_code_came(begun: App) -> None:
    assert not await begun.authenticators.is_there(begun.user.id)
    assert not await begun.right(begun.code())
    assert not await begun.authenticators.confirm(begun.user.id, begun.wrong())
    assert Factor.TOTP not in await begun.desk.login.second_factors(begun.user.id)

    assert await begun.authenticators.confirm(begun.user.id, begun.code())
    assert await begun.authenticators.is_there(begun.user.id)
    assert Factor.TOTP in await begun.desk.login.second_factors(begun.user.id)
    assert not await begun.right(begun.code()), "the first code was used"


async def test_who_begins_again_before_that_gets_another_secret(begun: App) -> None:
    old = begun.code()
    begun.uri = await begun.authenticators.begin(begun.user)
    assert not await begun.authenticators.confirm(begun.user.id, old)
    assert await begun.authenticators.confirm(begun.user.id, begun.code())


async def test_the_secret_is_told_again_until_the_first_code_came_and_not_after(begun: App) -> None:
    assert await begun.authenticators.begun(begun.user) == begun.uri
    assert not await begun.authenticators.confirm(begun.user.id, begun.wrong())
    assert await begun.authenticators.begun(begun.user) == begun.uri

    assert await begun.authenticators.confirm(begun.user.id, begun.code())
    assert await begun.authenticators.begun(begun.user) is None
    await begun.authenticators.remove(begun.user.id)
    assert await begun.authenticators.begun(begun.user) is None


async def test_an_app_that_counts_is_removed_before_another_one_takes_its_place(app: App) -> None:
    with pytest.raises(Conflict):
        await app.authenticators.begin(app.user)
    with pytest.raises(Conflict):
        await app.authenticators.confirm(app.user.id, app.code())
    await app.authenticators.remove(app.user.id)
    assert not await app.right(app.code())
    with pytest.raises(Conflict):
        await app.authenticators.confirm(app.user.id, app.code())
    app.uri = await app.authenticators.begin(app.user)
    assert await app.authenticators.confirm(app.user.id, app.code())
    told = ["begun", "added", "removed", "begun", "added"]
    assert await app.desk.told(f"authenticator:{app.user.id}") == [f"authenticator.{word}" for word in told]


@pytest.mark.parametrize(("off_s", "right"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
async def test_the_app_s_clock_may_be_off_by_one_step(app: App, off_s: int, right: bool) -> None:
    assert await app.right(app.code(off_s)) is right


async def test_a_code_is_good_once_and_older_ones_are_not_good_after_it(app: App) -> None:
    older, newer = app.code(), app.code(30)
    assert [await app.right(code) for code in (newer, newer, older)] == [True, False, False]
    app.desk.clock.move(60)
    assert await app.right(app.code())


async def test_of_one_code_sent_fifty_times_at_once_one_counts(app: App) -> None:
    code = app.code()
    results = await asyncio.gather(*(app.right(code) for _ in range(50)), return_exceptions=True)
    assert sum(one is True for one in results) == 1
    assert {type(one) for one in results} <= {bool, TooMany}


FULLWIDTH = "\uff11\uff12\uff13\uff14\uff15\uff16"


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", FULLWIDTH, " 12345", "123456\n"])
async def test_what_is_no_code_is_wrong(app: App, code: str) -> None:
    assert not await app.right(code)


async def test_t48_five_wrong_codes_close_the_way_and_leave_the_browser_at_home_alone(app: App) -> None:
    await app.desk.signed_in(HOME)
    assert not any([await app.right(app.wrong(), STRANGER) for _ in range(5)])
    with pytest.raises(TooMany) as refusal:
        await app.right(app.code(), STRANGER)
    assert refusal.value.retry_after == 30
    assert await app.right(app.code(), HOME)


async def test_t48_a_right_code_starts_the_count_anew(app: App) -> None:
    for _ in range(2):
        assert not any([await app.right(app.wrong()) for _ in range(4)])
        assert await app.right(app.code())
        app.desk.clock.move(60)


async def test_without_the_hsm_the_secret_is_not_to_be_had_and_no_code_is_right(app: App) -> None:
    secret = base64.b32decode(parse_qs(urlsplit(app.uri).query)["secret"][0])
    async with app.desk.database.read() as connection:
        (row,) = (await connection.execute(sa.select(table))).all()
    assert secret not in row.sealed_secret
    app.desk.keys.stopped = True
    with pytest.raises(HsmUnavailable):
        await app.right(app.code())


@pytest.mark.parametrize("column", ["last_step", "sealed_secret", "confirmed", "user_id"])
async def test_t19_an_app_that_was_altered_in_the_database_is_an_alarm(app: App, column: str) -> None:
    """T19: also the app of another, which an intruder gives to a signer."""
    other = UserId("0" * 26)
    edit = {"last_step": 0, "sealed_secret": b"another", "confirmed": False, "user_id": other}
    async with app.desk.database.write() as connection:
        await connection.execute(sa.update(table).values({column: edit[column]}))
    with pytest.raises(Tampered):
        await app.authenticators.check(other if column == "user_id" else app.user.id, app.code(), HOME)


async def test_who_never_had_an_app_has_nothing_to_remove(desk: Desk, signer: User) -> None:
    authenticators = Authenticators(desk._parts(), Tries(desk.database, desk.clock), NAME)
    await authenticators.remove(signer.id)
    assert not await authenticators.is_there(signer.id)
    assert not await authenticators.check(signer.id, "123456", HOME)
