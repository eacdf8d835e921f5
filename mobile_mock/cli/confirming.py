"""What the commands that confirm have in common: what the owner types, showing first, and how it ended."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from mobile_mock import passwords, pins
from mobile_mock.answer import CODE_DIFFERS, DECLINE
from mobile_mock.cli import view
from mobile_mock.cli.options import (
    KEY_PASSWORD_VARIABLE,
    NEW_KEY_PASSWORD_VARIABLE,
    NEW_PIN_VARIABLE,
    PIN_VARIABLE,
    Common,
)
from mobile_mock.cli.output import Output
from mobile_mock.cli.verifying import Page, page
from mobile_mock.delivering import ON_THE_WAY, SIGNED
from mobile_mock.exits import Exit
from mobile_mock.matter import PASSWORD, PIN, SESSION, SIGN, Credential
from mobile_mock.misbehave import HONEST, Misbehaviour
from mobile_mock.phone import Phone
from mobile_mock.request import Request
from mobile_mock.vow import Typed


class By(StrEnum):
    """How the owner proves to be there."""

    PIN = "pin"
    BIOMETRIC = "biometric"


Pin = Annotated[str | None, typer.Option(envvar=PIN_VARIABLE, help="The PIN; asked if absent.")]
KeyPassword = Annotated[
    str | None, typer.Option(envvar=KEY_PASSWORD_VARIABLE, help="The key's password; asked if absent and needed.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirming(Common):
    """By what to confirm, and how long to wait for the end."""

    pin: Pin = None
    key_password: KeyPassword = None
    new_pin: Annotated[
        str | None, typer.Option(envvar=NEW_PIN_VARIABLE, help="A new PIN; asked twice if absent and needed.")
    ] = None
    new_key_password: Annotated[
        str | None,
        typer.Option(
            envvar=NEW_KEY_PASSWORD_VARIABLE, help="A new password of the key; asked twice if absent and needed."
        ),
    ] = None
    page_code: Annotated[
        str | None,
        typer.Option(
            "--code", metavar="CODE", help="The code that the requester's page shows; asked if absent and needed."
        ),
    ] = None
    number: Annotated[
        str | None,
        typer.Option(metavar="N", help="The number that the requester's page shows; asked if absent and needed."),
    ] = None
    by: Annotated[By, typer.Option(help="Biometric only on a phone that was enrolled with it.")] = By.PIN
    wait: Annotated[int, typer.Option(min=0, max=60, metavar="S", help="Seconds to wait for the end.")] = 30

    def typed(self, request: Request) -> Typed:
        """Return what a request needs beside the PIN, asking for what was not given."""
        typed: Typed = {}
        if request.opens_key and isinstance(request.credential, Credential) and request.credential.password:
            typed["key_password"] = self.key_password or _ask("The key's password")
        if request.action == PIN:
            typed["new_pin"] = self.new_pin or new_pin()
        if request.action == PASSWORD:
            typed["new_key_password"] = self.new_key_password or _new_key_password()
        return typed


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A transaction that was confirmed, and its state then.

    differs: it was declined instead, as the requester's page shows another code.
    """

    id: str
    state: str
    kind: str = SIGN
    differs: bool = False


async def show_and_confirm(
    options: Confirming, id: str, phone: Phone, out: Output, wrong: Misbehaviour = HONEST
) -> Confirmed:
    """Check and show a request, ask for what it needs, and confirm it."""
    shown = await phone.show(id, misbehave=wrong)
    out.tell(view.members(shown), *view.lines(shown))
    seen = Page() if wrong.ignores_numbers else page(shown.request.verification, options.page_code, options.number)
    if seen.differs:
        return Confirmed(id, await phone.decline(shown, cause=CODE_DIFFERS), differs=True)
    pin = ask_pin(options.pin) if options.by is By.PIN else None
    typed = options.typed(shown.request) | Typed(number=seen.number)
    state = await phone.confirm(shown, pin, options.by.value, wrong, **typed)
    return Confirmed(id, state, shown.request.kind)


async def end(options: Confirming, confirmed: Confirmed, phone: Phone, out: Output) -> Exit:
    """Wait for the end of what was confirmed, and tell it."""
    id, state = confirmed.id, confirmed.state
    if confirmed.differs:
        fact = {"transaction": id, "decision": DECLINE, "cause": CODE_DIFFERS, "state": state}
        out.tell(fact, f"The codes differ: declined; it is {state} now")
        return Exit.FAILED
    if state in ON_THE_WAY and options.wait and confirmed.kind != SESSION:  # a session ends with its time
        state = await phone.state(id, options.wait)
    told = "done" if state == SIGNED and confirmed.kind != SIGN else state
    out.tell({"transaction": id, "decision": "confirm", "state": state}, f"Confirmed; it is {told} now")
    return Exit.DONE if state in ON_THE_WAY or state == SIGNED else Exit.FAILED


def ask_pin(given: str | None) -> str:
    """Return the PIN that was given, or ask for it."""
    return given if given is not None else _ask("PIN")


def new_pin() -> str:
    """Ask for a new PIN, twice. Raises BadInput on one that is refused."""
    pin = _ask("New PIN", "The same PIN again")
    pins.require_acceptable(pin)
    return pin


def _new_key_password() -> str:
    password = _ask("New password of the key", "The same password again")
    passwords.require_acceptable(password)
    return password


def _ask(what: str, again: str | bool = False) -> str:
    return str(typer.prompt(what, hide_input=True, confirmation_prompt=again, err=True))
