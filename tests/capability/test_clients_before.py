"""Applications that a version without profiles registered prove as they are, and change as others do."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Event
from dss.audit.seals import Register, Seals
from dss.audit.service import Audit
from dss.clients import secret as secrets
from dss.clients.change import Change
from dss.clients.profile import Profile
from dss.clients.service import Clients
from dss.clients.tables import clients as table
from dss.infra.db import Database
from dss.infra.schema import UtcTime
from dss.kernel.ids import ClientId, Ids
from tests.capability.test_clients import KEY, OPERATOR, clients
from tests.capability.test_clients_changing import logo, told
from tests.world.clock import START
from tests.world.intruder import Intruder

__all__ = ["clients"]

# The table as it was when its rows were sealed first.
BEFORE = sa.Table(
    "clients",
    sa.MetaData(),
    sa.Column("id", sa.String(26), primary_key=True),
    sa.Column("name", sa.String(64)),
    sa.Column("contact", sa.String(254)),
    sa.Column("scopes", sa.JSON),
    sa.Column("jwks", sa.JSON(none_as_null=True)),
    sa.Column("secret_hash", sa.String(128)),
    sa.Column("created_at", UtcTime),
    sa.Column("version", sa.BigInteger),
    sa.Column("seal", sa.LargeBinary(32)),
)


@pytest.fixture
async def before(clients: Clients, database: Database, ids: Ids) -> tuple[ClientId, str]:
    """An application that a version without profiles registered and sealed, and its secret."""
    secret, hashed = secrets.new()
    register: Register[str] = Register("client", BEFORE, lambda row: str(row["name"]), lambda _: {})
    row: dict[str, Any] = {
        "id": ids.new(),
        "name": "Old Bank",
        "contact": "",
        "scopes": ["signatures"],
        "created_at": START,
    }
    seals = clients._seals
    draft = await seals.draft_new(register, row | {"secret_hash": hashed})
    async with database.write() as connection:
        await seals.write(connection, draft, Event("client.registered", OPERATOR, draft.sealed.name))
    return ClientId(row["id"]), secret


async def test_a_row_that_was_sealed_before_there_were_profiles_proves_and_has_the_usual_one(
    clients: Clients, database: Database, before: tuple[ClientId, str]
) -> None:
    id, secret = before
    row = await Intruder(database).row(table, id)
    assert (row["next_secret_hash"], row["profile"], row["logo"]) == (None, None, None)

    client = await clients.check_secret(id, secret)

    assert (client.profile, client.logo, client.next_secret_hash) == (Profile(), None, None)
    assert await clients.list(None, 10) == (client,)


CHANGES: dict[str, Callable[[Clients, ClientId], Awaitable[object]]] = {
    "secret": lambda clients, to: clients.rotate_secret(to, OPERATOR),
    "keys": lambda clients, to: clients.set_keys(to, {"keys": [KEY]}, OPERATOR),
    "contact": lambda clients, to: clients.change(to, Change(contact="it@bank.example"), OPERATOR),
    "logo": lambda clients, to: clients.change(to, Change(logo=logo()), OPERATOR),
    "profile": lambda clients, to: clients.change(to, Change(dpop=True), OPERATOR),
}


@pytest.mark.parametrize("what", CHANGES)
async def test_a_row_of_before_may_change_and_proves_again(
    clients: Clients, audit: Audit, before: tuple[ClientId, str], what: str
) -> None:
    id, secret = before
    await CHANGES[what](clients, id)
    forgetful = Seals(clients._seals._keys, audit)  # one that proved nothing before
    later = Clients(clients._database, forgetful, clients._clock, clients._ids)
    assert (await later.check_secret(id, secret)).name == "Old Bank"
    assert len(await told(audit, id)) == 2
