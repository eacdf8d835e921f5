"""docs/device-protocol.md section 13: what a phone shows of a sign-in, and how it is answered."""

from typing import Any

import pytest

from mobile_mock.cli import view
from mobile_mock.errors import Difference
from mobile_mock.matter import Login
from mobile_mock.phone import Phone
from tests.unit.mock_server import FIRST, KEY, PIN, SECOND, FakeServer

LOGIN = {"id": SECOND, "address": "192.0.2.17", "agent": "Firefox on Linux"}
ASKED: dict[str, Any] = {"kind": "login", "login": LOGIN, "documents": [], "credential": None, "text": ""}


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
async def phone(server: FakeServer, tmp_path: Any) -> Phone:
    return await server.with_share(tmp_path)


async def test_a_sign_in_is_shown_with_address_and_browser(server: FakeServer, phone: Phone) -> None:
    server.ask(**ASKED)
    shown = await phone.show(FIRST)

    assert shown.request.login == Login(SECOND, "192.0.2.17", "Firefox on Linux")
    assert view.members(shown)["login"] == LOGIN
    lines = "\n".join(view.lines(shown))
    assert "from 192.0.2.17, by Firefox on Linux" in lines
    assert "decline it as not yours" in lines


async def test_what_is_not_told_of_it_is_said_not_to_be(server: FakeServer, phone: Phone) -> None:
    server.ask(**ASKED | {"login": LOGIN | {"address": "", "agent": ""}})
    assert "from an address that is not told, by a browser that is not told" in "\n".join(
        view.lines(await phone.show(FIRST))
    )


async def test_a_sign_in_is_confirmed_by_the_pin_alone(server: FakeServer, phone: Phone) -> None:
    server.ask(**ASKED)
    await phone.confirm(await phone.show(FIRST), PIN)
    assert set(server.opened(server.sent[-1][1])) == {"header", "pin_proof"}


@pytest.mark.parametrize(
    "wrong",
    [
        *({"login": None}, {"login": {}}, {"login": LOGIN | {"more": "x"}}, {"login": LOGIN | {"id": "x"}}),
        *({"login": LOGIN | {"address": 7}}, {"login": LOGIN | {"agent": "Fire\u202efox"}}),
        *({"credential": KEY}, {"relock": True}, {"kind": "sign"}, {"kind": "session"}),
        *({"session": {"signatures": 1, "minutes": 1}}, {"phone": FIRST}),
    ],
)
async def test_a_sign_in_that_is_not_as_the_protocol_says_is_refused(
    server: FakeServer, phone: Phone, wrong: dict[str, Any]
) -> None:
    server.ask(**{**ASKED, **wrong})
    with pytest.raises(Difference):
        await phone.show(FIRST)


async def test_a_sign_in_that_shows_documents_is_refused(server: FakeServer, phone: Phone) -> None:
    server.ask(**{name: value for name, value in ASKED.items() if name != "documents"})
    with pytest.raises(Difference, match="documents"):
        await phone.show(FIRST)
