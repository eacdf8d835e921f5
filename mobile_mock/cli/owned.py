"""`mobile-mock phones`, `keys`, `sessions` and `blocks`: what the owner has, and stopping it at once."""

from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.errors import NothingToDo
from mobile_mock.exits import Exit
from mobile_mock.forms import time_text
from mobile_mock.owned import OwnCredential, OwnSession
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


@command(app, "sessions", Common)
async def sessions(_: Common, phone: Phone, out: Output) -> Exit:
    """List the owner's sessions that go on: signatures that are made without the phone."""
    found = await phone.sessions()
    if not found:
        raise NothingToDo("no session goes on")
    for one in found:
        out.tell(_session_members(one), *_session_lines(one))
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSession(Common):
    """Which session to end."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The session, as `sessions` shows it.")]


@command(app, "end-session", EndSession)
async def end_session(options: EndSession, phone: Phone, out: Output) -> Exit:
    """End a session at once, without a PIN."""
    state = await phone.end_session(options.id)
    out.tell({"session": options.id, "state": state}, f"The session has ended; it is {state} now")
    return Exit.DONE


@command(app, "blocks", Common)
async def blocks(_: Common, phone: Phone, out: Output) -> Exit:
    """List the applications that may not ask the owner; the change `allow` lets one ask again."""
    found = await phone.blocks()
    if not found:
        raise NothingToDo("every application may ask")
    for one in found:
        since = time_text(one.blocked)
        fact = {"relying_application": asdict(one.application), "blocked": since}
        out.tell(fact, f"{one.application.id}  {one.application.name}: may not ask since {since}")
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


def _session_members(one: OwnSession) -> dict[str, Any]:
    members = asdict(one)
    application = members.pop("application")
    times = {"started": time_text(one.started), "expires": time_text(one.expires)}
    return members | {"relying_application": application} | times


def _session_lines(one: OwnSession) -> list[str]:
    return [
        f"{one.id}  {one.application.name}: {one.used} of {one.signatures} signatures made",
        f"    by key {one.credential}, from {time_text(one.started)} until {time_text(one.expires)}",
    ]
