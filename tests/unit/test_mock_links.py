"""docs/device-protocol.md section 10: scanning the QR on a requester's page, and the one form of its text."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from mobile_mock.errors import BadInput, Difference, Refused
from mobile_mock.forms import LARGEST_INTEGER, b64url
from mobile_mock.link_code import LinkCode, read_link_code
from mobile_mock.scanning import Mischief, text_in, text_of
from tests.unit.mock_pages import CODE, LINK, LINK_CODE, LINKS, encoded, qr, screen
from tests.unit.mock_server import FIRST, PIN, SECOND, FakeServer, problem

IDS = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)
CODES = st.binary(min_size=32, max_size=32).map(b64url)
SERVERS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)
LIGHT = qr(LINK)


# --- the text ---


def test_the_text_is_that_of_the_protocol():
    assert LINK_CODE.text() == LINK
    assert read_link_code(LINK) == LINK_CODE


@settings(deadline=None)
@given(SERVERS, IDS, st.integers(0, LARGEST_INTEGER), CODES)
def test_a_code_is_read_back_as_it_was_written(server, transaction, time, code):
    link = LinkCode(server, transaction, time, code)

    assert read_link_code(link.text()) == link


@settings(deadline=None)
@given(st.integers(0, len(LINK)), st.integers(0, 3), st.text(max_size=3))
def test_whatever_is_read_would_be_written_so_again(place, dropped, put):
    text = LINK[:place] + put + LINK[place + dropped :]

    with suppress(BadInput):
        assert read_link_code(text).text() == text


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_other_text_is_refused(text):
    with pytest.raises(BadInput):
        read_link_code(text)


@pytest.mark.parametrize(
    "spoilt",
    [
        *(LINK + "\n", " " + LINK, LINK + "&x=1", LINK.replace(":v1", ":v2"), LINK.replace("dss-link", "dss-share")),
        *(LINK.replace("%3A", ":"), LINK.replace("%3A", "%3a"), LINK.replace("n.e", "n%FFe")),
        *(LINK.replace(FIRST, FIRST.lower()), LINK.replace("s=1", "s=01"), LINK.replace("s=1", "s=-1")),
        *(LINK.replace("s=1772442000", f"s={LARGEST_INTEGER + 1}"), LINK.replace("s=1772442000", "s=\u0661")),
        *(LINK[:-1], LINK + "=", LINK[:-1] + "B", LINK.replace(f"&a={CODE}", "")),
    ],
)
def test_a_code_in_any_other_form_is_refused(spoilt):
    with pytest.raises(BadInput):
        read_link_code(spoilt)


# --- the picture ---


@pytest.mark.parametrize(
    "picture",
    [
        *(LIGHT, ImageOps.invert(LIGHT.convert("L")), qr(LINK, dark="#203040", light="#dde")),
        *(qr(LINK, scale=1), qr(LINK, scale=3, light=None), LIGHT.convert("RGB").rotate(90)),
        *(screen(LIGHT), screen(LIGHT, dark=True), screen(qr(LINK, scale=2)), screen(qr(LINK, scale=2), dark=True)),
        *(screen(LIGHT.convert("L").rotate(3, expand=True, fillcolor=255)), screen(qr(LINK, scale=8), at=(20, 20))),
    ],
    ids=[
        *("alone", "inverted", "coloured", "tiny", "transparent", "turned"),
        *("screen", "dark-screen", "small-on-screen", "small-on-dark-screen", "askew", "large"),
    ],
)
def test_the_code_is_found_in_a_picture_of_it_or_of_the_whole_screen(picture):
    assert text_of(encoded(picture)) == LINK


def test_the_code_is_found_in_a_photograph():
    assert text_of(encoded(screen(LIGHT).convert("RGB").resize((1024, 640)), "JPEG")) == LINK


def test_the_text_itself_may_come_by_a_pipe():
    assert text_of(f"{LINK}\n".encode()) == LINK


def test_a_source_is_the_text_or_the_name_of_a_picture(tmp_path):
    (tmp_path / "screen.png").write_bytes(encoded(screen(LIGHT)))

    assert text_in(LINK) == LINK
    assert text_in(str(tmp_path / "screen.png")) == LINK


@pytest.mark.parametrize(
    "picture",
    [
        *(Image.new("L", (400, 300), 255), screen(qr("https://sign.example"))),
        screen(LIGHT, at=(40, 40)).resize((60, 40)),
    ],
    ids=["empty", "of another page", "too small to read"],
)
def test_a_picture_without_a_code_is_refused(picture):
    with pytest.raises(BadInput, match="0 codes"):
        text_of(encoded(picture))


def test_a_picture_with_two_different_codes_is_refused():
    picture = screen(LIGHT)
    picture.paste(qr(LINK.replace(FIRST, SECOND)).convert("L"), (100, 150))

    with pytest.raises(BadInput, match="2 codes"):
        text_of(encoded(picture))


@pytest.mark.parametrize("source", ["", "absent.png", "dss-share:v1?u=x", "https://sign.example", "a\0b"])
def test_a_source_that_is_neither_text_nor_picture_is_refused(source):
    with pytest.raises(BadInput):
        text_in(source)


def test_a_damaged_picture_is_refused():
    with pytest.raises(BadInput):
        text_of(encoded(LIGHT)[:200])


# --- the call ---


@pytest.fixture
def server():
    server = FakeServer()
    server.pages[f"POST {LINKS}"] = {"transaction": FIRST}
    return server


@pytest.fixture
async def phone(server, tmp_path):
    phone = await server.with_share(tmp_path)
    server.ask(FIRST)
    return phone


def sent(server: FakeServer) -> list[dict]:
    return [body for path, body in server.sent if path == LINKS]


async def test_a_scanned_code_opens_its_transaction_to_be_confirmed_like_any_other(server, phone):
    id = await phone.scan(LINK)

    assert id == FIRST
    assert sent(server) == [{"transaction": FIRST, "time": 1_772_442_000, "code": CODE}]
    assert await phone.confirm(await phone.show(id), PIN) == "signed"


async def test_a_code_of_another_server_is_sent_to_nobody(server, phone):
    """T10."""
    server.calls.clear()
    with pytest.raises(BadInput, match="another server"):
        await phone.scan(LinkCode("https://evil.example", FIRST, 0, CODE).text())
    assert server.calls == []


async def test_a_transaction_that_was_not_scanned_is_not_shown_in_its_place(server, phone):
    """T10."""
    server.pages[f"POST {LINKS}"] = {"transaction": SECOND}

    with pytest.raises(Difference, match="another transaction"):
        await phone.scan(LINK)


@pytest.mark.parametrize(("status", "reason"), [(404, "not_found"), (409, "conflict"), (410, "expired"), (429, "x")])
async def test_the_refusal_of_a_code_is_told(server, phone, status, reason):
    server.refuse = lambda path: problem(status, reason) if path == LINKS else None

    with pytest.raises(Refused) as refusal:
        await phone.scan(LINK)
    assert (refusal.value.status, refusal.value.reason) == (status, reason)


# --- what a tester does wrong ---


async def test_a_code_may_be_sent_late(server, phone):
    before = server.clock.now()
    await phone.scan(LINK, Mischief(after=4))

    assert (server.clock.now() - before).total_seconds() == 4
    assert sent(server)[0]["time"] == 1_772_442_000


async def test_a_code_may_be_forged(server, phone):
    await phone.scan(LINK, Mischief(forge=True))

    (body,) = sent(server)
    assert body["code"] != CODE
    assert body == {"transaction": FIRST, "time": 1_772_442_000, "code": body["code"]}
    assert len(body["code"]) == len(CODE)


async def test_a_code_may_be_sent_a_second_time(server, phone):
    before = server.clock.now()
    await phone.scan(LINK, Mischief(again=2))

    assert sent(server)[0] == sent(server)[1]
    assert (server.clock.now() - before).total_seconds() == 2
