"""T53: the scan that finds nothing has to be able to find: in every column, file, letter and logger, in every form."""

import base64
import binascii
import html
import io
import json
import logging
import zlib
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
import structlog
from fpdf import FPDF

from dss.infra.schema import UtcTime, metadata
from tests.stories.canaries import Canaries, everything_logged, forms, names_in
from tests.stories.canary_flow import PASSWORD, PIN
from tests.stories.canary_outlets import printed_text
from tests.world.clock import START
from tests.world.world import World

__all__ = ["everything_logged"]

ESCAPED = b"\xf0canary\x00 that is out\xff"
WRITTEN: dict[str, Callable[[bytes], bytes]] = {
    "as it is": lambda raw: raw,
    "hexadecimal": binascii.hexlify,
    "upper-case hexadecimal": lambda raw: raw.hex().upper().encode(),
    "hexadecimal with colons": lambda raw: raw.hex(":").encode(),
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "base64 after two bytes": lambda raw: b"token-" + base64.b64encode(b"ab" + raw),
    "base64url behind a word": lambda raw: b"x" + base64.urlsafe_b64encode(raw),
    "percent-encoded": lambda raw: quote(raw).encode(),
    "a list of numbers": lambda raw: json.dumps(list(raw)).encode(),
    "what Python shows": lambda raw: repr({"box": raw}).encode(),
    "compressed in a PDF": lambda raw: b"stream\n" + zlib.compress(raw) + b"\nendstream",
    "three layers": lambda raw: base64.b64encode(b'{"x":"%s"}' % binascii.hexlify(base64.b64encode(b"--" + raw))),
}
TEXTS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": str.encode,
    "Latin-1": lambda text: text.encode("latin-1"),
    "UTF-16": lambda text: text.encode("utf-16"),
    "JSON": lambda text: json.dumps({"password": text}).encode(),
    "JSON in JSON": lambda text: json.dumps({"body": base64.b64encode(json.dumps(text).encode()).decode()}).encode(),
    "a URL": lambda text: f"/v1?password={quote(text)}".encode(),
    "HTML": lambda text: html.escape(text).encode(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_t53_bytes_are_found_however_they_are_written(way: str) -> None:
    content = b'{"said": "' + WRITTEN[way](ESCAPED) + b'"}'
    assert names_in(content, {"it": forms(ESCAPED), "another": forms(ESCAPED[::-1])}) == ["it"]


@pytest.mark.parametrize("way", TEXTS)
@pytest.mark.parametrize("text", [PASSWORD, PIN, "Key <7> & canary"])
def test_t53_text_is_found_however_it_is_written(way: str, text: str) -> None:
    content = b"said " + TEXTS[way](text) + b" to somebody"
    assert names_in(content, {"it": forms(text), "another": forms(text[::-1])}) == ["it"]


@pytest.fixture
def canaries(world: World, everything_logged: io.StringIO) -> Canaries:
    """One canary in a world where nothing has happened."""
    made = Canaries(world, everything_logged)
    made.plant("it", ESCAPED)
    return made


async def test_t53_what_stands_in_any_column_of_any_table_is_found(canaries: Canaries) -> None:
    hidden, columns = base64.b64encode(ESCAPED).decode(), set()
    async with canaries.world.services.database.write() as connection:
        for table in metadata.sorted_tables:
            row = {column.name: _holding(column, hidden) for column in table.columns}
            await connection.execute(sa.insert(table).values(row))
            columns |= {f"{table.name}.{name}" for name, value in row.items() if not isinstance(value, bool | datetime)}
    assert (await canaries.look())["it"] == columns | {"database"}
    assert len(columns) > 100

    async with canaries.world.services.database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            mine = next(column for column in table.columns if column.primary_key)
            await connection.execute(sa.delete(table).where(mine == _holding(mine, hidden)))


def _holding(column: "sa.Column[Any]", hidden: str) -> Any:
    """A value of a column's type that holds the canary; of a type that cannot, any."""
    if isinstance(column.type, UtcTime):
        return START
    kinds = {sa.LargeBinary: ESCAPED, sa.JSON: {"deep": [hidden]}, sa.String: hidden}
    return next((value for kind, value in kinds.items() if isinstance(column.type, kind)), True)


@pytest.mark.parametrize(
    "name", ["dss.notify.service", "uvicorn.error", "sqlalchemy.engine.Engine", "alembic", "asyncio"]
)
def test_t53_what_any_logger_says_is_found(canaries: Canaries, caplog: pytest.LogCaptureFixture, name: str) -> None:
    caplog.set_level(logging.INFO, logger=name)  # a command that ran here before may have told it to say less
    before = len(canaries.log.getvalue())
    logging.getLogger(name).info("said %s", {"box": ESCAPED})
    try:
        raise ValueError(ESCAPED)
    except ValueError:
        structlog.get_logger(name).exception("failed")
    assert names_in(canaries.log.getvalue()[before:].encode(), canaries.secrets) == ["it"]
    assert canaries.log.getvalue()[before:].count("\n") == 2


async def test_t53_what_lies_in_files_and_letters_is_found(canaries: Canaries) -> None:
    settings = canaries.world.services.settings
    settings.spool.mkdir(exist_ok=True)
    letter = b"Subject: x\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"Dear Alice, " + ESCAPED)
    (settings.spool / "x.eml").write_bytes(letter)
    (settings.documents / "stray").write_bytes(ESCAPED)
    (settings.home / "stray").write_bytes(ESCAPED.hex().encode())
    canaries.note("a command", repr(ESCAPED))
    assert (await canaries.look())["it"] == {"x.eml", "documents", "stray", "a command"}
    assert await canaries.misplaced() == await canaries.look()


def test_t53_what_is_printed_in_a_pdf_is_found() -> None:
    pdf = FPDF()
    pdf.add_page()
    pdf.set_font("helvetica", size=12)
    pdf.cell(text=PIN)
    assert names_in(printed_text(bytes(pdf.output())), {"it": forms(PIN)}) == ["it"]
