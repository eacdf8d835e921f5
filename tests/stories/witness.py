"""What the stories of threats share: a witness at the HSM, rows changed behind the server's back, a second process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.event import Outcome
from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.kernel.digest import Digest
from dss.kernel.keyspec import Scheme
from dss.transactions.machine import ENDED
from dss.transactions.tables import entries, transactions
from dss.web import app as web
from dss.wiring import opened
from mobile_mock import answering, pins
from mobile_mock.answer import Answer, Refusal
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.world.world import WithState, World


@dataclass
class Witness:
    """Stands at the HSM and sees every digest that a person's key is to sign."""

    digests: list[bytes] = field(default_factory=list)


@pytest.fixture
def witness(monkeypatch: pytest.MonkeyPatch) -> Witness:
    """A witness from the beginning of the test on; certification requests of new keys are seen as well."""
    seen, sign = Witness(), UserKeys.sign_all

    async def sign_seen(keys: UserKeys, key: WrappedKey, wanted: Sequence[tuple[Scheme, Digest]]) -> list[bytes]:
        seen.digests += [digest.value for _, digest in wanted]
        return await sign(keys, key, wanted)

    monkeypatch.setattr(UserKeys, "sign_all", sign_seen)
    return seen


@pytest.fixture
def quick_pins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Phones prove a PIN that they proved before without the work of doing so."""
    monkeypatch.setattr(pins, "proof", cache(pins.proof))


async def tamper(world: World, id: str, /, **values: Any) -> None:
    """Change a transaction's row, as whoever holds the database could."""
    changed = sa.update(transactions).where(transactions.c.id == id).values(values)
    async with world.services.database.write() as connection:
        assert (await connection.execute(changed)).rowcount == 1


async def tamper_entry(world: World, id: str, /, **values: Any) -> None:
    """Change the row of a transaction's first thing to sign."""
    mine = (entries.c.transaction_id == id) & (entries.c.index == 0)
    async with world.services.database.write() as connection:
        assert (await connection.execute(sa.update(entries).where(mine).values(values))).rowcount == 1


async def row(world: World, id: str) -> Any:
    """A transaction's row."""
    async with world.services.database.read() as connection:
        return (await connection.execute(sa.select(transactions).where(transactions.c.id == id))).one()


async def entry(world: World, id: str) -> Any:
    """The row of a transaction's first thing to sign."""
    query = sa.select(entries).where(entries.c.transaction_id == id, entries.c.index == 0)
    async with world.services.database.read() as connection:
        return (await connection.execute(query)).one()


async def signatures_of(world: World, id: str) -> int:
    """How many signatures of a transaction were released."""
    released = (entries.c.transaction_id == id) & entries.c.signature.is_not(None)
    async with world.services.database.read() as connection:
        return (await connection.execute(sa.select(sa.func.count()).where(released))).scalar_one()


async def assert_failed(world: World, id: str) -> None:
    """Assert that a transaction failed, released nothing, and that the log tells of a failure last."""
    held = await row(world, id)
    assert (held.state, held.box) == ("failed", None)
    assert await signatures_of(world, id) == 0
    last = (await world.services.audit.of_subject(f"transaction:{id}"))[-1].event
    assert (last.kind, last.outcome) == ("transaction.failed", Outcome.FAILED)


async def assert_ended(world: World, id: str) -> str:
    """Assert that a transaction has come to an end, with a signature only if it is signed; return its state."""
    held = await row(world, id)
    assert held.state in ENDED
    assert await signatures_of(world, id) == (held.state == "signed")
    return str(held.state)


@asynccontextmanager
async def restarted(world: World) -> AsyncIterator[World]:
    """The same server in a process that remembers nothing: another pool, another login, another bus.

    It takes a second: events of two processes in one millisecond have no order.
    """
    world.clock.move(1)
    async with opened(world.services.settings, world.clock) as services:
        app = WithState(web.create(services.settings, strict=True), services)
        yield replace(world, services=services, app=app)


def phone_at(world: World, phone: Phone) -> Phone:
    """A phone that now talks to this process of the server."""
    return Phone(phone._store.folder, world.http(), now=world.clock.now, sleep=world.sleep)


def prepare_decline(world: World, phone: Phone, shown: Shown) -> Answer:
    """Make and keep a refusal without sending it."""
    kept, answer = answering.decline(phone.kept(), shown.request, Refusal("no"), world.clock.now())
    phone._store.save(kept)
    return answer
