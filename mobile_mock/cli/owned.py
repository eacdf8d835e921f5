"""`mobile-mock phones`, `block`, `keys` and `suspend`: what the owner has, and stopping it at once."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.errors import NothingToDo
from mobile_mock.exits import Exit
from mobile_mock.forms import time_text
from mobile_mock.owned import OwnCredential
from mobile_mock.phone import Phone

app = typer.Typer()


@command(app, "phones", Common)
async def phones(_: Common, phone: Phone, out: Output) -> Exit:
    """List the owner's phones."""
    for one in await phone.phones():
        active = time_text(one.active) if one.active else None
        fact = {"id": one.id, "name": one.name, "state": one.state, "this": one.this, "active": active}
        until = f" until {active}" if active else ""
        out.tell(fact, f"{one.id}  {one.name}: {one.state}{until}{', this phone' if one.this else ''}")
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Block(Common):
    """Which phone to stop."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The phone, as `phones` shows it.")]


@command(app, "block", Block)
async def block(options: Block, phone: Phone, out: Output) -> Exit:
    """Stop a phone of the owner at once, without a PIN."""
    state = await phone.block(options.id)
    out.tell({"phone": options.id, "state": state}, f"The phone is {state} now")
    return Exit.DONE


@command(app, "keys", Common)
async def keys(_: Common, phone: Phone, out: Output) -> Exit:
    """List the owner's keys."""
    found = await phone.credentials()
    if not found:
        raise NothingToDo("the owner has no key")
    for one in found:
        out.tell(_members(one), *_lines(one))
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspend(Common):
    """Which key to stop."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The key, as `keys` shows it.")]


@command(app, "suspend", Suspend)
async def suspend(options: Suspend, phone: Phone, out: Output) -> Exit:
    """Block a key at once, without a PIN; the change `resume` lets it be used again."""
    state = await phone.suspend(options.id)
    out.tell({"credential": options.id, "state": state}, f"The key is {state} now")
    return Exit.DONE


def _members(one: OwnCredential) -> dict[str, Any]:
    texts = {"certificate_sha256": one.certificate_sha256.hex(), "not_after": time_text(one.not_after)}
    return asdict(one) | texts


def _lines(one: OwnCredential) -> list[str]:
    facts = {"has a password": one.has_password, "waits to be locked anew": one.relock, "opens here": one.held}
    notes = "".join(f", {fact}" for fact, true in facts.items() if true)
    return [
        f"{one.id}  {one.state}{notes}",
        f"    {one.key_type} key of {one.subject}, certificate until {time_text(one.not_after)}",
        f"    of SHA-256 {one.certificate_sha256.hex()}",
    ]
