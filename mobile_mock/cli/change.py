"""`mobile-mock change`, `share-code`, `share` and `take-shares`: what the owner opens on the phone itself."""

from dataclasses import dataclass
from typing import Annotated

import segno
import typer

from mobile_mock.cli.confirming import Confirming, end, show_and_confirm
from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.errors import NothingToDo
from mobile_mock.exits import Exit
from mobile_mock.matter import CHANGES, REASONS
from mobile_mock.opening import Given
from mobile_mock.phone import Phone

app = typer.Typer()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening(Confirming):
    """What the commands that open a transaction have in common."""

    open_only: Annotated[bool, typer.Option("--open-only", help="Do not confirm; see `confirm`.")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Opening):
    """What to change."""

    action: Annotated[str, typer.Argument(help=f"One of {', '.join(CHANGES)}.")]
    credential: Annotated[str | None, typer.Option(metavar="ID", help="The key, as `keys` shows it.")] = None
    relying_application: Annotated[
        str | None, typer.Option(metavar="ID", help="The application to allow, as `blocks` shows it.")
    ] = None
    phone: Annotated[str | None, typer.Option(metavar="ID", help="The phone to remove, as `phones` shows it.")] = None
    reason: Annotated[str | None, typer.Option(help=f"Why to revoke: {', '.join(REASONS)}.")] = None


@command(app, "change", Change)
async def change(options: Change, phone: Phone, out: Output) -> Exit:
    """Open a change, show what the server makes of it, and confirm it."""
    given = Given(
        credential=options.credential,
        phone=options.phone,
        reason=options.reason,
        relying_application=options.relying_application,
    )
    return await _opened(options, await phone.change(options.action, **given), phone, out)


@command(app, "share-code", Common)
async def share_code(_: Common, phone: Phone, out: Output) -> Exit:
    """Show the QR by which this new phone asks an old one of the owner for its shares."""
    text = await phone.share_code()
    rows = segno.make(text, micro=False).matrix_iter(border=2)
    out.tell({"share_code": text}, *("".join("  " if dark else "\u2588\u2588" for dark in row) for row in rows), text)
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Opening):
    """With which phone to share."""

    code: Annotated[str, typer.Argument(metavar="CODE", help="The text of the new phone's QR; see `share-code`.")]


@command(app, "share", Share)
async def share(options: Share, phone: Phone, out: Output) -> Exit:
    """Share this phone's keys with a new phone of the owner: open it, compare with the QR, and confirm."""
    return await _opened(options, await phone.share(options.code), phone, out)


@command(app, "take-shares", Common)
async def take_shares(_: Common, phone: Phone, out: Output) -> Exit:
    """Take what another phone of the owner shared with this one."""
    taken = await phone.take_shares()
    if not taken:
        raise NothingToDo("nothing was shared with this phone")
    out.tell({"credentials": taken}, *(f"This phone holds a share of key {one} now" for one in taken))
    return Exit.DONE


async def _opened(options: Opening, id: str, phone: Phone, out: Output) -> Exit:
    out.tell({"transaction": id, "opened": True}, f"Opened transaction {id}")
    if options.open_only:
        return Exit.DONE
    return await end(options, await show_and_confirm(options, id, phone, out), phone, out)
