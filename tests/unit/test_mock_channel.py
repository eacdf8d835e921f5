"""docs/device-protocol.md section 1: the phone listens to the channel key it pinned, and to one introduced by it."""

import asyncio
from itertools import pairwise

import pytest
from joserfc.jwk import ECKey

from mobile_mock.errors import Difference
from mobile_mock.jose import thumbprint
from tests.unit.mock_server import BASE, FIRST, PIN, THIRD, FakeServer, canonical, jwk, new_key, sign, time_text


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


def introduce(server: FakeServer, new: ECKey, by: ECKey, changes: dict | None = None) -> None:
    """Offer an introduction of a new key, signed by a key."""
    said = {"server": BASE, "jwk": jwk(new), "issued": time_text(server.clock.now()), **(changes or {})}
    server.introductions[thumbprint(jwk(new))] = sign("dss-channel-key+jws", canonical(said), by)


async def test_a_request_by_an_unknown_key_is_refused(server, phone):
    """T19: the server's key was swapped."""
    server.ask()
    server.request_key = new_key()

    with pytest.raises(Difference, match="did not introduce"):
        await phone.show(FIRST)


async def test_a_key_that_the_pinned_one_introduced_is_pinned_in_its_place(server, phone):
    server.request_key = new_key()
    introduce(server, server.request_key, by=server.channel)
    server.ask()

    assert await phone.confirm(await phone.show(FIRST), PIN) == "signed"

    assert phone.kept().channel_key == jwk(server.request_key)


async def test_the_old_key_is_refused_after_the_change(server, phone):
    server.request_key = new_key()
    introduce(server, server.request_key, by=server.channel)
    server.ask()
    await phone.show(FIRST)

    server.request_key = None
    server.ask(THIRD)
    with pytest.raises(Difference):
        await phone.show(THIRD)


async def test_a_changed_key_may_change_again(server, phone):
    keys = [server.channel, new_key(), new_key()]
    for old, new in pairwise(keys):
        server.request_key = new
        introduce(server, new, by=old)
        server.ask()
        await phone.show(FIRST)

    assert phone.kept().channel_key == jwk(keys[2])


async def refused(server: FakeServer, phone, said: str) -> None:
    server.ask()
    with pytest.raises(Difference, match=said):
        await phone.show(FIRST)
    assert phone.kept().channel_key == jwk(server.channel)


async def test_a_key_that_introduces_itself_is_refused(server, phone):
    server.request_key = new_key()
    introduce(server, server.request_key, by=server.request_key)

    await refused(server, phone, "not introduced by")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jwk": jwk(new_key())}, "another key"),
        ({"server": "https://evil.example"}, "server"),
        ({"issued": "2026-03-02T09:01:01Z"}, "future"),
        ({"more": 1}, "members"),
    ],
    ids=["another key", "another server", "future", "unknown member"],
)
async def test_an_introduction_of_anything_else_is_refused(server, phone, changes, said):
    server.request_key = new_key()
    introduce(server, server.request_key, by=server.channel, changes=changes)

    await refused(server, phone, said)


async def test_a_message_of_another_type_introduces_nothing(server, phone):
    """RFC 8725 section 3.11."""
    server.request_key = new_key()
    said = {"server": BASE, "jwk": jwk(server.request_key), "issued": time_text(server.clock.now())}
    typed = sign("dss-receipt+jws", canonical(said), server.channel)
    server.introductions[thumbprint(jwk(server.request_key))] = typed

    await refused(server, phone, "typ")


async def test_two_requests_at_once_by_a_new_key_are_both_shown(server, phone):
    server.request_key = new_key()
    introduce(server, server.request_key, by=server.channel)
    for id in (FIRST, THIRD):
        server.ask(id)

    shown = await asyncio.gather(phone.show(FIRST), phone.show(THIRD))

    assert [one.id for one in shown] == [FIRST, THIRD]
