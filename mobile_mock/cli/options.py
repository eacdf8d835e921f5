"""Commands whose options are one frozen dataclass: typer reads its fields as if they were a function's parameters."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import MISSING, Field, dataclass, fields
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import typer

from mobile_mock.cli import session
from mobile_mock.cli.output import Output
from mobile_mock.exits import Exit
from mobile_mock.phone import Phone

PIN_VARIABLE, NEW_PIN_VARIABLE = "MOBILE_MOCK_PIN", "MOBILE_MOCK_NEW_PIN"
KEY_PASSWORD_VARIABLE, NEW_KEY_PASSWORD_VARIABLE = "MOBILE_MOCK_KEY_PASSWORD", "MOBILE_MOCK_NEW_KEY_PASSWORD"


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every command takes."""

    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False
    store: Annotated[
        Path, typer.Option("--store", envvar="MOBILE_MOCK_STORE", metavar="DIR", help="Where this phone is kept.")
    ] = Path("~/.mobile-mock")


Options = TypeVar("Options", bound=Common)
Verb = Callable[[Options, Phone, Output], Awaitable[Exit]]


def command(app: typer.Typer, name: str, takes: type[Options]) -> Callable[[Verb[Options]], Verb[Options]]:
    """Register a verb under a name; its docstring is its help."""

    def register(verb: Verb[Options]) -> Verb[Options]:
        def invoke(**values: Any) -> None:
            options = takes(**values)
            out = Output(as_json=options.json)
            raise typer.Exit(session.run(lambda phone, out: verb(options, phone, out), options.store, out))

        hints = get_type_hints(takes, include_extras=True)
        parameters = [_parameter(item, hints[item.name]) for item in fields(takes)]
        invoke.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # inspect reads it
        invoke.__doc__ = verb.__doc__
        app.command(name)(invoke)
        return verb

    return register


def _parameter(item: "Field[Any]", hint: Any) -> inspect.Parameter:
    default = inspect.Parameter.empty if item.default is MISSING else item.default
    return inspect.Parameter(item.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hint)
