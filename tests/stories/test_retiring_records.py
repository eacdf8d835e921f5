"""What else of old transactions goes with them: parts of batches, sessions and linked browsers; and what stays.

Source: docs/transparency-log.md section 6.
"""

import pytest
import sqlalchemy as sa

from dss.credentials.tables import offline_keys, sessions
from dss.evidence.tables import evidence_parts
from dss.kernel.ids import ClientId, CredentialId
from dss.kernel.policy import Bounds, Link, Policy
from dss.transactions.tables import blocks, linked_browsers, transactions
from tests.stories.bank import Bank, scanning
from tests.stories.batches import Batches, digests
from tests.stories.desk import Desk, begun
from tests.stories.shop import Shop
from tests.stories.test_retiring import KEPT_OF_IT, YEARS, count, old
from tests.stories.witness import quick_pins
from tests.world.owners import Owner
from tests.world.world import OPERATOR, World

__all__ = ["old", "quick_pins"]

pytestmark = pytest.mark.usefixtures("quick_pins")

BROWSER = "firefox-of-alice-1"


async def retire(world: World) -> int:
    """Let the years go by, and a worker do its round; an auditor finds nothing. Return how many transactions went."""
    await world.services.sealer.round()
    kept = await world.services.log.checkpoint()
    world.clock.move(YEARS.total_seconds())
    gone = await world.services.retiring.round()
    await world.services.sealer.round()
    assert (await world.services.auditing.verify(kept=kept)).findings == ()
    assert await world.services.mending.check() == []
    return gone


async def rows(world: World, table: sa.Table) -> int:
    async with world.services.database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


async def test_a_batch_goes_with_the_evidence_of_all_its_parts(old: World) -> None:
    application = await old.application()
    batches = Batches(old, application, await old.signer(application))
    id = await batches.ask(digests(250))
    await batches.confirm(id, 3)
    await old.settle()
    assert await count(old, evidence_parts, id) > 1

    assert await retire(old) == 2, "the batch, and the creation of the key"

    assert [await count(old, table, id) for table in (*KEPT_OF_IT, evidence_parts, transactions)] == [0] * 6
    assert await old.tells(f"transaction:{id}") == []


async def test_a_session_goes_with_its_record_and_with_what_was_signed_in_it(old: World) -> None:
    desk = await begun(Shop(old, await old.application()))
    inside = [(await desk.signed("a"))["id"], (await desk.signed("b", "c"))["id"]]
    await over(desk)
    assert await count(old, sessions, desk.session) == 1

    assert await retire(old) == 4, "the session, what was signed in it, and the creation of the key"

    assert [await count(old, transactions, id) for id in (desk.session, *inside)] == [0, 0, 0]
    assert await count(old, sessions, desk.session) == 0
    for name in ("session", "activation", "transaction"):
        assert await old.tells(f"{name}:{desk.session}") == []


async def over(desk: Desk) -> None:
    """Let the time of a session be over."""
    world = desk.shop.world
    world.clock.move(3600)
    await world.services.transactions.expire_overdue()
    await world.settle()


async def test_a_session_stays_while_something_that_was_signed_in_it_does(old: World) -> None:
    """It tells by what that was confirmed."""
    desk = await begun(Shop(old, await old.application()))
    id = (await desk.signed("a"))["id"]
    await over(desk)
    old.clock.move(30 * 86400)
    await old.services.transactions.forget_uncollected()
    await old.services.sealer.round()
    old.clock.move(YEARS.total_seconds() - 20 * 86400)

    assert await old.services.retiring.round() == 1, "the creation of the key"

    assert [await count(old, table, one) for table, one in ((transactions, id), (transactions, desk.session))] == [1, 1]
    assert await count(old, sessions, desk.session) == 1
    await old.services.sealer.round()
    assert (await old.services.auditing.verify()).findings == ()


async def test_a_browser_is_known_for_as_long_as_what_was_confirmed_by_its_scan(old: World) -> None:
    application = await old.application()
    signer = await old.signer(application)
    await old.services.policies.change_client(ClientId(application.id), Policy(device_link=Link.FIRST), OPERATOR)
    bank = Bank(old, application, Owner(old, application, signer.user, signer.phone, signer.credential_id))
    first = await bank.asks(browser=BROWSER)
    await scanning(signer.phone, await bank.link(first))
    assert await bank.signs(first) == "signed"
    assert await rows(old, linked_browsers) == 1

    assert await retire(old) == 2

    assert await rows(old, linked_browsers) == 0


async def test_blocks_and_set_ups_of_codes_stay_as_phones_and_keys_do(old: World) -> None:
    """They are of a person, not of a transaction: who was not to be asked is not asked years later either."""
    application = await old.application()
    shop = Shop(old, application)
    signer = await shop.signer()
    key = CredentialId(signer.credential_id)
    await old.services.policies.change_credential(key, Policy(offline=True, session=Bounds(5, 30)), OPERATOR)
    assert await shop.change(signer, "offline") == "signed"
    await signer.phone.decline((await shop.ask(signer))[1], cause="not_me")

    assert await retire(old) == 3

    assert (await rows(old, blocks), await rows(old, offline_keys)) == (1, 1)
    assert await rows(old, transactions) == 0
