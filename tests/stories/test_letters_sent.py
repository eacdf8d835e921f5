"""The letters of what undoes a protection: sent once, in the database transaction of the fact, or neither is."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from dss.audit.seals import Seals
from dss.kernel.errors import DatabaseUnavailable, Overtaken
from dss.notify.service import Notify
from dss.notify.tables import outbox
from tests.world.owners import HOUR, NEW_PIN, Owner, alice, id_of, street
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

Begun = Callable[[], Awaitable[Any]]


async def unlocking(alice: Owner) -> Begun:
    """A phone that an operator blocked; what is left is to unlock it."""
    id, phones = id_of(alice.phone), alice.world.services.phones
    await phones.block(id, OPERATOR)
    return lambda: phones.unlock(id, OPERATOR)


async def changing_the_pin(alice: Owner) -> Begun:
    """A new PIN that is confirmed; what is left is the server's work."""
    await alice.phone.confirm(await alice.wishes("pin"), PIN, new_pin=NEW_PIN)
    return alice.world.settle


async def replacing_the_key(alice: Owner) -> Begun:
    """A new key in place of the old one that is confirmed; what is left is the server's work."""
    wish = {"user": alice.user.login, "replaces": alice.credential_id}
    asked = await alice.application.post("/v1/credentials", wish)
    await alice.phone.confirm(await alice.phone.show(asked["transaction_id"]), PIN)
    return alice.world.settle


FACTS = {
    "device.unlocked": (unlocking, "an operator unlocked a phone"),
    "device.pin_changed": (changing_the_pin, "was given a new PIN"),
    "credential.revoked": (replacing_the_key, "A new key has taken its place."),
}
each_fact = pytest.mark.parametrize("kind", FACTS)


async def waiting(alice: Owner) -> int:
    """How many letters wait in the outbox."""
    async with alice.world.services.database.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(outbox))).scalar_one())


async def times_told(alice: Owner, kind: str) -> int:
    """How often the log tells of a fact on the phone or the key."""
    subject = f"device:{id_of(alice.phone)}" if kind.startswith("device") else f"credential:{alice.credential_id}"
    return (await alice.world.tells(subject)).count(kind)


@each_fact
async def test_the_owner_is_written_to_once(alice: Owner, kind: str) -> None:
    begin, words = FACTS[kind]
    finish = await begin(alice)
    before = len(await alice.letters())

    await finish()

    (letter,) = (await alice.letters())[before:]
    assert words in letter
    assert (alice.credential_id if kind.startswith("credential") else "Key 1") in letter
    assert await times_told(alice, kind) == 1


@each_fact
async def test_a_letter_that_cannot_be_kept_is_no_letter_and_no_fact(
    alice: Owner, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, words = FACTS[kind]
    finish = await begin(alice)
    before, enqueue = len(await alice.letters()), Notify.enqueue

    async def enqueue_and_fail(*arguments: Any) -> None:
        await enqueue(*arguments)
        raise DatabaseUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(Notify, "enqueue", enqueue_and_fail)
        if kind == "device.unlocked":
            with pytest.raises(DatabaseUnavailable):
                await finish()
        else:
            await finish()
    assert (await waiting(alice), await times_told(alice, kind)) == (0, 0)

    alice.world.clock.move(HOUR / 60)
    await finish()

    assert [words in letter for letter in (await alice.letters())[before:]] == [True]
    assert await times_told(alice, kind) == 1


@each_fact
async def test_a_change_that_another_one_overtook_is_written_of_once(
    alice: Owner, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, words = FACTS[kind]
    finish = await begin(alice)
    before, write = len(await alice.letters()), Seals.write

    async def overtaken(seals: Seals, connection: Any, draft: Any, event: Any) -> None:
        await write(seals, connection, draft, event)
        if event.kind == kind:
            monkeypatch.undo()
            raise Overtaken

    monkeypatch.setattr(Seals, "write", overtaken)
    await finish()
    alice.world.clock.move(HOUR / 60)
    await alice.world.settle()

    assert [words in letter for letter in (await alice.letters())[before:]] == [True]
    assert await times_told(alice, kind) == 1


async def test_the_link_in_the_letter_of_an_unlocked_phone_stops_it_again(alice: Owner) -> None:
    await (await unlocking(alice))()

    await alice.stop_by_link()

    assert (await alice.device()).lock_reason == "owner"
