"""How a command reaches the services, prints what came of it, and tells a refusal."""

import asyncio
import json
import logging
import os
import pwd
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from sqlalchemy.exc import DBAPIError

from dss.infra import logs, migrating
from dss.kernel.errors import Conflict, DssError
from dss.settings import Role, Settings, TokenName
from dss.wiring import Services, opened

Result = TypeVar("Result")


def _account() -> str:
    """Return the name of the account that runs this, as the system knows it: the environment says what one likes."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number that has no name
        return f"uid-{os.getuid()}"


OPERATOR = f"operator:{_account()}"
out, err = Console(), Console(stderr=True)
COPIED = {"id", "subject"}  # never broken over lines
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
After = Annotated[str | None, typer.Option(help="Begin after this id.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="How many to list at most.")]


def settings(role: Role = Role.ALL, pins: Collection[TokenName] | None = None) -> Settings:
    """Read the settings; where they cannot be, say why and leave. pins: the tokens to open, the role's by default."""
    try:
        read = Settings.load(role, pins)
    except DssError as fault:
        raise leave(f"the settings cannot be used: {fault.detail}") from fault
    logs.configure(read.log_level.upper(), sys.stderr)
    # It tells each of its own steps before ours.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return read


def run(verb: Callable[[Services], Awaitable[Result]], *needs: TokenName) -> Result:
    """Run a verb over the services with the tokens that it needs; a refusal is printed, and ends the command with 1."""
    return attempt(_with_services(verb, settings(pins=needs), needs))


def attempt(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine; a refusal is printed, and ends the command with 1."""
    try:
        return asyncio.run(work)
    except DssError as fault:
        raise leave(f"{fault.title}: {fault.detail}" if fault.detail else fault.title) from fault


def leave(sentence: str) -> typer.Exit:
    """Print why the command ends, and return the exit to raise."""
    err.print(f"[red]{escape(sentence)}[/red]", highlight=False, soft_wrap=True)
    return typer.Exit(1)


async def require_schema(database_url: str) -> None:
    """Raise Conflict unless the database has every step that this program needs; DatabaseUnavailable.

    Steps only add, so a database that is ahead is as good: this program runs on until it is replaced.
    """
    found, needed = await migrating.current(database_url), migrating.head()
    if found is None:
        raise Conflict("the database is empty: run `dss init`, or `dss migrate`, or set DSS_HOME")
    if int(found) < int(needed):
        raise Conflict(f"the database is at {found}, this program needs {needed}: run `dss migrate`")


def show(value: dict[str, Any], *, as_json: bool) -> None:
    """Print one thing, as JSON or as lines."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False))
        return
    for name, text in value.items():
        out.print(f"[bold]{name}[/bold]: {escape(str(text))}", highlight=False)


def show_all(values: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print a list, as one JSON object a line or as a table that cuts nothing short."""
    if as_json:
        for value in values:
            typer.echo(json.dumps(value, ensure_ascii=False))
        return
    if not values:
        out.print("nothing")
        return
    table = Table()
    for name in values[0]:
        table.add_column(name, overflow="fold", no_wrap=name in COPIED)
    for value in values:
        table.add_row(*(Text(str(cell)) for cell in value.values()))
    out.print(table)


async def _with_services(
    verb: Callable[[Services], Awaitable[Result]], read: Settings, needs: Collection[TokenName]
) -> Result:
    async with opened(read, needs=needs) as services:
        try:
            return await verb(services)
        except DBAPIError:
            # A statement that the database does not know: its schema may be an older one.
            await require_schema(read.database_url)
            raise
