"""docs/device-protocol.md section 5: the owner confirms, and lets some of the documents not be signed."""

import asyncio
import json
from contextlib import nullcontext

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.cli.ranges import read_ranges
from mobile_mock.errors import BadInput, Unreachable
from mobile_mock.exits import Exit
from mobile_mock.main import app
from tests.unit.mock_batch import BatchServer, bare
from tests.unit.mock_server import FIRST, PIN, b64

FOUR = [bare(index) for index in range(4)]


@pytest.fixture
def server(monkeypatch):
    server = BatchServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
async def phone(server, tmp_path):
    return await server.with_share(tmp_path)


@pytest.fixture
def line(server, tmp_path):
    asyncio.run(server.with_share(tmp_path))

    def run(*arguments: str) -> Result:
        variables = {"MOBILE_MOCK_STORE": str(tmp_path), "MOBILE_MOCK_PIN": PIN, "COLUMNS": "200"}
        return CliRunner().invoke(app, arguments, env=variables)

    return run


# --- the answer ---


async def test_declined_documents_stand_in_the_answer_ascending_and_once_each(server, phone):
    server.ask(documents=FOUR)
    await phone.confirm(await phone.show(FIRST), PIN, declined_documents=[3, 1, 3])

    assert server.answers()[0]["declined_documents"] == [1, 3]


async def test_where_none_is_declined_the_answer_has_no_such_member(server, phone):
    server.ask(documents=FOUR)
    await phone.confirm(await phone.show(FIRST), PIN, declined_documents=[])

    assert "declined_documents" not in server.answers()[0]


@pytest.mark.parametrize("declined", [[4], [-1], [0, 1, 2, 3], [0, 4]], ids=str)
async def test_documents_that_are_not_there_or_all_of_them_are_not_declined(server, phone, declined):
    """To let nothing be signed is to decline."""
    server.ask(documents=FOUR)
    with pytest.raises(BadInput):
        await phone.confirm(await phone.show(FIRST), PIN, declined_documents=declined)

    assert server.sent == []


async def test_what_shows_no_documents_has_none_to_decline(server, phone):
    server.ask_to_create()
    with pytest.raises(BadInput):
        await phone.confirm(await phone.show(FIRST), PIN, declined_documents=[0])


async def test_an_answer_whose_reply_was_lost_is_not_sent_again_for_another_choice(server, phone):
    """What the owner decides on now is what they are told of."""
    server.ask(documents=FOUR)
    shown = await phone.show(FIRST)

    def lose(path: str) -> None:
        if path.endswith("/answer"):
            raise httpx.ConnectError("")

    server.refuse = lose
    with pytest.raises(Unreachable):
        await phone.confirm(shown, PIN, declined_documents=[1])
    server.refuse = lambda _: None
    await phone.confirm(shown, PIN, declined_documents=[2])

    first, second = server.answers()
    assert (first["declined_documents"], second["declined_documents"]) == ([1], [2])
    assert second["counter"] == first["counter"] + 1


# --- the command line ---


@given(st.sets(st.integers(0, 99_999), min_size=1, max_size=30))
def test_indexes_are_read_as_they_are_written(indexes):
    assert read_ranges([",".join(map(str, indexes))]) == tuple(sorted(indexes))
    assert read_ranges(map(str, indexes)) == tuple(sorted(indexes))


def test_ranges_and_single_indexes_may_be_mixed_repeated_and_overlap():
    assert read_ranges(["3,7-9", "8-10", " 1 , 3"]) == (1, 3, 7, 8, 9, 10)
    assert read_ranges([]) == ()


@pytest.mark.parametrize("text", ["", ",", "3,", "a", "-1", "1-", "9-7", "1-2-3", "100000", "1 2", "\u0663", "1.0"])
def test_what_names_no_documents_is_refused(text):
    with pytest.raises(BadInput, match="names no documents"):
        read_ranges([text])


def test_documents_are_declined_by_an_option_that_may_be_repeated(server, line):
    server.ask_for_batch([bare(index) for index in range(101)])
    result = line("confirm", FIRST, "--decline-document", "3,7-9", "--decline-document", "100")

    assert result.exit_code == Exit.DONE, result.output
    assert server.answers()[0]["declined_documents"] == [3, 7, 8, 9, 100]


def test_to_decline_them_all_is_refused_by_the_phone(server, line):
    server.ask(documents=FOUR)

    assert line("confirm", FIRST, "--decline-document", "0-3").exit_code == Exit.USAGE
    assert server.sent == []


# --- review of a batch ---


def test_a_batch_is_listed_with_name_size_format_and_hash(server, line):
    """I15."""
    documents = server.documents_of(101)
    server.ask_for_batch(documents)
    told = line("show", FIRST).stdout.splitlines()

    assert any(row.startswith("Batch        101 documents; each was fetched and checked") for row in told)
    place = told.index("    42  | invoice-42.pdf")
    assert "26 bytes, PAdES-B-B, SHA-256 " in told[place + 1]
    assert "   100  | invoice-100.pdf" in told


def test_of_some_documents_all_is_shown(server, line):
    server.ask_for_batch(server.documents_of(101))
    told = line("show", FIRST, "--only", "3,99-100").stdout

    shown = [row for row in told.splitlines() if row.startswith("Document ")]
    assert shown == ["Document 3:", "Document 99:", "Document 100:"]
    assert told.count("Signature: PAdES-B-B, ecdsa, sha256; recomputed from the files, and it agrees") == 3


def test_a_batch_of_bare_hashes_says_that_no_content_was_seen(server, line):
    server.ask_for_batch([bare(index) for index in range(101)])

    assert line("show", FIRST).stdout.count("content not seen") == 101


def test_a_program_is_told_all_documents_of_a_batch_and_its_root(server, line):
    payload = server.ask_for_batch([bare(index) for index in range(101)])
    fact = json.loads(line("show", FIRST, "--json").stdout)

    assert (fact["batch"]["count"], len(fact["documents"])) == (101, 101)
    assert b64(bytes.fromhex(fact["batch"]["root"])) == payload["batch"]["root"]
