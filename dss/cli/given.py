"""What the command line names: files, keys, times."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from dss.audit.note import ED25519, LONGEST_NOTE, VerifierKey
from dss.cli.running import leave
from dss.kernel.clock import read_timestamp
from dss.kernel.errors import DssError


def moment(text: str) -> datetime:
    """Read a time in whole seconds, or a day, which begins at midnight; both in UTC."""
    try:
        return read_timestamp(text) if "T" in text else datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as fault:
        raise typer.BadParameter("a time is written 2026-11-21 or 2026-11-21T14:05:00Z, in UTC") from fault


def log_key(text: str) -> VerifierKey:
    """Read a log's key, or a file with one; leave where it is none.

    A file that is there is meant, though its name looks like a key. os.path says no where no file can have the name.
    """
    is_key = "+" in text and not os.path.isfile(text)  # noqa: PTH113
    written = text if is_key else text_of(Path(text), LONGEST_NOTE).strip()
    try:
        key = VerifierKey.read(written)
    except DssError as fault:
        raise leave(f"the log's key cannot be used: {fault.detail}") from fault
    if key.type != ED25519:
        raise leave("the log's key cannot be used: it is a witness's")
    return key


def text_of(file: Path, most: int) -> str:
    """Read a file of text; leave where it cannot be read, or has more bytes than it may."""
    try:
        return bytes_of(file, most).decode()
    except UnicodeDecodeError as fault:
        raise leave(f"{file} is not text in UTF-8") from fault


def bytes_of(file: Path, most: int) -> bytes:
    """Read a file; leave where it cannot be read, or has more bytes than it may."""
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError as fault:
        raise leave(f"{file} cannot be read: {fault.strerror}") from fault
    if len(content) > most:
        raise leave(f"{file} has more than {most} bytes")
    return content


Since = Annotated[datetime | None, typer.Option("--from", parser=moment, metavar="TIME", help="From this time on.")]
Until = Annotated[datetime | None, typer.Option("--to", parser=moment, metavar="TIME", help="Before this time.")]


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file that nobody else may read, and that is not there yet; it goes again where its writing fails."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as fault:
        raise leave(f"{path} cannot be made: {fault.strerror}") from fault
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
    except BaseException:
        path.unlink()
        raise
