"""`mobile-mock confirm` and `decline`."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

from mobile_mock.cli import view
from mobile_mock.cli.look import Id
from mobile_mock.cli.options import PIN_VARIABLE, Common, command
from mobile_mock.cli.output import Output
from mobile_mock.exits import Exit
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.phone import ON_THE_WAY, Phone

app = typer.Typer()
WRONG = "Misbehave (for testers)"


class By(StrEnum):
    """How the owner proves to be there."""

    PIN = "pin"
    BIOMETRIC = "biometric"


Pin = Annotated[str | None, typer.Option(envvar=PIN_VARIABLE, help="The PIN; asked if absent.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Common):
    """What to confirm, by what, and what to do wrong."""

    id: Id
    pin: Pin = None
    by: Annotated[By, typer.Option(help="Biometric only on a phone that was enrolled with it.")] = By.PIN
    wait: Annotated[int, typer.Option(min=0, max=60, metavar="S", help="Seconds to wait for the signature.")] = 30
    replay: Annotated[
        bool,
        typer.Option("--replay", rich_help_panel=WRONG, help="Send the kept answer to ID again, byte for byte."),
    ] = False
    replay_of: Annotated[
        str | None, typer.Option(metavar="ID", rich_help_panel=WRONG, help="Send the kept answer to that transaction.")
    ] = None
    swap_transaction: Annotated[
        str | None, typer.Option(metavar="ID", rich_help_panel=WRONG, help="Name that transaction in the answer.")
    ] = None
    alter_binding: Annotated[
        bool, typer.Option("--alter-binding", rich_help_panel=WRONG, help="Bind the answer to another request.")
    ] = False
    late: Annotated[
        float | None,
        typer.Option(min=0, metavar="SECONDS", rich_help_panel=WRONG, help="Answer so long after the request's end."),
    ] = None
    wrong_pin: Annotated[bool, typer.Option("--wrong-pin", rich_help_panel=WRONG, help="Prove another PIN.")] = False
    stale_counter: Annotated[
        bool, typer.Option("--stale-counter", rich_help_panel=WRONG, help="Send a counter that goes back.")
    ] = False

    def misbehaviour(self) -> Misbehaviour:
        """Return what to do wrong."""
        return Misbehaviour(
            replay=self.replay,
            replay_of=self.replay_of,
            swap_transaction=self.swap_transaction,
            alter_binding=self.alter_binding,
            late=self.late,
            wrong_pin=self.wrong_pin,
            stale_counter=self.stale_counter,
        )


@command(app, "confirm", Confirm)
async def confirm(options: Confirm, phone: Phone, out: Output) -> Exit:
    """Check and show a request, then confirm it."""
    wrong = options.misbehaviour()
    for sentence in wrong.says():
        out.tell({"misbehaviour": sentence}, f"Misbehaving: {sentence}")
    state = await (phone.replay(options.id, options.replay_of) if wrong.replays else _confirm(options, phone, out))
    if state in ON_THE_WAY and options.wait:
        state = await phone.state(options.id, options.wait)
    out.tell({"transaction": options.id, "decision": "confirm", "state": state}, f"Confirmed; it is {state} now")
    return Exit.DONE if state in ON_THE_WAY or state == "signed" else Exit.FAILED


async def _confirm(options: Confirm, phone: Phone, out: Output) -> str:
    shown = await phone.show(options.id)
    out.tell(view.members(shown), *view.lines(shown))
    pin = ask_pin(options.pin) if options.by is By.PIN else None
    return await phone.confirm(shown, pin, options.by.value, options.misbehaviour())


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Common):
    """What to decline, and why."""

    id: Id
    reason: Annotated[str, typer.Option(help="Why; the relying application reads it. At most 200 characters.")] = ""


@command(app, "decline", Decline)
async def decline(options: Decline, phone: Phone, out: Output) -> Exit:
    """Check and show a request, then decline it."""
    shown = await phone.show(options.id)
    out.tell(view.members(shown), *view.lines(shown))
    state = await phone.decline(shown, options.reason)
    out.tell({"transaction": options.id, "decision": "decline", "state": state}, f"Declined; it is {state} now")
    return Exit.DONE


def ask_pin(given: str | None) -> str:
    """Return the PIN that was given, or ask for it."""
    return given if given is not None else str(typer.prompt("PIN", hide_input=True, err=True))
