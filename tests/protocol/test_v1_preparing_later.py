"""Preparations that take long, or whose node or HSM fails: each test has a world and a clock of its own."""

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from dss.documents.service import Documents
from dss.documents.tables import documents
from dss.kernel.errors import HsmUnavailable
from dss.kernel.ids import CredentialId
from dss.kernel.policy import Mode, Policy
from dss.transactions.model import Limits
from dss.transactions.opening import Opening
from dss.transactions.preparing import Preparing
from dss.transactions.tables import transactions
from tests.protocol.preparing import COUNT, cancel, read, start, wish
from tests.protocol.scene import ABSENT, Refusal, Scene, fresh
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR

__all__ = ["fresh"]

LEASE_S = 0.15


async def test_the_time_to_answer_begins_when_the_signer_is_asked(fresh: Scene) -> None:
    id = (await fresh.shop.post("/v1/signatures", await wish(fresh) | {"expires_in": 60}))["id"]
    fresh.world.clock.move(300)
    await fresh.world.settle()
    told = await read(fresh, id)
    assert (told["state"], told["opened_at"], told["expires_at"]) == (
        "awaiting",
        "2026-03-02T09:05:00Z",
        "2026-03-02T09:06:00Z",
    )


async def test_a_failure_is_told_until_the_time_for_collection_is_over(fresh: Scene) -> None:
    id = await start(fresh, _0=ABSENT)
    await fresh.world.settle()
    fresh.world.clock.move(24 * 3600)
    await fresh.world.services.preparing.forget()
    await fresh.shop.log_in()
    assert (await read(fresh, id))["state"] == "failed"
    fresh.world.clock.move(1)
    await fresh.world.services.preparing.forget()
    await fresh.refuses(fresh.shop.http.get(f"/v1/signatures/{id}"), Refusal(404, "not_found"))


async def test_a_node_that_dies_is_followed_by_another_that_goes_on_where_it_stopped(fresh: Scene) -> None:
    id = await start(fresh)
    preparing = fresh.world.services.preparing
    await preparing.next()
    ready = (await read(fresh, id))["prepared"]

    with pytest.MonkeyPatch.context() as crash:
        crash.setattr(preparing, "_keep", _die)
        with pytest.raises(KeyboardInterrupt):
            await preparing.next()
    assert not await preparing.next(), "it is in the dead node's hands"
    assert (await read(fresh, id))["prepared"] == ready
    fresh.world.clock.move(60)
    await fresh.world.settle()
    assert (await read(fresh, id))["state"] == "awaiting"


async def test_a_turn_that_ends_after_another_node_took_over_adds_nothing(fresh: Scene) -> None:
    id = await start(fresh)
    preparing = fresh.world.services.preparing
    keep = preparing._keep

    async def keep_late(*arguments: Any) -> None:
        late.undo()
        fresh.world.clock.move(61)
        await preparing.next()
        await keep(*arguments)

    with pytest.MonkeyPatch.context() as late:
        late.setattr(preparing, "_keep", keep_late)
        await preparing.next()
    ready = (await read(fresh, id))["prepared"]
    await fresh.world.settle()
    told = await read(fresh, id)
    assert (ready < COUNT, told["state"], told["count"]) == (True, "awaiting", COUNT)


async def test_a_turn_that_takes_longer_than_a_lease_is_not_taken_over(
    fresh: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    id = await start(fresh)
    node, other = [with_short_leases(fresh.world.services.preparing) for _ in range(2)]
    prepare, taken_over = Documents.prepare, []

    async def prepare_slowly(*arguments: Any) -> Any:
        monkeypatch.undo()
        for _ in range(3):
            fresh.world.clock.move(LEASE_S * 2 / 3)
            await asyncio.sleep(LEASE_S)
            taken_over.append(await other.next())
        return await prepare(*arguments)

    monkeypatch.setattr(Documents, "prepare", prepare_slowly)
    assert await node.next()
    assert (taken_over, (await read(fresh, id))["prepared"] > 0) == ([False] * 3, True)


def with_short_leases(preparing: Preparing) -> Preparing:
    """A node that prepares, and must ask for more time often."""
    parts = replace(preparing._parts, limits=Limits(lease=timedelta(seconds=LEASE_S)))
    return Preparing(parts, preparing._drafting, preparing._opening)


async def test_while_the_hsm_is_away_the_signer_is_asked_later(fresh: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    id = await start(fresh)

    async def away(*_: object) -> str:
        raise HsmUnavailable

    with monkeypatch.context() as fault:
        fault.setattr(fresh.world.services.devices, "sign_request", away)
        await fresh.world.settle()
    told = await read(fresh, id)
    assert (told["state"], told["prepared"]) == ("preparing", COUNT)
    fresh.world.clock.move(5)
    await fresh.world.settle()
    assert (await read(fresh, id))["state"] == "awaiting"


async def test_t43_a_wish_that_comes_again_while_the_signer_is_asked_is_no_second_signature(
    fresh: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    body, asking = await wish(fresh), Opening.documents

    async def ask_meanwhile(*arguments: Any) -> Any:
        monkeypatch.undo()
        first.append(await fresh.shop.post("/v1/signatures", body, key="order-1"))
        await fresh.world.settle()
        return await asking(*arguments)

    first: list[Any] = []
    monkeypatch.setattr(Opening, "documents", ask_meanwhile)
    second = await fresh.shop.post("/v1/signatures", body, key="order-1")
    assert (second["id"], second["state"]) == (first[0]["id"], "awaiting")


async def test_t43_a_preparation_whose_key_made_another_signature_ends(
    fresh: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = await wish(fresh)
    done = (await fresh.shop.post("/v1/signatures", body, key="order-1"))["id"]
    await fresh.world.settle()
    async with fresh.world.services.database.write() as connection:
        values = {"idempotency_key": None}
        await connection.execute(sa.update(transactions).where(transactions.c.id == done).values(values))
    late = (await fresh.shop.post("/v1/signatures", body, key="order-1"))["id"]
    async with fresh.world.services.database.write() as connection:
        values = {"idempotency_key": "order-1"}
        await connection.execute(sa.update(transactions).where(transactions.c.id == done).values(values))
    await fresh.world.settle()
    told = await read(fresh, late)
    assert (told["state"], told["reason"]) == ("failed", "its Idempotency-Key made another signature")
    assert (await read(fresh, done))["state"] == "awaiting"


async def test_t03_a_document_that_is_exchanged_while_others_are_prepared_fails_it(fresh: Scene) -> None:
    body = await wish(fresh)
    last = body["documents"][-1] = {"id": (await fresh.shop.upload(simple_pdf()))["id"]}
    last["sha256"] = hashlib.sha256(simple_pdf()).hexdigest()
    id = (await fresh.shop.post("/v1/signatures", body))["id"]
    async with fresh.world.services.database.write() as connection:
        row = sa.update(documents).where(documents.c.id == last["id"])
        await connection.execute(row.values(sha256=bytes(32)))
    await fresh.world.settle()
    told = await read(fresh, id)
    says = f"documents[{COUNT - 1}]: the uploaded document has another SHA-256"
    assert (told["state"], told["reason"]) == ("failed", says)


async def test_a_policy_that_is_raised_before_the_signer_is_asked_holds(fresh: Scene) -> None:
    id, key = await start(fresh), CredentialId(fresh.alice.credential_id)
    while (await read(fresh, id))["prepared"] < COUNT:
        await fresh.world.services.preparing.next()
    strict = Policy(verification={"sign": Mode.CHOOSE})
    await fresh.world.services.policies.change_credential(key, strict, OPERATOR)
    await fresh.world.settle()
    assert (await read(fresh, id))["verification"]["mode"] == "choose"


async def test_the_log_tells_of_each_step(fresh: Scene) -> None:
    done, failed, cancelled = [await start(fresh), await start(fresh, _1=ABSENT), await start(fresh)]
    await cancel(fresh, cancelled)
    await fresh.world.settle()
    told = [await fresh.world.tells(f"transaction:{id}") for id in (done, failed, cancelled)]
    assert told == [
        ["preparation.started", "transaction.opened"],
        ["preparation.started", "preparation.failed"],
        ["preparation.started", "preparation.cancelled"],
    ]


async def _die(*_: object) -> None:
    raise KeyboardInterrupt
