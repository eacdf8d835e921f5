"""docs/device-protocol.md sections 4 and 5: a fresh share of a key takes the old one's place, or does not."""

import pytest

from mobile_mock.errors import NothingToDo
from tests.unit.mock_server import CREDENTIAL, FIRST, PIN, THIRD, FakeServer, unb64


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
