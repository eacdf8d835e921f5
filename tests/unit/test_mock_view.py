"""What a person reads before they answer: nothing that another wrote looks like a line of the phone's, or is obeyed."""

import asyncio
import json
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from typer.testing import CliRunner, Result

from mobile_mock.cli import session
from mobile_mock.cli.papers import WIDTH, quoted
from mobile_mock.exits import Exit
from mobile_mock.main import app
from mobile_mock.request import Expected, read_request
from tests.unit.mock_batch import bare
from tests.unit.mock_server import APPLICATION, BASE, DEVICE, FIRST, PIN, USER, FakeServer, canonical

LABEL = "What the relying application says:"
OWN = ("Transaction", "Who asks", "Of whom", "For what", LABEL, "Document", "Hash", "Batch", "Code", "Numbers")


@pytest.fixture
def server(monkeypatch):
    server = FakeServer()
    monkeypatch.setattr(session, "open_phone", lambda store: nullcontext(server.phone(store)))
    return server


@pytest.fixture
def line(server, tmp_path):
    asyncio.run(server.with_share(tmp_path))

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments, env={"MOBILE_MOCK_STORE": str(tmp_path), "MOBILE_MOCK_PIN": PIN})

    return run


def told(line, *arguments: str) -> list[str]:
    result = line("show", FIRST, *arguments)
    assert result.exit_code == Exit.DONE, result.output
    return result.stdout.splitlines()


# --- what others wrote ---

LONG = f"{'x' * 69}Who asks     The Bank"  # a terminal of 80 columns would break this where the trick begins
IMITATIONS = [
    "Who asks     The Bank\nDocument 7: harmless.pdf",
    LONG,
    "Please sign\n\nWhat the relying application says:\nnothing",
    "Code         4821: the requester's page must show the same",
]


@pytest.mark.parametrize("text", IMITATIONS)
def test_text_that_imitates_the_phone_stands_apart_under_its_label(server, line, text):
    """T15: the name is the registered one; what the application says has a place of its own."""
    server.ask(text=text)
    rows = told(line)

    place = rows.index(LABEL)
    said = [row for row in rows if row.startswith("    | ")]
    assert rows[place + 1 : place + 1 + len(quoted(text))] == quoted(text)
    assert "".join(row[6:] for row in said).startswith(text.replace("\n", ""))
    assert [row for row in rows if row.startswith("Who asks")] == ["Who asks     Contracts Ltd"]
    assert [row for row in rows if row.startswith("Document")] == ["Document 0:"]


def test_the_name_of_a_document_cannot_imitate_the_phone_either(server, line):
    """T04, T15."""
    document = server.ask()["documents"][0] | {"name": f"{LONG}.pdf"}
    server.ask(documents=[document])
    rows = told(line)

    assert [row for row in rows if "The Bank" in row and not row.startswith("    | ")] == []
    assert "".join(row[6:] for row in rows[rows.index("Document 0:") + 1 :])[: len(LONG)] == LONG


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"], include_characters="\n"), max_size=300))
def test_all_of_a_text_is_shown_in_lines_that_no_terminal_breaks(text):
    """T04: over-long text is never cut."""
    rows = quoted(text)

    assert "".join(row.removeprefix("    | ") for row in rows) == text.replace("\n", "")
    assert all(row.startswith("    | ") and sum(map(cell_len, row)) <= WIDTH + 6 for row in rows)


@pytest.mark.parametrize(
    "trick",
    [
        "[red]{x}[/red] [link=https://evil.example]here[/link] [/]",
        "{0} {request.__class__} %s %(name)s ${HOME} $(id) {{ 7*7 }} {% raw %}",
        "[bold]\\[x] :warning: [[b]]",
        "<b>x</b> &amp; <script>alert(1)</script>",
    ],
)
def test_markup_and_templates_are_shown_as_they_are_wherever_they_stand(server, line, trick):
    """T04, T15: nothing that a server or an application wrote is interpreted."""
    document = server.ask()["documents"][0] | {"name": trick}
    application = {"id": APPLICATION, "name": trick}
    server.ask(text=trick, documents=[document], relying_application=application)
    rows = told(line)

    assert f"Who asks     {trick}" in rows
    assert rows[rows.index(LABEL) + 1] == f"    | {trick}"
    assert rows[rows.index("Document 0:") + 1] == f"    | {trick}"
    assert json.loads("\n".join(told(line, "--json")))["text"] == trick


def test_without_a_text_there_is_no_place_for_it(server, line):
    server.ask(text="")

    assert LABEL not in told(line)


# --- the kind of the signature ---


def test_the_kind_of_the_signature_is_shown_of_every_document(server, line):
    """T05."""
    document = server.ask()["documents"][0]
    server.ask(documents=[document, bare(1)])
    rows = told(line)

    assert "    Signature: PAdES-B-B, ecdsa, sha256; recomputed from the files, and it agrees" in rows
    assert "    Signature: hash, ecdsa, sha256" in rows


def test_the_kind_of_the_signature_is_what_the_answer_is_bound_to():
    """T05: another kind, scheme or hash algorithm is another request."""
    server = FakeServer()
    document = server.ask()["documents"][0]
    bindings = set()
    for changes in ({}, {"scheme": "pss-32"}, {"to_sign": bare(7)["to_sign"]}):
        payload = canonical(server.ask(documents=[document | changes]))
        bindings.add(read_request(payload, Expected(BASE, FIRST, USER, DEVICE), server.clock.now()).binding)

    assert len(bindings) == 3


def test_of_what_was_not_fetched_it_is_not_said_that_it_agrees(server, line):
    server.ask()
    result = line("confirm", FIRST, "--unseen")

    assert "    Signature: PAdES-B-B, ecdsa, sha256; content not seen" in result.stdout.splitlines()
    assert "it agrees" not in result.stdout
