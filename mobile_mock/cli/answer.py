"""`mobile-mock confirm` and `decline`."""

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Annotated, Any

import typer

from mobile_mock.answer import CODE_DIFFERS, NOT_ME, WRONG_DATA
from mobile_mock.cli import view
from mobile_mock.cli.confirming import Confirmed, Confirming, end, show_and_confirm
from mobile_mock.cli.look import Id
from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.cli.ranges import read_ranges
from mobile_mock.exits import Exit
from mobile_mock.misbehave import BadList, Misbehaviour
from mobile_mock.phone import Phone
from mobile_mock.request import Request
from mobile_mock.vow import Typed

app = typer.Typer()


class Cause(StrEnum):
    """Why a request is declined, for the server to act on."""

    NOT_ME = NOT_ME
    WRONG_DATA = WRONG_DATA
    CODE_DIFFERS = CODE_DIFFERS


DeclinedDocuments = Annotated[
    list[str] | None,
    typer.Option("--decline-document", metavar="INDEXES", help="Not to be signed, as 3,7-9; may be repeated."),
]


def wrong(name: str, help: str, **more: Any) -> Any:
    """Return an option by which a tester makes the phone misbehave."""
    return typer.Option(name, rich_help_panel="Misbehave (for testers)", help=help, **more)


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm(Confirming):
    """What to confirm, by what, and what to do wrong: the switches of Misbehaviour, by their names."""

    id: Id
    decline_document: DeclinedDocuments = None
    replay: Annotated[bool, wrong("--replay", "Send the kept answer to ID again, byte for byte.")] = False
    replay_of: Annotated[
        str | None, wrong("--replay-of", "Send the kept answer to that transaction.", metavar="ID")
    ] = None
    swap_transaction: Annotated[
        str | None, wrong("--swap-transaction", "Name that transaction in the answer.", metavar="ID")
    ] = None
    alter_binding: Annotated[bool, wrong("--alter-binding", "Bind the answer to another request.")] = False
    late: Annotated[
        float | None, wrong("--late", "Answer so long after the request's end.", min=0, metavar="SECONDS")
    ] = None
    wrong_pin: Annotated[bool, wrong("--wrong-pin", "Prove another PIN.")] = False
    wrong_password: Annotated[bool, wrong("--wrong-password", "Prove another password of the key.")] = False
    wrong_share: Annotated[bool, wrong("--wrong-share", "Open the key by another share.")] = False
    skip_next: Annotated[bool, wrong("--skip-next", "Leave out the fresh share of a relock.")] = False
    swap_share: Annotated[
        str | None, wrong("--swap-share", "Seal the shares to a key of nobody, named as that phone.", metavar="PHONE")
    ] = None
    unnamed: Annotated[
        bool, wrong("--unnamed", "Answer what another phone alone may answer, or what this one did not open.")
    ] = False
    stale_counter: Annotated[bool, wrong("--stale-counter", "Send a counter that goes back.")] = False
    skip_counter: Annotated[bool, wrong("--skip-counter", "Leave one counter out.")] = False
    overtaken_counter: Annotated[
        bool, wrong("--overtaken-counter", "Go back to a counter that --skip-counter left out.")
    ] = False
    wrong_number: Annotated[
        bool, wrong("--wrong-number", "Say another number or code than the requester's page shows.")
    ] = False
    strange_number: Annotated[bool, wrong("--strange-number", "Say a number that was not offered.")] = False
    skip_number: Annotated[bool, wrong("--skip-number", "Answer without the number.")] = False
    unseen: Annotated[bool, wrong("--unseen", "Confirm without fetching what is to be signed.")] = False
    bad_list: Annotated[
        BadList | None, wrong("--bad-list", "Decline documents that are not there, all, one twice, backwards, or none.")
    ] = None

    def typed(self, request: Request) -> Typed:
        """Return what a request needs beside the PIN, and the documents that are not to be signed."""
        declined = read_ranges(self.decline_document or ())
        return Confirming.typed(self, request) | Typed(declined_documents=declined)

    def misbehaviour(self) -> Misbehaviour:
        """Return what to do wrong."""
        return Misbehaviour(**{switch.name: getattr(self, switch.name) for switch in fields(Misbehaviour)})


@command(app, "confirm", Confirm)
async def confirm(options: Confirm, phone: Phone, out: Output) -> Exit:
    """Check and show a request, then confirm it."""
    wrong = options.misbehaviour()
    for sentence in wrong.says():
        out.tell({"misbehaviour": sentence}, f"Misbehaving: {sentence}")
    if wrong.replays:
        confirmed = Confirmed(options.id, await phone.replay(options.id, options.replay_of))
    else:
        confirmed = await show_and_confirm(options, options.id, phone, out, wrong)
    return await end(options, confirmed, phone, out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decline(Common):
    """What to decline, and why."""

    id: Id
    cause: Annotated[
        Cause | None, typer.Option(help="`not_me` stops the relying application from asking you anything.")
    ] = None
    reason: Annotated[str, typer.Option(help="Why; the relying application reads it. At most 200 characters.")] = ""


@command(app, "decline", Decline)
async def decline(options: Decline, phone: Phone, out: Output) -> Exit:
    """Check and show a request, then decline it."""
    shown = await phone.show(options.id)
    out.tell(view.members(shown), *view.lines(shown))
    state = await phone.decline(shown, options.reason, options.cause and options.cause.value)
    out.tell({"transaction": options.id, "decision": "decline", "state": state}, f"Declined; it is {state} now")
    return Exit.DONE
