"""The operator's commands over how a signer signs in: the letter for the password, sessions, certificates."""

from datetime import timedelta
from pathlib import Path

import pyotp
import pytest

from dss.kernel.clock import SystemClock
from dss.kernel.ids import ClientId, LoginId, UserId
from dss.login.model import Factor, Where
from dss.oauth.grant import NewGrant
from tests.capability.test_login_certificates import made
from tests.protocol.cli_world import Command, dss
from tests.protocol.test_cli_operators import ME, run, tell
from tests.world.signing_in import mailed_code
from tests.world.software_passkeys import SoftwarePasskey
from tests.world.world import SERVER, World

__all__ = ["dss"]

PASSWORD = "Corr3ct horse"
HOME = Where("192.0.2.1", "Firefox 150 on Linux", "h" * 43)


@pytest.fixture
async def alice(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A signer without a password; the id."""
    monkeypatch.setenv("DSS_PUBLIC_URL", SERVER)
    world.clock.move((SystemClock().now() - world.clock.now()).total_seconds())
    return (await world.user("alice")).id


async def with_password(world: World, dss: Command) -> None:
    """Let Alice set a password by the letter that the operator sends."""
    await tell(dss, "user", "letter-password", "alice")
    world.clock.move(5)
    code = mailed_code((await world.letters())[-1].read_bytes(), SERVER)
    await world.services.login.set_by_letter(code, PASSWORD, HOME)


async def test_an_operator_has_a_signer_written_to_who_then_sets_a_password(world: World, dss: Command, alice: str):
    await with_password(world, dss)

    signed = await world.services.login.by_password("alice", PASSWORD, HOME)
    assert signed.session.user_id == alice
    events = [one.event for one in await world.services.audit.of_subject(f"user:{alice}")]
    by = {event.kind: event.actor for event in events}
    assert by["password.letter"] == ME
    assert by["password.set"] == f"user:{alice}"


async def test_an_operator_sees_where_a_signer_is_signed_in_and_signs_them_out(world: World, dss: Command, alice: str):
    await with_password(world, dss)
    signed = await world.services.login.by_password("alice", PASSWORD, HOME)
    cookie = await world.services.login.complete(signed.session, Factor.PHONE, HOME)

    (listed,) = await tell(dss, "user", "sessions", "alice")
    (ended,) = await tell(dss, "user", "sign-out", "alice")

    assert (listed["by"], listed["address"], listed["browser"]) == ("password phone", HOME.address, HOME.agent)
    assert ended == {"login": "alice", "ended": 1}
    assert await world.services.login.session(cookie, HOME) is None
    assert await tell(dss, "user", "sessions", "alice") == []
    told = [one.event for one in await world.services.audit.of_subject(f"login_session:{signed.session.id}")]
    assert ("login.ended", ME) in [(event.kind, event.actor) for event in told]


async def test_an_operator_registers_lists_and_removes_a_certificate(
    world: World, dss: Command, alice: str, tmp_path: Path
):
    mine, file = made("Alice", days=3650), tmp_path / "alice.pem"
    file.write_bytes(mine.pem)

    (added,) = await tell(dss, "user", "certificate", "alice", str(file))
    assert (added["subject"], added["state"]) == ("CN=Alice", "registered")
    assert await tell(dss, "user", "certificate", "alice") == [added]
    assert (await world.services.login.by_certificate(mine.der, HOME)).session.user_id == alice

    again = await run(dss, "user", "certificate", "alice", str(file))
    assert (again.exit_code, "registered already" in again.stderr) == (1, True)
    (removed,) = await tell(dss, "user", "certificate", "alice", "--remove", added["sha256"])
    assert removed["state"] == "removed"
    assert await tell(dss, "user", "certificate", "alice") == []


async def test_an_operator_sees_and_removes_what_completes_a_signers_sign_ins(world: World, dss: Command, alice: str):
    await with_password(world, dss)
    signed = await world.services.login.by_password("alice", PASSWORD, HOME)
    cookie = await world.services.login.complete(signed.session, Factor.PHONE, HOME)
    session, factors = await world.services.login.session(cookie, HOME), world.services.held_factors
    assert session is not None
    assert await tell(dss, "user", "factors", "alice") == []
    made = SoftwarePasskey(SERVER).make(await factors.passkey_options(session))
    passkey = await world.services.passkeys.add(session, made, "Laptop")
    uri = await factors.begin_authenticator(session, await world.services.users.by_login("alice"))
    app = pyotp.parse_uri(uri)
    assert isinstance(app, pyotp.TOTP)
    assert await factors.confirm_authenticator(session, app.at(world.clock.now()))

    listed = await tell(dss, "user", "factors", "alice")
    assert [(one["id"], one["kind"], one["name"]) for one in listed] == [
        ("totp", "totp", ""),
        (passkey.id, "passkey", "Laptop"),
    ]
    assert await tell(dss, "user", "factors", "alice", "--remove", "totp") == listed[1:]
    assert await tell(dss, "user", "factors", "alice", "--remove", passkey.id) == []
    again = await run(dss, "user", "factors", "alice", "--remove", passkey.id)
    assert (again.exit_code, "There is no such thing" in again.stderr) == (1, True)
    told = [one.event for one in await world.services.audit.of_subject(f"passkey:{passkey.id}")]
    assert ("passkey.removed", ME) in [(event.kind, event.actor) for event in told]


async def test_an_operator_sees_what_a_signer_allows_applications_and_ends_one_of_it(
    world: World, dss: Command, alice: str
):
    shop, bank = await world.application("Shop"), await world.application("Bank")
    mallory = await world.user("mallory")
    grants, now = world.services.grants, world.clock.now()
    for whose, application in ((alice, shop), (alice, bank), (mallory.id, shop)):
        session, until = LoginId("0" * 26), now + timedelta(hours=1)
        client = ClientId(application.id)
        await grants.begin(NewGrant(client, UserId(whose), session, ("service",), "", "", now, expires_at=until))

    listed = await tell(dss, "user", "applications", "alice")
    assert [(one["application"], one["scopes"]) for one in listed] == [("Shop", "service"), ("Bank", "service")]
    (hers,) = await tell(dss, "user", "applications", "mallory")
    others = await run(dss, "user", "applications", "alice", "--end", hers["id"])
    assert (others.exit_code, "by this id" in others.stderr) == (1, True)

    assert await tell(dss, "user", "applications", "alice", "--end", listed[0]["id"]) == listed[1:]
    assert await tell(dss, "user", "applications", "mallory") == [hers]
    told = [one.event for one in await world.services.audit.of_subject(f"grant:{listed[0]['id']}")]
    assert ("grant.ended", ME) in [(event.kind, event.actor) for event in told]


async def test_a_file_that_is_no_certificate_is_refused(dss: Command, alice: str, tmp_path: Path):
    file = tmp_path / "alice.pem"
    file.write_bytes(b"not one")
    refused = await run(dss, "user", "certificate", "alice", str(file))
    both = await run(dss, "user", "certificate", "alice", str(file), "--remove", "0" * 64)
    assert (refused.exit_code, "not an X.509 certificate" in refused.stderr) == (1, True)
    assert (both.exit_code, "either" in both.stderr) == (1, True)


@pytest.mark.parametrize(
    "command", ["letter-password", "sessions", "sign-out", "certificate", "factors", "applications"]
)
async def test_a_signer_that_there_is_not_is_told_as_such(dss: Command, alice: str, command: str):
    done = await run(dss, "user", command, "nobody")
    assert (done.exit_code, "there is no such user" in done.stderr) == (1, True)
