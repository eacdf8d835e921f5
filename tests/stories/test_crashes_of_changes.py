"""A node is killed while it writes what a signer or an operator changes, and another goes on.

Each story ends the same way: all of the change and one letter that tells of it, or nothing of either; and whoever
asked for it ends well by asking again. What a change leaves is tried by signing with it. T26.
"""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.stories.test_crashes import die_at, in_order, rows
from tests.world.crash_ledger import Ledger
from tests.world.crash_site import Site
from tests.world.crash_wires import CERTIFICATE_WRITTEN, CERTIFIED, CHANGES, COMMITTED, PLANNED, WRITTEN, Wire
from tests.world.crash_wishes import Callers, Creation, Opened, Signing
from tests.world.owners import NEW_PIN
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN

__all__ = ["rows"]

PASSWORD = "Linden-4-Harbour"
OPERATORS_WIRES = (PLANNED, WRITTEN, COMMITTED)
REKEY_WIRES = (CERTIFICATE_WRITTEN, WRITTEN, CERTIFIED)
DONE = "signed"


def each(*wires: Wire) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wire", wires, ids=lambda wire: wire.step)


@pytest.fixture(scope="module")
def changing_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An installation on SQLite, with a signer."""
    home = tmp_path_factory.mktemp("site")
    yield from in_order(Site(home, f"sqlite:///{home}/dss.sqlite"))


@pytest.fixture
def site(changing_site: Site) -> Site:
    """The installation, its server running, whatever the test before left."""
    changing_site.set_right()
    return changing_site


@pytest.fixture(scope="module")
def share_code(changing_site: Site) -> str:
    """The QR of one more phone of the signer's, which waits."""
    changing_site.set_right()
    return asyncio.run(changing_site.set_up_second_phone())


class Fact:
    """What a change writes: events of one kind on one subject, and a letter."""

    def __init__(self, rows: Ledger, subject: str, kind: str) -> None:
        self._rows = rows
        self._subject = subject
        self._kind = kind
        self._before = (0, 0)

    @classmethod
    async def of(cls, rows: Ledger, subject: str, kind: str) -> "Fact":
        """Look at what there is before the change."""
        fact = cls(rows, subject, kind)
        fact._before = await fact._now()
        return fact

    async def require(self, times: int) -> None:
        """Require that the change was made so often, and told of by as many letters."""
        events, letters = await self._now()
        assert (events - self._before[0], letters - self._before[1]) == (times, times)

    async def _now(self) -> tuple[int, int]:
        return (await self._rows.told(self._subject)).count(self._kind), await self._rows.letters()


async def go_on(site: Site, rows: Ledger, wish: Opened) -> None:
    """Start another node, and let the phone do again what it did: the end is the change's."""
    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        assert await wish.go(callers) == "signed"
    found = await rows.of(wish.id)
    assert (found.state, found.spent, found.pending) == ("signed", (True,), frozenset())
    assert found.told == ("transaction.opened", "transaction.confirmed", "transaction.signed")


async def require_left(rows: Ledger, wish: Opened, wire: Wire, fact: Fact) -> None:
    """Require that all of a change was written before the node died, or nothing."""
    assert (await rows.of(wish.id)).state == wire.leaves
    await fact.require(1 if wire.leaves == DONE else 0)


async def new_key(site: Site, replaces: str | None = None) -> str:
    """Return the id of a new key of the signer's."""
    wish = Creation(replaces)
    async with site.callers() as callers:
        assert (await wish.go(callers))["state"] == "active"
    return wish.credential_id


async def require_signs(site: Site, key: str, pin: str = PIN, **typed: str) -> None:
    """Require that a key signs with what the owner types."""
    async with site.callers() as callers:
        assert b"/Sig" in await Signing(simple_pdf(), key, pin, **typed).go(callers)


@each(*CHANGES)
async def test_a_node_killed_while_a_pin_changes_leaves_the_old_one_or_the_new_one(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    async with site.callers() as callers:
        device = callers.phone.kept().device
    fact = await Fact.of(rows, f"device:{device}", "device.pin_changed")
    wish = Opened(lambda phone: phone.change("pin"), new_pin=NEW_PIN)
    await die_at(site, wire, wish)
    await require_left(rows, wish, wire, fact)

    await go_on(site, rows, wish)

    await fact.require(1)
    await require_signs(site, site.credential_id, NEW_PIN)
    async with site.callers() as callers:
        assert await Opened(lambda phone: phone.change("pin"), NEW_PIN, new_pin=PIN).go(callers) == "signed"
    await fact.require(2)


@each(*CHANGES)
async def test_a_node_killed_while_a_password_is_set_leaves_a_key_that_opens(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    key = await new_key(site)
    fact = await Fact.of(rows, f"credential:{key}", "credential.password_set")
    wish = Opened(lambda phone: phone.change("password", credential=key), new_key_password=PASSWORD)
    await die_at(site, wire, wish)
    await require_left(rows, wish, wire, fact)

    await go_on(site, rows, wish)

    await fact.require(1)
    await require_signs(site, key, key_password=PASSWORD)


@each(*CHANGES)
async def test_a_node_killed_while_keys_are_shared_leaves_one_share_or_none(
    site: Site, rows: Ledger, share_code: str, wire: Wire
) -> None:
    key = await new_key(site)
    fact = await Fact.of(rows, f"credential:{key}", "credential.shared")
    wish = Opened(lambda phone: phone.share(share_code))
    await die_at(site, wire, wish)
    await require_left(rows, wish, wire, fact)

    await go_on(site, rows, wish)

    await fact.require(1)
    assert await rows.told(f"share:{wish.id}") == ("share.made",)
    await require_signs(site, key)


@each(*REKEY_WIRES)
async def test_a_node_killed_while_a_key_takes_the_place_of_another_leaves_one_that_signs(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    old = await new_key(site)
    fact = await Fact.of(rows, f"credential:{old}", "credential.revoked")
    wish = Creation(replaces=old)
    await die_at(site, wire, wish)
    assert (await rows.find(wish.key)).state == wire.leaves
    await fact.require(1 if wire.leaves == DONE else 0)
    assert await rows.certificates_of(old) == ["revoked" if wire.leaves == DONE else "good"]

    await rows.lapse_leases()
    site.start()
    async with site.callers() as callers:
        assert (await wish.go(callers))["state"] == "active"

    await fact.require(1)
    assert await rows.certificates_of(old) == ["revoked"]
    await require_signs(site, wish.credential_id)


class Revocation:
    """What an operator does to a key."""

    def __init__(self, key: str) -> None:
        self._path = f"/v1/credentials/{key}/revoke"

    async def go(self, callers: Callers) -> Any:
        """Ask, and return the status and the answer."""
        answer = await callers.application.http.post(self._path, json={"reason": "keyCompromise"})
        return answer.status_code, answer.json()


@each(*OPERATORS_WIRES)
async def test_a_node_killed_while_an_operator_revokes_a_key_leaves_it_whole_or_gone(
    site: Site, rows: Ledger, wire: Wire
) -> None:
    key = await new_key(site)
    fact = await Fact.of(rows, f"credential:{key}", "credential.revoked")
    gone = wire is COMMITTED
    await die_at(site, wire, Revocation(key))
    await fact.require(1 if gone else 0)
    assert await rows.certificates_of(key) == ["revoked" if gone else "good"]

    site.start()
    async with site.callers() as callers:
        status, told = await Revocation(key).go(callers)

    assert (status, told.get("state")) == ((409, None) if gone else (200, "revoked"))
    await fact.require(1)
    assert await rows.certificates_of(key) == ["revoked"]
