"""docs/device-protocol.md sections 3 to 5: a batch is fetched, checked, and answered for all but what is declined."""

import asyncio
from dataclasses import replace

import httpx
import pytest

from mobile_mock import fetching
from mobile_mock.batch import FEWEST, LARGEST_LINE
from mobile_mock.errors import Difference
from mobile_mock.request import Expected, read_request
from tests.unit.mock_batch import BatchServer, bare
from tests.unit.mock_server import BASE, DEVICE, FIRST, PIN, USER

EXPECTED = Expected(BASE, FIRST, USER, DEVICE)
ITEMS = f"/device/v1/transactions/{FIRST}/items"


@pytest.fixture
def server():
    return BatchServer()


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


# --- fetching ---


async def test_all_documents_of_a_batch_are_fetched_checked_and_handed_out_in_their_order(server, phone):
    """T03, I15."""
    server.ask_for_batch(server.documents_of(FEWEST))
    seen = []

    shown = await phone.show(FIRST, lambda document, original: seen.append((document.index, original)))

    assert [index for index, _ in seen] == [document.index for document in shown.request.documents]
    assert len(seen) == FEWEST
    assert b"Invoice 42\n" in seen[42][1]


async def test_a_batch_is_fetched_page_by_page(server, phone):
    server.ask_for_batch([bare(index) for index in range(1234)])

    assert len((await phone.show(FIRST)).request.documents) == 1234
    asked = [dict(call.url.params) for call in server.calls if call.url.path == ITEMS]
    assert asked == [{"after": "0", "limit": "1000"}, {"after": "1000", "limit": "234"}]


async def test_a_server_may_give_fewer_lines_than_were_asked_for(server, phone):
    server.ask_for_batch([bare(index) for index in range(250)])
    server.page = 100

    assert len((await phone.show(FIRST)).request.documents) == 250


@pytest.mark.parametrize(
    "spoil",
    [
        lambda page: b"",
        lambda page: page[:-1],
        lambda page: page + page,
        lambda page: page.replace(b'"index":7,', b'"index":8,'),
        lambda page: page.replace(b"\n", b"\r\n"),
        lambda page: b"[" + page + b"]",
    ],
    ids=["no end", "cut", "twice", "another index", "other line ends", "a list"],
)
async def test_a_page_that_was_changed_on_the_way_is_not_shown(server, phone, spoil):
    """T03, T06."""
    server.ask_for_batch([bare(index) for index in range(FEWEST)])
    server.spoil = spoil

    with pytest.raises(Difference):
        await phone.show(FIRST)


@pytest.mark.parametrize("name", ["original", "prepared", "attributes"])
async def test_one_changed_file_among_many_is_found(server, phone, name):
    """T03."""
    server.ask_for_batch(server.documents_of(FEWEST))
    path = f"/device/v1/transactions/{FIRST}/documents/77/{name}"
    server.documents[path] = server.documents[path].replace(b"%", b"$", 1) + b" "

    with pytest.raises(Difference):
        await phone.show(FIRST)


async def test_a_page_that_does_not_end_is_given_up(server, phone):
    """T56."""
    server.ask_for_batch([bare(index) for index in range(FEWEST)])
    server.refuse = lambda path: (
        httpx.Response(200, content=b"x" * (FEWEST * LARGEST_LINE + 1)) if path == ITEMS else None
    )
    with pytest.raises(Difference, match="more than"):
        await phone.show(FIRST)


async def test_only_a_few_documents_are_fetched_at_a_time(server, phone, monkeypatch):
    """T56: neither all of a batch at once, nor one after the other."""
    server.ask_for_batch(server.documents_of(FEWEST))
    shown = await phone.show(FIRST)
    running, most, right = 0, 0, fetching._original

    async def counted(*arguments):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        original = await right(*arguments)
        running -= 1
        return original

    monkeypatch.setattr(fetching, "_original", counted)
    assert await phone.show(FIRST) == shown
    assert most == fetching.AT_A_TIME

    monkeypatch.setattr(fetching, "ROOM", 2 * shown.request.documents[0].content.size)
    most = 0
    assert await phone.show(FIRST) == shown
    assert most == 2


# --- answering ---


async def test_a_batch_is_confirmed_but_for_the_declined_documents(server, phone):
    server.ask_for_batch([bare(index) for index in range(FEWEST)])
    await phone.confirm(await phone.show(FIRST), PIN, declined_documents=[9, 3, 9])

    assert server.answers()[0]["declined_documents"] == [3, 9]


async def test_the_documents_of_a_batch_that_was_not_looked_at_can_be_declined_too(server, phone):
    server.ask_for_batch([bare(index) for index in range(FEWEST)])
    request = read_request(server.requests[FIRST], EXPECTED, server.clock.now())
    shown = replace(await phone.show(FIRST), request=request)

    await phone.confirm(shown, PIN, declined_documents=range(FEWEST - 1))

    assert server.answers()[0]["declined_documents"] == list(range(FEWEST - 1))
