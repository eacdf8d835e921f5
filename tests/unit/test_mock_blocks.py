"""docs/device-protocol.md sections 3 and 6: the applications that were stopped, and letting one ask again."""

from datetime import UTC, datetime

import pytest

from mobile_mock.errors import BadInput, Difference
from mobile_mock.matter import Application
from mobile_mock.owned import Block
from tests.unit.mock_server import APPLICATION, CREDENTIAL, FIRST, KEY, PIN, FakeServer

CONTRACTS = {"id": APPLICATION, "name": "Contracts Ltd"}
BLOCKS = "GET /device/v1/blocks"
OTHER_APPLICATION = "01J" + "Q" * 23


@pytest.fixture
def server():
    server = FakeServer()
    server.pages[BLOCKS] = {"blocks": [{"relying_application": CONTRACTS, "blocked": "2026-03-02T09:00:00Z"}]}
    return server


@pytest.fixture
async def phone(server, tmp_path):
    phone = await server.enrolled(tmp_path)
    server.sent.clear()
    return phone


async def test_the_applications_that_may_not_ask_are_listed(phone):
    """T08."""
    blocked = datetime(2026, 3, 2, 9, tzinfo=UTC)

    assert await phone.blocks() == [Block(Application(APPLICATION, "Contracts Ltd"), blocked)]


@pytest.mark.parametrize(
    "wrong",
    [
        *({"blocked": None}, {"blocked": "2026-03-02"}, {"more": 1}, {"relying_application": "Contracts Ltd"}),
        {"relying_application": CONTRACTS | {"name": "Contracts\u200bLtd"}},
    ],
)
async def test_a_list_that_is_not_as_the_protocol_says_is_refused(server, phone, wrong):
    right = server.pages[BLOCKS]["blocks"][0]
    server.pages[BLOCKS] = {"blocks": [right | wrong]}

    with pytest.raises(Difference):
        await phone.blocks()


async def test_an_application_is_let_ask_again_by_a_change_that_is_confirmed(server, phone):
    """T08."""
    server.ask_to_change("allow", relying_application=CONTRACTS)
    id = await phone.change("allow", relying_application=APPLICATION)
    shown = await phone.show(id)

    assert server.sent == [("/device/v1/changes", {"action": "allow", "relying_application": APPLICATION})]
    assert shown.request.change.application == Application(APPLICATION, "Contracts Ltd")
    assert await phone.confirm(shown, PIN) == "signed"
    assert set(server.opened(server.sent[-1][1])) == {"header", "pin_proof"}


async def test_a_request_to_allow_another_application_than_the_owner_named_is_refused(server, phone):
    """T08."""
    server.ask_to_change("allow", relying_application=CONTRACTS | {"id": OTHER_APPLICATION})
    id = await phone.change("allow", relying_application=APPLICATION)

    with pytest.raises(Difference, match="something else"):
        await phone.show(id)


async def test_a_request_to_allow_that_names_a_key_is_refused(server, phone):
    server.ask_to_change("allow", credential=KEY, relying_application=CONTRACTS)
    id = await phone.change("allow", relying_application=APPLICATION)

    with pytest.raises(Difference, match="credential"):
        await phone.show(id)


@pytest.mark.parametrize(
    "given",
    [
        *({}, {"relying_application": "Contracts Ltd"}, {"relying_application": ""}),
        {"relying_application": APPLICATION, "credential": CREDENTIAL},
    ],
)
async def test_a_change_that_names_no_application_alone_is_not_opened(server, phone, given):
    server.calls.clear()
    with pytest.raises(BadInput):
        await phone.change("allow", **given)
    assert server.calls == []


async def test_no_other_change_takes_an_application(phone):
    with pytest.raises(BadInput):
        await phone.change("pin", relying_application=APPLICATION)


async def test_what_was_allowed_is_told_by_the_same_id_that_is_listed(server, phone):
    (block,) = await phone.blocks()
    server.ask_to_change("allow", relying_application=CONTRACTS)

    shown = await phone.show(await phone.change("allow", relying_application=block.application.id))
    assert (shown.id, shown.request.action) == (FIRST, "allow")
