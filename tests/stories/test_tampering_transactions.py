"""Who can write to the database fills in transactions as they like: no signature comes of what nobody confirmed.

Transactions carry no seal, as nobody believes them: the trace is the failed transaction and its event. T18, T27.
"""

from itertools import product
from typing import Any

import pytest

from dss.credentials.tables import occurrences
from dss.kernel import canonical
from dss.kernel.ids import DeviceId
from dss.transactions.tables import entries, transactions
from mobile_mock.answer import Answer
from mobile_mock.errors import Refused
from tests.stories.robbery import Robbery, robbed, robbed_on_each_database
from tests.stories.test_answers import HASH, OTHER
from tests.world.intruder import mutations
from tests.world.world import PIN

__all__ = ["robbed", "robbed_on_each_database"]
VALID = {"kind": "create", "state": "signing", "work": "certificate"}
ANSWERED = ("answer", "box", "device_id")


async def comes_to_nothing(stage: Robbery, *ids: str) -> None:
    """Let the server work: nothing may come out, and each transaction must have failed with an event that says so."""
    before = await stage.fruits()
    await stage.world.settle()
    assert await stage.fruits() == before
    for id in ids:
        state, why = await stage.end(id)
        assert (state, why not in ("", "the server failed")) == ("failed", True), why
        assert "transaction.failed" in await stage.world.tells(f"transaction:{id}")
        told = await stage.application.get(f"/v1/signatures/{id}")
        assert (told["state"], told["documents"][0]["signature"]) == ("failed", None)


async def answer_of(stage: Robbery, id: str) -> dict[str, Any]:
    row = await stage.intruder.row(transactions, id)
    return {name: row[name] for name in ANSWERED}


async def prepared(stage: Robbery, value: str = HASH) -> tuple[str, Answer]:
    """A transaction whose confirmation the phone made and never sent."""
    id = await stage.open(value=value)
    return id, await stage.alice.phone.prepare(await stage.alice.phone.show(id), PIN)


async def test_t18_a_state_set_to_confirmed_signs_nothing_whatever_answer_is_put_beside_it(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    spent = await stage.confirmed(value=OTHER)
    taken = await answer_of(stage, spent)
    await stage.world.settle()
    unspent = await answer_of(stage, await stage.confirmed(value=OTHER))
    await stage.world.settle()
    nobody: dict[str, Any] = dict.fromkeys(ANSWERED)

    for answer in (nobody, taken, unspent):
        id = await stage.open()
        await stage.rearm(id, answer)
        await comes_to_nothing(stage, id)


async def test_t27_a_declined_transaction_set_to_confirmed_signs_nothing(robbed: Robbery) -> None:
    taken = await answer_of(robbed, await robbed.confirmed(value=OTHER))
    await robbed.world.settle()
    for answer in ({}, taken, {"box": taken["box"]}):
        id = await robbed.open()
        await robbed.alice.phone.decline(await robbed.alice.phone.show(id))
        await robbed.rearm(id, answer)
        await comes_to_nothing(robbed, id)


async def test_t18_an_answer_that_was_never_counted_signs_nothing_when_it_is_put_in_by_sql(robbed: Robbery) -> None:
    """One that was overtaken, and one that is younger than all that were counted: it is not even a try of the PIN."""
    overtaken, lower = await prepared(robbed)
    await robbed.confirmed()
    await robbed.world.settle()
    younger, higher = await prepared(robbed)
    device = DeviceId(robbed.alice.phone.kept().device)
    counted = await robbed.world.services.devices.get(device)

    for id, answer in ((overtaken, lower), (younger, higher)):
        await robbed.rearm(id, {"answer": answer.jws, "box": answer.box, "device_id": device})
        await comes_to_nothing(robbed, id)
    assert await robbed.world.services.devices.get(device) == counted


async def test_t23_what_has_expired_is_not_made_young_again(robbed: Robbery) -> None:
    late, answer = await prepared(robbed)
    unused = await robbed.confirmed()
    robbed.world.clock.move(301)
    later = robbed.world.clock.now().replace(year=2036)
    await robbed.intruder.edit(transactions, late, expires_at=later)
    with pytest.raises(Refused) as refusal:
        await robbed.alice.phone.send(answer)
    assert refusal.value.status in (403, 410)

    copied = await robbed.intruder.row(transactions, unused)
    await robbed.world.services.transactions.expire_overdue()
    await robbed.rearm(unused, copied | {"expires_at": later})
    await comes_to_nothing(robbed, unused)


async def test_t23_a_confirmation_is_over_after_a_day_though_its_row_and_the_log_tell_of_no_end(
    robbed: Robbery,
) -> None:
    """The time of its acceptance is under a seal."""
    id = await robbed.confirmed()
    copied = await robbed.intruder.row(transactions, id)
    robbed.world.clock.move(24 * 3600)
    await robbed.application.log_in()
    await robbed.rearm(id, copied | {"expires_at": robbed.world.clock.now().replace(year=2036)})
    await comes_to_nothing(robbed, id)


async def test_t25_occurrences_that_were_deleted_or_reset_after_the_release_let_nothing_be_signed_again(
    robbed_on_each_database: Robbery,
) -> None:
    stage = robbed_on_each_database
    for reset in (None, {"consumed_at": None}, {"consumed_at": None, "lease": 0}):
        id = await stage.confirmed()
        copied = await stage.intruder.row(transactions, id)
        await stage.world.settle()
        first = await stage.signature(id)
        if reset is None:
            await stage.intruder.delete(occurrences, id)
        else:
            await stage.intruder.edit(occurrences, id, **reset)
        await stage.rearm(id, copied)
        before = await stage.fruits()
        await stage.world.settle()
        assert (await stage.fruits(), await stage.signature(id)) == (before, first)
        assert (await stage.end(id))[0] == "failed"


async def test_t03_a_request_that_was_exchanged_is_refused_before_the_answer_and_after_it(robbed: Robbery) -> None:
    other = canonical.decode((await robbed.intruder.row(transactions, await robbed.open(value=OTHER)))["request"])
    for edit, answered in product((other, {"text": "harmless"}, {"documents": other["documents"]}), (False, True)):
        id = await (robbed.confirmed() if answered else robbed.open())
        shown = await robbed.alice.phone.show(id)
        row = await robbed.intruder.row(transactions, id)
        request = canonical.encode(canonical.decode(row["request"]) | edit)
        await robbed.intruder.edit(transactions, id, request=request)
        if answered:
            await comes_to_nothing(robbed, id)
            continue
        with pytest.raises(Refused) as refusal:
            await robbed.alice.phone.confirm(shown, PIN)
        assert refusal.value.status in (403, 404)
    assert robbed.used == robbed.used[:1], "only the request for the certificate was ever signed"


async def test_t03_entries_that_were_edited_change_nothing_of_what_is_signed(robbed: Robbery) -> None:
    """What the key made is over what the phone was shown, and with entries that say otherwise it is not released."""
    to_sign = OTHER.replace("+", "-").replace("/", "_").rstrip("=")
    item = (await robbed.intruder.row(entries, await robbed.open()))["item"]
    for edit in ({"item": item | {"to_sign": to_sign}}, {"item": item | {"index": 1}}, None):
        id = await robbed.confirmed()
        if edit is None:
            await robbed.intruder.delete(entries, id)
        else:
            await robbed.intruder.edit(entries, id, **edit)
        before = await robbed.fruits()
        await robbed.world.settle()
        assert ((await robbed.fruits()).signed, (await robbed.end(id))[0]) == (before.signed, "failed"), edit


async def test_t18_no_column_of_a_transaction_decides_what_is_signed(robbed: Robbery) -> None:
    """Whatever stands there: what comes out, if anything does, is over what was confirmed."""
    for column in transactions.c:
        id = await robbed.confirmed()
        row = await robbed.intruder.row(transactions, id)
        named = id
        for value in [VALID[column.name]] if column.name in VALID else mutations(column, row[column.name]):
            await robbed.intruder.edit(transactions, named, **row | {column.name: value})
            named = str(value) if column.name == "id" else named
            used = len(robbed.used)
            await robbed.world.settle()
            assert len(robbed.used) - used <= 1, column.name
            signature = await robbed.signature(id)
            assert signature is None or await robbed.is_over(signature, HASH), column.name
        await robbed.intruder.edit(transactions, named, state="failed", work=None)
    assert max(robbed.watched.statuses) < 500


async def test_t47_a_confirmation_that_was_cancelled_is_over_whatever_its_row_says(robbed: Robbery) -> None:
    id = await robbed.confirmed()
    copied = await robbed.intruder.row(transactions, id)
    await robbed.application.post(f"/v1/signatures/{id}/cancel", {}, status=200)
    await robbed.rearm(id, copied)
    await comes_to_nothing(robbed, id)
