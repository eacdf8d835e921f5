"""`mobile-mock enrol`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mobile_mock import letters
from mobile_mock.cli.confirming import new_pin
from mobile_mock.cli.options import PIN_VARIABLE, Common, command
from mobile_mock.cli.output import Output
from mobile_mock.errors import BadInput
from mobile_mock.exits import Exit
from mobile_mock.forms import time_text
from mobile_mock.phone import Phone

app = typer.Typer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol(Common):
    """Where the two secrets come from, and what the owner chooses."""

    qr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The first letter: its QR as PNG, JPEG or PDF, or the .eml.")
    ] = None
    uri: Annotated[str | None, typer.Option(metavar="TEXT", help="The text of the QR, instead of --qr.")] = None
    code: Annotated[str | None, typer.Option(help="The activation code of the second letter; asked if absent.")] = None
    code_letter: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The second letter (.eml or text), instead of --code.")
    ] = None
    pin: Annotated[
        str | None, typer.Option(envvar=PIN_VARIABLE, help="A new PIN of 6 digits or more; asked twice if absent.")
    ] = None
    name: Annotated[str, typer.Option(help="What the owner calls this phone.")] = "Key 1"
    biometric: Annotated[
        bool,
        typer.Option(
            "--biometric",
            help="Keep the PIN proof behind the biometric. This phone's platform key is a file: "
            "who holds both files of the store can then answer, and can guess the PIN.",
        ),
    ] = False


@command(app, "enrol", Enrol)
async def enrol(options: Enrol, phone: Phone, out: Output) -> Exit:
    """Enrol this phone with the two letters, and set its PIN."""
    qr_text = _qr_text(options)
    code = _code(options)
    pin = options.pin or new_pin()
    receipt = await phone.enrol(qr_text, code, pin, options.name, biometric=options.biometric)
    user = {"id": receipt.user.id, "login": receipt.user.login, "name": receipt.user.name}
    active = time_text(receipt.active) if receipt.active else None
    waits = [f"It may only look until {active}; see `mobile-mock share-code`"] if active else []
    told = {"server": receipt.server, "user": user, "active": active}
    fact = {"device": receipt.device, "enrolled": time_text(receipt.enrolled), **told}
    out.tell(
        fact,
        f"Enrolled as {options.name} of {receipt.user.name} ({receipt.user.login}) at {receipt.server}",
        f"Device {receipt.device}",
        *waits,
    )
    return Exit.DONE


def _qr_text(options: Enrol) -> str:
    if (options.qr is None) == (options.uri is None):
        raise BadInput("give the QR by --qr or its text by --uri, one of them")
    return options.uri if options.uri is not None else letters.qr_text(options.qr or Path())


def _code(options: Enrol) -> str:
    if options.code is not None and options.code_letter is not None:
        raise BadInput("give the code by --code or --code-letter, not both")
    if options.code_letter is not None:
        return letters.code_text(options.code_letter)
    return options.code if options.code is not None else str(typer.prompt("Activation code", err=True))
