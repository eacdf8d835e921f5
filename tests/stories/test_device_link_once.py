"""Stories of the device link: one scan opens a transaction, and a phone scans a few codes in a minute (T10)."""

import asyncio
from dataclasses import replace

import pytest

from dss.kernel import b64
from dss.kernel.errors import Conflict, TooMany
from dss.kernel.ids import DeviceId, TransactionId
from dss.transactions.linking import Scanned
from tests.stories.bank import EXPIRED, TOO_MANY, Bank, always, bank_on_each_database, now, scanning
from tests.world.owners import ABSENT, CONFLICT, Owner, alice, bob, refusal, street

__all__ = ["alice", "bank_on_each_database", "bob", "street"]

in_the_street = pytest.mark.asyncio(loop_scope="module")


@in_the_street
async def test_t10_a_transaction_is_opened_once(alice: Owner):
    bank, other = await always(alice), await alice.joined()
    await bank.application.log_in()
    code = await bank.link(await bank.asks())
    await scanning(alice.phone, code)

    assert await refusal(scanning(other, code)) == CONFLICT
    alice.world.clock.move(1)
    next_one = replace(code, time=code.time + 1)
    assert await refusal(scanning(alice.phone, next_one)) == ABSENT
    await bank.application.get(f"/v1/transactions/{code.transaction}/device-link", status=409)


@in_the_street
async def test_t10_a_later_code_of_what_is_open_is_refused_to_the_same_phone(alice: Owner):
    bank = await always(alice)
    id = await bank.asks()
    code, later = await bank.code_at(id, now(bank)), await bank.code_at(id, now(bank) + 1)
    await scanning(alice.phone, code)

    assert await refusal(scanning(alice.phone, later)) == CONFLICT


@in_the_street
async def test_a_scan_whose_reply_was_lost_may_be_sent_again_while_its_code_is_good(alice: Owner):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    await scanning(alice.phone, code)
    alice.world.clock.move(3)

    assert await scanning(alice.phone, code) == code.transaction
    assert (await alice.world.tells(f"transaction:{code.transaction}")).count("transaction.linked") == 1
    alice.world.clock.move(1)
    assert await refusal(scanning(alice.phone, code)) == EXPIRED


@in_the_street
async def test_what_has_ended_is_opened_by_nothing(alice: Owner):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    await bank.application.post(f"/v1/signatures/{code.transaction}/cancel", {}, status=200)

    assert await refusal(scanning(alice.phone, code)) == CONFLICT
    await bank.application.get(f"/v1/transactions/{code.transaction}/device-link", status=409)


async def test_t10_of_fifty_scans_at_once_one_opens_the_transaction(bank_on_each_database: Bank):
    """The same person's phones: fifty of them, as a person has in no world."""
    bank = bank_on_each_database
    code, phone = await bank.link(await bank.asks()), await bank.owner.device()
    scanned = Scanned(TransactionId(code.transaction), code.time, code.code)
    phones = [replace(phone, id=DeviceId(f"{number:026}")) for number in range(50)]

    linking = bank.world.services.linking
    outcomes = await asyncio.gather(*(linking.open_by_link(one, scanned) for one in phones), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes if outcome is not None] == [Conflict] * 49
    assert (await bank.world.tells(f"transaction:{code.transaction}")).count("transaction.linked") == 1


# --- how often ---


@in_the_street
async def test_t10_a_phone_scans_ten_codes_in_a_minute(alice: Owner):
    bank = await always(alice)
    code = await bank.link(await bank.asks())
    forged = replace(code, code=b64.url_encode(bytes(32)))
    for _ in range(10):
        assert await refusal(scanning(alice.phone, forged)) == ABSENT

    assert await refusal(scanning(alice.phone, code)) == TOO_MANY
    alice.world.clock.move(59)
    assert await refusal(scanning(alice.phone, await bank.link(code.transaction))) == TOO_MANY
    alice.world.clock.move(1)
    assert await scanning(alice.phone, await bank.link(code.transaction)) == code.transaction


async def test_t10_of_fifty_codes_at_once_from_one_phone_ten_are_looked_at(bank_on_each_database: Bank):
    bank = bank_on_each_database
    code, phone = await bank.link(await bank.asks()), await bank.owner.device()
    forged = Scanned(TransactionId(code.transaction), code.time, b64.url_encode(bytes(32)))

    linking = bank.world.services.linking
    outcomes = await asyncio.gather(*(linking.open_by_link(phone, forged) for _ in range(50)), return_exceptions=True)

    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 40
