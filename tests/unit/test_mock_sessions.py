"""docs/device-protocol.md section 11: sessions, as a phone is asked for one, lists it and ends it."""

from datetime import UTC, datetime

import pytest

from mobile_mock.errors import BadInput, Difference, Refused
from mobile_mock.matter import Application, Session
from mobile_mock.owned import OwnSession
from tests.unit.mock_server import APPLICATION, CREDENTIAL, FIRST, KEY, PIN, RECIPE, SECOND, FakeServer, problem

SESSION = {
    "id": FIRST,
    "relying_application": {"id": APPLICATION, "name": "Contracts Ltd"},
    "credential": CREDENTIAL,
    "signatures": 40,
    "used": 3,
    "started": "2026-03-02T09:00:00Z",
    "expires": "2026-03-02T09:30:00Z",
}
SESSIONS = "GET /device/v1/sessions"
ASKED = {"kind": "session", "session": {"signatures": 40, "minutes": 30}, "documents": []}


@pytest.fixture
def server():
    server = FakeServer()
    server.after_answer = "confirmed"
    server.pages[SESSIONS] = {"sessions": [SESSION]}
    server.pages[f"POST /device/v1/sessions/{FIRST}/end"] = {"state": "signed"}
    return server


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


# --- asked for one ---


async def test_a_session_is_shown_with_how_many_signatures_and_how_long(server, phone):
    server.ask(**ASKED)
    shown = await phone.show(FIRST)

    assert shown.request.session == Session(signatures=40, minutes=30)
    assert (shown.request.credential.id, shown.request.documents) == (CREDENTIAL, ())


async def test_a_session_is_confirmed_with_the_share_of_the_key_and_goes_on(server, phone):
    """T36."""
    server.ask(**ASKED)

    assert await phone.confirm(await phone.show(FIRST), PIN) == "confirmed"
    box = server.opened(server.sent[-1][1])
    assert set(box) == {"header", "pin_proof", "k_act"}


async def test_a_session_of_a_key_with_a_password_needs_it(server, phone):
    server.ask(**ASKED, credential=KEY | {"password": RECIPE})
    shown = await phone.show(FIRST)

    with pytest.raises(BadInput, match="password"):
        await phone.confirm(shown, PIN)
    await phone.confirm(shown, PIN, key_password="Passw0rd")
    assert "k_pwd" in server.opened(server.sent[-1][1])


@pytest.mark.parametrize(
    "wrong",
    [
        *({"session": None}, {"session": {"signatures": 40}}, {"session": {"signatures": 0, "minutes": 30}}),
        *({"session": {"signatures": 10_001, "minutes": 30}}, {"session": {"signatures": 40, "minutes": 0}}),
        *({"session": {"signatures": 40, "minutes": 1441}}, {"session": {"signatures": "40", "minutes": 30}}),
        *({"credential": None}, {"relock": True}, {"kind": "sign"}),
    ],
)
async def test_a_session_that_is_not_as_the_protocol_says_is_refused(server, phone, wrong):
    """T36."""
    server.ask(**{**ASKED, **wrong})

    with pytest.raises(Difference):
        await phone.show(FIRST)


async def test_a_session_that_shows_documents_is_refused(server, phone):
    """T36: a person who sees documents would take them for all that is signed."""
    server.ask(**{name: value for name, value in ASKED.items() if name != "documents"})

    with pytest.raises(Difference, match="documents"):
        await phone.show(FIRST)


async def test_a_signature_in_a_session_is_answered_by_no_phone(server, phone):
    server.ask(session={"id": SECOND, "place": 1})

    with pytest.raises(Difference, match="asked of no phone"):
        await phone.show(FIRST)


# --- listing and ending ---


async def test_the_sessions_that_go_on_are_listed(server, phone):
    (session,) = await phone.sessions()

    assert session == OwnSession(
        id=FIRST,
        application=Application(APPLICATION, "Contracts Ltd"),
        credential=CREDENTIAL,
        signatures=40,
        used=3,
        started=datetime(2026, 3, 2, 9, tzinfo=UTC),
        expires=datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
    )


async def test_a_session_is_ended_at_once_and_without_a_pin(server, phone):
    """T37."""
    assert await phone.end_session(FIRST) == "signed"
    assert server.sent == []


@pytest.mark.parametrize("id", ["", "7", "../x", FIRST.lower()])
async def test_what_cannot_be_a_session_is_not_asked_for(server, phone, id):
    server.calls.clear()
    with pytest.raises(BadInput):
        await phone.end_session(id)
    assert server.calls == []


async def test_a_session_that_is_not_there_is_refused(server, phone):
    server.refuse = lambda path: problem(404, "not_found") if path.endswith("/end") else None

    with pytest.raises(Refused) as refusal:
        await phone.end_session(FIRST)
    assert refusal.value.status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        *({"used": 41}, {"used": -1}, {"signatures": 0}, {"id": "7"}, {"credential": None}, {"more": 1}),
        *({"relying_application": {"id": APPLICATION, "name": "Contracts\u202eLtd"}}, {"expires": "tomorrow"}),
    ],
)
async def test_a_list_that_is_not_as_the_protocol_says_is_refused(server, phone, wrong):
    server.pages[SESSIONS] = {"sessions": [SESSION | wrong]}

    with pytest.raises(Difference):
        await phone.sessions()
