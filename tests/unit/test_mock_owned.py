"""docs/device-protocol.md section 3: the owner's phones and keys, as any of the phones lists and stops them."""

from datetime import UTC, datetime

import pytest

from mobile_mock.errors import BadInput, Difference, Refused
from mobile_mock.owned import OwnCredential, OwnPhone, WaitingPhone
from tests.unit import mock_files as files
from tests.unit.mock_server import CREDENTIAL, DEVICE, FIRST, OTHER_DEVICE, FakeServer, problem
from tests.unit.mock_sharing import own_key

ACTIVE = "2026-03-02T10:00:00Z"
THIS = {"id": DEVICE, "name": "My phone", "state": "active", "this": True}
NEW = {"id": OTHER_DEVICE, "name": "New phone", "state": "waiting", "this": False, "active": ACTIVE}
TEN = datetime(2026, 3, 2, 10, tzinfo=UTC)


@pytest.fixture
def server():
    server = FakeServer()
    server.pages["GET /device/v1/phones"] = {"phones": [THIS, NEW]}
    server.pages["GET /device/v1/credentials"] = {"credentials": [own_key(CREDENTIAL, relock=True)]}
    server.pages[f"POST /device/v1/phones/{OTHER_DEVICE}/block"] = {"state": "removed"}
    server.pages[f"POST /device/v1/credentials/{CREDENTIAL}/suspend"] = {"state": "suspended"}
    return server


@pytest.fixture
async def phone(server, tmp_path):
    return await server.enrolled(tmp_path)


async def test_the_phones_of_the_owner_are_listed_with_their_states(server, phone):
    assert await phone.phones() == [
        OwnPhone(DEVICE, "My phone", "active", True, None),
        OwnPhone(OTHER_DEVICE, "New phone", "waiting", False, TEN),
    ]


async def test_the_keys_of_the_owner_are_listed_with_their_states(server, phone):
    expected = {"state": "active", "key_type": "P-256", "subject": "CN=Alice Example", "has_password": False}
    more = {"certificate_sha256": files.CERTIFICATE_SHA256, "not_after": datetime(2027, 3, 2, 9, tzinfo=UTC)}

    assert await phone.credentials() == [OwnCredential(CREDENTIAL, **expected, **more, relock=True, held=True)]


async def test_a_phone_is_stopped_at_once_and_without_a_pin(server, phone):
    """T20, T22."""
    server.sent.clear()

    assert await phone.block(OTHER_DEVICE) == "removed"
    assert server.sent == []


async def test_a_key_is_stopped_at_once_and_without_a_pin(server, phone):
    """D4."""
    server.sent.clear()

    assert await phone.suspend(CREDENTIAL) == "suspended"
    assert server.sent == []


@pytest.mark.parametrize("id", ["", "7", "../x", DEVICE.lower()])
async def test_what_cannot_be_a_phone_or_a_key_is_not_asked_for(server, phone, id):
    server.calls.clear()
    for stop in (phone.block, phone.suspend):
        with pytest.raises(BadInput):
            await stop(id)
    assert server.calls == []


async def test_a_phone_that_waits_may_look_and_is_told_why_it_may_do_no_more(server, phone):
    """Section 7."""
    server.refuse = lambda path: problem(423, "locked") if path.endswith(("/block", "/shares")) else None

    assert len(await phone.phones()) == 2
    for work in (phone.block(OTHER_DEVICE), phone.take_shares()):
        with pytest.raises(Refused) as refusal:
            await work
        assert refusal.value.reason == "locked"


async def test_new_phones_that_wait_are_told_with_what_awaits_an_answer(server, phone):
    """T22: every phone of the owner tells of a new one."""
    server.waiting_phones = [{"id": OTHER_DEVICE, "name": "New phone", "active": ACTIVE}]
    server.ask()

    news = await phone.news()

    assert [notice.id for notice in news.transactions] == [FIRST] == [notice.id for notice in await phone.waiting()]
    assert news.phones == [WaitingPhone(OTHER_DEVICE, "New phone", TEN)] == await phone.waiting_phones()


async def test_a_server_that_knows_no_waiting_phones_has_none(server, phone):
    server.pages["GET /device/v1/transactions"] = {"transactions": []}

    assert await phone.waiting_phones() == []


LISTS = {
    "phones": [
        *([7], [THIS | {"state": "removed"}], [THIS | {"state": ["x"]}], [THIS | {"this": 1}], [THIS | {"more": 1}]),
        *([THIS | {"active": "soon"}], [THIS | {"name": "a\u202eb"}], [THIS | {"id": "7"}], {}, [{"id": DEVICE}]),
    ],
    "credentials": [
        *([7], [own_key("7")], [own_key(CREDENTIAL, more=1)], [own_key(CREDENTIAL, state="new")], None),
        *([own_key(CREDENTIAL, held="yes")], [own_key(CREDENTIAL, not_after="2027")]),
        *([own_key(CREDENTIAL, certificate_sha256="AA")], [own_key(CREDENTIAL, subject="a\u200bb")]),
    ],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in LISTS.items() for value in values])
async def test_a_list_in_another_form_is_refused(server, phone, name, value):
    server.pages[f"GET /device/v1/{name}"] = {name: value}

    with pytest.raises(Difference):
        await getattr(phone, name)()


@pytest.mark.parametrize(
    "value",
    [7, [7], [{"id": OTHER_DEVICE, "name": "x"}], [{"id": "7", "name": "x", "active": ACTIVE}]],
    ids=str,
)
async def test_a_waiting_phone_in_another_form_is_refused(server, phone, value):
    server.waiting_phones = value

    with pytest.raises(Difference):
        await phone.waiting()


@pytest.mark.parametrize("reply", [{}, {"state": 7}, {"state": "removed", "more": 1}, {"state": "a\u202eb"}], ids=str)
async def test_a_state_in_another_form_is_refused(server, phone, reply):
    server.pages[f"POST /device/v1/phones/{OTHER_DEVICE}/block"] = reply

    with pytest.raises(Difference):
        await phone.block(OTHER_DEVICE)
