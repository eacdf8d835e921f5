"""How a command reaches the services, prints what came of it, and tells a refusal."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from dss.infra import logs
from dss.kernel.errors import DssError
from dss.settings import Role, Settings
from dss.wiring import Services, opened

Result = TypeVar("Result")
OPERATOR = "operator:cli"
out, err = Console(), Console(stderr=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def settings(role: Role = Role.ALL) -> Settings:
    """Read the settings; without them, say what to do and leave."""
    try:
        read = Settings.load(role)
    except (KeyError, ValueError) as fault:
        raise leave(f"the settings are not complete ({fault}); run `dss init`, or set DSS_HOME") from fault
    logs.configure(read.log_level.upper(), sys.stderr)
    return read


def run(verb: Callable[[Services], Awaitable[Result]]) -> Result:
    """Run a verb over the services; a refusal is printed, and ends the command with 1."""
    return attempt(_with_services(verb, settings()))


def attempt(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a coroutine; a refusal is printed, and ends the command with 1."""
    try:
        return asyncio.run(work)
    except DssError as fault:
        raise leave(f"{fault.title}: {fault.detail}" if fault.detail else fault.title) from fault


def leave(sentence: str) -> typer.Exit:
    """Print why the command ends, and return the exit to raise."""
    err.print(f"[red]{sentence}[/red]", highlight=False)
    return typer.Exit(1)


def show(value: dict[str, Any], *, as_json: bool) -> None:
    """Print one thing, as JSON or as lines."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False))
        return
    for name, text in value.items():
        out.print(f"[bold]{name}[/bold]: {text}", highlight=False)


def show_all(values: list[dict[str, Any]], *, as_json: bool) -> None:
    """Print a list, as one JSON object a line or as a table."""
    if as_json:
        for value in values:
            typer.echo(json.dumps(value, ensure_ascii=False))
        return
    if not values:
        out.print("nothing")
        return
    table = Table(*values[0])
    for value in values:
        table.add_row(*(str(cell) for cell in value.values()))
    out.print(table)


async def _with_services(verb: Callable[[Services], Awaitable[Result]], read: Settings) -> Result:
    async with opened(read) as services:
        return await verb(services)
