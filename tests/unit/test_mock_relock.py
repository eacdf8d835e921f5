"""docs/device-protocol.md sections 4 and 5: a fresh share of a key takes the old one's place, or does not."""

import httpx
import pytest

from mobile_mock.errors import NothingToDo, Refused, Unreachable
from tests.unit.mock_server import CREDENTIAL, FIRST, PIN, THIRD, FakeServer, problem, unb64


@pytest.fixture
def server():
    return FakeServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


async def relocked(server, phone, state: str) -> tuple[bytes, bytes]:
    """Confirm a request that asks for a fresh share; return both shares in the box."""
    server.after_answer = state
    server.ask(FIRST, relock=True)
    await phone.confirm(await phone.show(FIRST), PIN)
    box = server.opened(server.sent[0][1])
    return unb64(box["k_act"]), unb64(box["k_act_next"])


async def test_a_relock_sends_both_shares_and_the_next_one_holds_once_it_signed(server, phone):
    old, new = await relocked(server, phone, "signed")

    assert old != new
    assert phone.kept().shares[CREDENTIAL].k_act == new


async def test_a_relock_that_did_not_sign_leaves_the_old_share(server, phone):
    old, _ = await relocked(server, phone, "confirmed")
    server.states[FIRST] = "failed"

    await phone.state(FIRST)

    assert phone.kept().shares[CREDENTIAL].k_act == old


async def test_the_next_confirmation_first_learns_how_a_relock_ended(server, phone):
    _, new = await relocked(server, phone, "confirmed")
    server.ask(THIRD)
    shown = await phone.show(THIRD)
    with pytest.raises(NothingToDo, match="has not ended"):
        await phone.confirm(shown, PIN)

    server.states[FIRST] = "signed"
    await phone.confirm(shown, PIN)

    assert unb64(server.opened(server.sent[-1][1])["k_act"]) == new


async def test_a_refused_relock_leaves_the_old_share(server, phone):
    old = phone.kept().shares[CREDENTIAL]
    server.ask(FIRST, relock=True)
    shown = await phone.show(FIRST)
    server.refuse = lambda path: problem(403, "answer_refused")
    with pytest.raises(Refused):
        await phone.confirm(shown, "240891")

    assert phone.kept().shares[CREDENTIAL] == old


async def test_a_share_that_an_overtaken_answer_offered_is_not_lost_when_the_next_answer_is_refused(server, phone):
    """The first answer was taken and its reply was lost: what it offered may be all that opens the key."""
    server.ask(FIRST, relock=True)
    shown = await phone.show(FIRST)

    def lose(path: str) -> None:
        raise httpx.ReadTimeout(path)

    server.refuse = lose
    with pytest.raises(Unreachable):
        await phone.confirm(shown, PIN)
    offered = phone.kept().shares[CREDENTIAL].following
    server.refuse = lambda path: problem(409, "conflict") if FIRST in path and path.endswith("/answer") else None
    server.ask_to_create(THIRD)
    await phone.decline(await phone.show(THIRD))
    with pytest.raises(Refused):
        await phone.confirm(shown, PIN)

    server.states[FIRST] = "signed"
    await phone.state(FIRST)

    assert phone.kept().shares[CREDENTIAL].k_act == offered
