"""The signer's history on `/device/v1`, page by page, and who may read it (device protocol, section 9)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dss.kernel.ids import CROCKFORD, LENGTH
from tests.protocol.looking_back import HISTORY, cancelled, evidence, page, pages, whole
from tests.protocol.prover import Prover
from tests.protocol.scene import ABSENT, Refusal, assert_refused
from tests.world.owners import HOUR, NEW_PIN, Owner, Street, alice, bob, id_of, street
from tests.world.world import PIN

__all__ = ["alice", "bob", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

drawn = settings(max_examples=40, suppress_health_check=list(HealthCheck))
ids = st.text(CROCKFORD, min_size=LENGTH, max_size=LENGTH)


@dataclass
class Life:
    """An owner of whom much was asked, oldest first, and a stranger."""

    owner: Owner
    stranger: Owner
    asked: list[str]

    @property
    def newest_first(self) -> list[str]:
        return self.asked[::-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def life(street: Street) -> AsyncIterator[Life]:
    """All at one moment of the clock: ids of the same millisecond."""
    owner, stranger = await street.owner(), await street.owner()
    made = [entry["id"] for entry in await whole(owner)]
    yield Life(owner, stranger, made + [await cancelled(owner) for _ in range(24)])


# --- pages ---


async def test_all_ids_are_of_the_same_millisecond_and_none_is_told_twice_or_left_out(life: Life):
    told = await pages(life.owner, 7)

    assert len({id[:10] for id in life.asked}) == 1
    assert [len(each) for each in told] == [7, 7, 7, 4]
    assert list(chain(*told)) == life.newest_first


async def test_a_page_that_ends_with_the_last_says_that_nothing_follows(life: Life):
    assert [len(each) for each in await pages(life.owner, 5)] == [5] * 5
    assert [len(each) for each in await pages(life.owner, 25)] == [25]


async def test_a_page_has_twenty_entries_unless_another_number_is_asked_for(life: Life):
    part = await page(life.owner.phone, life.owner.world)

    assert [entry["id"] for entry in part["entries"]] == life.newest_first[:20]
    assert part["next"] == life.newest_first[19]


@given(limit=st.integers(1, 100))
@drawn
async def test_whatever_the_size_of_pages_they_make_the_same_whole(life: Life, limit: int):
    told = await pages(life.owner, limit)

    assert list(chain(*told)) == life.newest_first
    assert all(len(each) == limit for each in told[:-1])


@given(data=st.data(), limit=st.integers(1, 100))
@drawn
async def test_after_any_id_there_is_what_is_older_whether_or_not_the_id_is_one(life: Life, data: Any, limit: int):
    after = data.draw(ids | st.sampled_from(life.asked))
    part = await page(life.owner.phone, life.owner.world, limit=limit, after=after)

    older = [id for id in life.newest_first if id < after]
    assert [entry["id"] for entry in part["entries"]] == older[:limit]
    assert part.get("next") == (older[limit - 1] if len(older) > limit else None)


async def test_new_ones_that_come_meanwhile_neither_double_nor_hide_any(alice: Owner):
    old = [(await whole(alice))[0]["id"]] + [await cancelled(alice) for _ in range(5)]
    told, after = [], {}
    while len(told) < len(old):
        part = await page(alice.phone, alice.world, limit=2, **after)
        told += [entry["id"] for entry in part["entries"]]
        await cancelled(alice)
        after = {"after": part.get("next")}

    assert told == old[::-1]
    assert [entry["id"] for entry in await whole(alice)][3:] == old[::-1]


async def test_what_has_not_ended_is_no_history(alice: Owner):
    shown = await alice.asked()
    assert shown.id not in [entry["id"] for entry in await whole(alice)]
    await alice.phone.confirm(shown, PIN)
    assert shown.id not in [entry["id"] for entry in await whole(alice)]
    await alice.world.settle()

    assert (await whole(alice))[0]["id"] == shown.id


@pytest.mark.asyncio(loop_scope="function")
async def test_the_pages_are_the_same_on_each_database(bob: Owner):
    made = [(await whole(bob))[0]["id"]] + [await cancelled(bob) for _ in range(4)]
    expired = await bob.asked()
    bob.world.clock.move(HOUR)

    assert await pages(bob, 4) == [[expired.id, *made[:1:-1]], made[1::-1]]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=1e1", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 500, "limit"),
        ("limit=1&limit=2", "twice"),
        ("after=", "after"),
        ("after=x", "after"),
        ("after=" + "I" * 26, "after"),
        ("after=" + ABSENT.lower(), "after"),
        ("after=" + ABSENT + "0", "after"),
        ("after=" + ABSENT + "%0A", "after"),
        ("after=%00", "after"),
        ("after=' OR 1", "after"),
        ("cursor=" + ABSENT, "cursor"),
        ("user=" + ABSENT, "user"),
    ],
)
async def test_t31_a_page_that_cannot_be_is_refused_and_what_is_wrong_is_named(life: Life, query: str, says: str):
    prover = Prover.of(life.owner.world, life.owner.phone)
    status, code = (400, "bad_request") if says == "twice" else (422, "invalid")
    call = prover.call(path=HISTORY, params=query)
    await assert_refused(life.owner.world, call, Refusal(status, code, says), by=f"device:{prover.device}")


# --- whose it is ---


async def test_t32_another_person_is_told_nothing_of_it(life: Life):
    assert {entry["id"] for entry in await whole(life.stranger)}.isdisjoint(life.asked)


async def test_t16_another_person_s_evidence_looks_like_what_does_not_exist(life: Life):
    prover = Prover.of(life.stranger.world, life.stranger.phone)
    made = life.asked[0]
    assert (await evidence(life.owner, made)).status_code in {200, 202}
    answers = [
        await assert_refused(
            life.owner.world,
            prover.call(path=f"{HISTORY}/{id}/evidence"),
            Refusal(404, "not_found"),
            by=f"device:{prover.device}",
        )
        for id in (made, ABSENT)
    ]
    assert answers[0].content == answers[1].content


async def test_it_survives_a_change_of_phone(alice: Owner):
    """Device protocol, section 9: it is the owner's, not the phone's."""
    assert await alice.signs() == "signed"
    pin = await alice.wishes("pin")
    assert await alice.confirms(pin, new_pin=NEW_PIN) == "signed"
    new = await alice.second("Pixel 9")
    await alice.later(HOUR)
    assert await alice.confirms(await alice.wishes("remove", new, phone=id_of(alice.phone)), new) == "signed"
    await alice.world.seal()

    told = await whole(alice, new)
    assert [entry["kind"] for entry in told] == ["change", "change", "sign", "create"]
    names = [entry["phone"]["name"] for entry in told]
    assert names == ["Pixel 9", "Key 1", "Key 1", "Key 1"]
    for entry in told:
        assert (await evidence(alice, entry["id"], new)).status_code == 200
    gone = Prover.of(alice.world, alice.phone)
    for path in (HISTORY, f"{HISTORY}/{pin.id}/evidence"):
        await assert_refused(alice.world, gone.call(path=path), Refusal(401, "unauthenticated"), by="")


async def test_t22_a_phone_that_waits_or_was_stopped_is_told_nothing(alice: Owner):
    (made,) = [entry["id"] for entry in await whole(alice)]
    new = await alice.second()
    stopped = Prover.of(alice.world, new)
    for path in (HISTORY, f"{HISTORY}/{made}/evidence"):
        await assert_refused(
            alice.world, stopped.call(path=path), Refusal(423, "locked", "waits"), by=f"device:{stopped.device}"
        )
    await alice.later(HOUR)
    assert len(await whole(alice, new)) == 1
    await alice.phone.block(stopped.device)
    for path in (HISTORY, f"{HISTORY}/{made}/evidence"):
        await assert_refused(
            alice.world, stopped.call(path=path), Refusal(423, "locked", "locked"), by=f"device:{stopped.device}"
        )
