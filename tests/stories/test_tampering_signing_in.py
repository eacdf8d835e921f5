"""Who can write to the database signs in as nobody, and has no grant that no signer gave. T18, T19.

The columns are read from the tables: one that is added later is edited here without anyone thinking of it.
"""

from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from dss.kernel.errors import Tampered
from dss.kernel.ids import Ids
from dss.login.tables import login_sessions, passwords
from dss.oauth.grants import CODE
from dss.oauth.tables import grants, revoked_tokens
from tests.protocol.attack_world import PASSWORD
from tests.stories.burglary import HOME, WAYS, Burglary, Way, at, burglary, refreshed, tried
from tests.world.intruder import mutations
from tests.world.softhsm import SoftHsm
from tests.world.world import OPERATOR

__all__ = ["at"]

BOBS = "B0b's own password"
EACH = pytest.mark.parametrize("name", WAYS)


# --- what may be done to a row ---


@EACH
async def test_t18_t19_with_any_column_edited_a_way_in_is_closed_and_an_alarm_tells(at: Burglary, name: str) -> None:
    id = await WAYS[name].begin(at)
    assert await edited_everywhere(at, name, id) == []
    at.stage.world.clock.move(WAYS[name].wait_s)
    assert await WAYS[name].use(at), "with the row as it was, the way is open"
    assert await at.found() == set()


async def test_t18_t19_the_same_on_postgresql(softhsm: SoftHsm, postgres_url: str, tmp_path: Path) -> None:
    async with burglary(softhsm, postgres_url, tmp_path) as at:
        for name in ("grant", "login_session"):
            id = await WAYS[name].begin(at)
            assert await edited_everywhere(at, name, id) == []
            assert await WAYS[name].use(at)


async def edited_everywhere(at: Burglary, name: str, id: str) -> list[str]:
    """Edit each column of a row, and put it back; return what should not have come of it."""
    table, faults = WAYS[name].table, []
    row = await at.intruder.row(table, id)
    for column in table.c:
        for value in mutations(column, row[column.name]):
            await at.intruder.edit(table, id, **{column.name: value})
            faults += [f"{column.name} = {value}: {fault}" for fault in await _faults(at, name, column, row)]
            named = value if column is next(iter(table.primary_key.columns)) else id
            await at.intruder.edit(table, named, **row)
    return faults


async def _faults(at: Burglary, name: str, column: sa.Column[Any], row: dict[str, Any]) -> list[str]:
    way = WAYS[name]
    at.stage.world.clock.move(way.wait_s)
    before = len(await at.services.audit.newest(1000, "alarm.seal_broken"))
    faults = ["the way is open"] if await way.use(at) else []
    told = len(await at.services.audit.newest(1000, "alarm.seal_broken")) - before
    if column.name not in way.found_by and not told:
        faults.append("no alarm")
    return faults if await at.found() == {name} else [*faults, "the audit does not find it"]


@EACH
async def test_t18_a_row_that_is_put_back_as_it_was_opens_nothing(at: Burglary, name: str) -> None:
    """What was ended, removed or changed since stays so."""
    way = WAYS[name]
    id = await way.begin(at)
    older = await at.intruder.row(way.table, id)
    await way.changed(at)
    at.stage.world.clock.move(way.wait_s)
    assert not await way.use(at)
    await at.intruder.edit(way.table, id, **older)
    at.stage.world.clock.move(way.wait_s)

    assert not await way.use(at)
    assert await at.alarms(f"{name}:{id}") > 0
    assert await at.found() == {name}


@EACH
async def test_t52_a_row_that_is_deleted_opens_nothing_and_an_audit_misses_it(at: Burglary, name: str) -> None:
    way = WAYS[name]
    id = await way.begin(at)
    await at.intruder.delete(way.table, id)
    at.stage.world.clock.move(way.wait_s)

    assert not await way.use(at)
    await at.services.sealer.round()
    found = {finding.kind: finding.where for finding in (await at.services.auditing.verify()).findings}
    assert found == {"row_missing": f"{name}:{id}"}


# --- what is another's ---


@pytest.mark.parametrize("columns", [("hash",), ("hash", "set_at", "version", "seal")], ids=["hash", "all"])
async def test_t19_a_password_that_was_swapped_with_anothers_opens_nothing(
    at: Burglary, columns: tuple[str, ...]
) -> None:
    """Bob knows his own; he is not Alice by it, nor anybody else by hers."""
    bob, alice = await at.person("bob", BOBS), at.stage.alice.user
    await at.intruder.swap(passwords, alice.id, bob, *columns)

    for login in (alice.login, "bob"):
        for password in (PASSWORD, BOBS):
            assert not await tried(at.services.login.by_password(login, password, HOME))
    assert (await at.alarms(f"password:{bob}"), await at.alarms(f"password:{alice.id}")) == (2, 2)
    assert await at.found() == {"password"}


async def test_t19_a_session_that_was_written_over_to_another_signer_is_nobodys(at: Burglary) -> None:
    """Bob signs in as himself, by his password alone, and writes the rest."""
    hers = await at.intruder.row(login_sessions, await WAYS["login_session"].begin(at))
    await at.person("bob", BOBS)
    signed = await at.services.login.by_password("bob", BOBS, HOME)
    whole = {name: hers[name] for name in ("user_id", "standing", "second", "ends_at")}

    for columns in ({"user_id": at.user}, whole, {**whole, "seal": hers["seal"], "version": hers["version"]}):
        await at.intruder.edit(login_sessions, signed.session.id, **columns)
        assert await at.services.login.session(signed.cookie, None) is None
    assert await at.alarms(f"login_session:{signed.session.id}") == 3
    assert await at.services.login.session(at.cookie, None) is not None, "hers goes on"


# --- grants that nobody gave ---


@pytest.mark.parametrize("seal", ["none", "another grant's"])
async def test_t18_a_grant_that_was_put_in_by_sql_gives_nothing(at: Burglary, seal: str) -> None:
    """Even to who has the text of its code, which only the HSM makes."""
    own = await at.intruder.row(grants, await WAYS["grant"].begin(at))
    id = Ids(at.stage.world.clock).new()
    forged = {"id": id, "client_id": at.stage.evil.client.id, "redirect_uri": "https://evil.example/back"}
    fresh = {"stage": "issued", "generation": 0, "expires_at": own["expires_at"]}
    bare = {"seal": None, "version": None} if seal == "none" else {}
    await at.intruder.add(grants, own | forged | fresh | bare)
    code = await at.services.grants._parts.stamps.write(CODE, id)

    refused = await at.stage.redeem(code, at.stage.evil)

    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert await at.alarms(f"grant:{id}") == 1
    assert await at.found() == {"grant"}


@pytest.mark.parametrize(
    "edit",
    [{"stage": "issued"}, {"client_id": "evil"}, {"scopes": ["service", "credential"]}, {"generation": 0}],
    ids=str,
)
async def test_t18_a_grant_that_was_widened_or_set_back_gives_nothing(at: Burglary, edit: dict[str, Any]) -> None:
    id = await WAYS["grant"].begin(at)
    evil = at.stage.evil.client.id
    await at.intruder.edit(grants, id, **({"client_id": evil} if "client_id" in edit else edit))
    code = await at.services.grants._parts.stamps.write(CODE, id)

    for who in (at.stage.bank, at.stage.evil):
        answers = [await at.stage.redeem(code, who)]
        form = {"grant_type": "refresh_token", "refresh_token": at.kept["refresh_token"]}
        answers.append(await at.stage.ask(who, **form))
        assert {answer.json()["error"] for answer in answers} == {"invalid_grant"}
    assert await at.alarms(f"grant:{id}") == 4
    with pytest.raises(Tampered):
        await at.services.grants.living(at.user)


# --- the end of what cannot be proven ---


@EACH
async def test_what_cannot_be_proven_is_ended_by_an_operator_and_opens_nothing_any_more(
    at: Burglary, name: str
) -> None:
    way: Way = WAYS[name]
    id = await way.begin(at)
    await at.intruder.edit(way.table, id, seal=bytes(32))
    assert await at.services.mending.end(name, id, OPERATOR) is None
    at.stage.world.clock.move(way.wait_s)

    assert await at.found() == set()
    assert not await way.use(at)
    assert "row.ended" in await at.stage.world.tells(f"{name}:{id}")
    await at.services.sealer.round()
    assert (await at.services.auditing.verify()).findings == ()


async def test_the_tokens_of_a_grant_that_is_ended_so_are_revoked(
    at: Burglary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dss.oauth.revoked.REREAD_S", 0.0)
    id = await WAYS["grant"].begin(at)
    bearer = f"Bearer {at.kept['access_token']}"
    await at.intruder.edit(grants, id, why="none")
    assert (await at.stage.keys(bearer)).status_code == 200, "the token says what it is good for"

    await at.services.mending.end("grant", id, OPERATOR)

    assert (await at.stage.keys(bearer)).status_code == 401
    assert (await at.intruder.row(revoked_tokens, id))["expires_at"] > at.stage.world.clock.now()
    assert not await refreshed(at, at.kept["refresh_token"])
