"""`mobile-mock scan` and `offline`: what the phone reads from a requester's page."""

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mobile_mock import link_code, pictures, scanning
from mobile_mock.cli import view
from mobile_mock.cli.answer import wrong
from mobile_mock.cli.confirming import Pin, ask_pin
from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.cli.verifying import Page, page
from mobile_mock.errors import BadInput, NothingToDo, Refused
from mobile_mock.exits import Exit
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.offline_code import Codes
from mobile_mock.phone import Phone
from mobile_mock.scanning import Mischief
from mobile_mock.verification import COMPARE, Verification

app = typer.Typer()
GONE = 410
STEP = 0.1  # seconds between looks at a picture that may have changed
STDIN = "-"
UNSEEN = "The documents were not seen: there is no connection to fetch them. Compare with the page that asks."
SOURCE = "The QR: a PNG or JPEG, of it alone or of the whole screen; its text; or - for either on standard input."


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineOptions(Common):
    """By what to make the codes of a request whose QR was scanned."""

    number: Annotated[
        str | None,
        typer.Option(metavar="N", help="The code or number that the page shows; asked if absent and needed."),
    ] = None
    decline: Annotated[bool, typer.Option("--decline", help="The code to decline alone; it takes no number.")] = False
    pin: Pin = None
    wrong_pin: Annotated[bool, wrong("--wrong-pin", "Make the codes by another PIN.")] = False
    swap: Annotated[bool, wrong("--swap", "Give each code out as the other.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineSource(OfflineOptions):
    """Where the QR is."""

    source: Annotated[str, typer.Argument(metavar="SOURCE", help=SOURCE)]


@command(app, "offline", OfflineSource)
async def offline(options: OfflineSource, phone: Phone, out: Output) -> Exit:
    """Show a request by its QR and make the two codes to type, without any connection."""
    return await _offline(options, _text(options.source), phone, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(OfflineOptions):
    """Where the QR is, and what to do wrong with it."""

    source: Annotated[str | None, typer.Argument(metavar="SOURCE", help=SOURCE)] = None
    watch: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Read this picture whenever it changes, until a code is fresh.")
    ] = None
    seconds: Annotated[float, typer.Option("--for", min=0, metavar="SECONDS", help="How long to --watch.")] = 60.0
    after: Annotated[float, wrong("--after", "Wait so long before sending the code.", min=0, metavar="SECONDS")] = 0.0
    forge: Annotated[bool, wrong("--forge", "Send another code in its place.")] = False
    again: Annotated[
        float | None, wrong("--again", "Send the same code a second time, so long after.", min=0, metavar="SECONDS")
    ] = None


@command(app, "scan", Scan)
async def scan(options: Scan, phone: Phone, out: Output) -> Exit:
    """Open the transaction of a requester's page on this phone, and show it; `confirm` or `decline` answers it."""
    if (options.source is None) == (options.watch is None):
        raise BadInput("give the QR, or --watch a picture, one of them")
    mischief = Mischief(options.after, options.forge, options.again)
    _tell(mischief.says(), out)
    if options.watch is not None:
        id = await _watched(options.watch, options.seconds, phone, mischief)
    else:
        text = _text(options.source or "")
        if not text.startswith(link_code.PREFIX):
            return await _offline(options, text, phone, out)
        id = await phone.scan(text, mischief)
    out.tell({"transaction": id, "scanned": True}, f"Opened transaction {id} on this phone")
    shown = await phone.show(id)
    out.tell(view.members(shown), *view.lines(shown))
    return Exit.DONE


def _text(source: str) -> str:
    return scanning.text_of(sys.stdin.buffer.read()) if source == STDIN else scanning.text_in(source)


async def _watched(file: Path, seconds: float, phone: Phone, mischief: Mischief) -> str:
    try:
        async with asyncio.timeout(seconds):
            return await _first_fresh(file, phone, mischief)
    except TimeoutError as fault:
        raise NothingToDo(f"{file} showed no fresh code within {seconds:g} s") from fault


async def _first_fresh(file: Path, phone: Phone, mischief: Mischief) -> str:
    last, tried = b"", set[str]()
    while True:
        content = _content(file)
        text = _link_text(content) if content != last else ""
        if text and text not in tried and (id := await _opened(text, phone, mischief)):
            return id
        last = content
        tried.add(text)
        await asyncio.sleep(STEP)


def _content(file: Path) -> bytes:
    # The tester's program may not have written it yet.
    return pictures.read_file(file) if file.exists() else b""


def _link_text(content: bytes) -> str:
    # Half a picture is no fault: its writer is at work, and the whole of it comes at once.
    try:
        text = scanning.text_of(content)
    except BadInput:
        return ""
    return text if text.startswith(link_code.PREFIX) else ""


async def _opened(text: str, phone: Phone, mischief: Mischief) -> str | None:
    try:
        return await phone.scan(text, mischief)
    except Refused as refusal:
        if refusal.status != GONE:
            raise
        return None


async def _offline(options: OfflineOptions, text: str, phone: Phone, out: Output) -> Exit:
    shown = phone.show_offline(text)
    out.tell(view.members(shown), *view.lines(shown), UNSEEN)
    seen = Page() if options.decline else _page(shown.request.verification, options.number)
    pin = ask_pin(options.pin)
    if options.decline or seen.differs:
        code = await phone.offline_decline(shown, pin)
        out.tell({"transaction": shown.id, "codes": {"decline": code}}, f"To decline  {code}")
        return Exit.FAILED if seen.differs else Exit.DONE
    misbehave = Misbehaviour(wrong_pin=options.wrong_pin)
    _tell(misbehave.says() + ["gives each code out as the other"] * options.swap, out)
    codes = await phone.offline_codes(shown, pin, seen.number, misbehave)
    if options.swap:
        codes = Codes(confirm=codes.decline, decline=codes.confirm)
    fact = {"transaction": shown.id, "codes": {"confirm": codes.confirm, "decline": codes.decline}}
    out.tell(fact, f"To confirm  {codes.confirm}", f"To decline  {codes.decline}")
    return Exit.DONE


def _page(asked: Verification, number: str | None) -> Page:
    return page(asked, number, None) if asked.mode == COMPARE else page(asked, None, number)


def _tell(wrong: list[str], out: Output) -> None:
    for sentence in wrong:
        out.tell({"misbehaviour": sentence}, f"Misbehaving: {sentence}")
