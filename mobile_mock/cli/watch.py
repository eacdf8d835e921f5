"""`mobile-mock watch`: a phone that answers by itself, by simple rules."""

import asyncio
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from mobile_mock.answer import CODE_DIFFERS, CONFIRM, DECLINE
from mobile_mock.cli import view
from mobile_mock.cli.answer import Cause, DeclinedDocuments
from mobile_mock.cli.confirming import KeyPassword, Pin, ask_pin
from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.cli.ranges import read_ranges
from mobile_mock.cli.verifying import written_number
from mobile_mock.errors import BadInput, PhoneError, Refused, Unreachable
from mobile_mock.exits import Exit
from mobile_mock.owned import WaitingPhone
from mobile_mock.phone import Phone
from mobile_mock.showing import MOST_KNOWN, Notice, Shown
from mobile_mock.verification import COMPARE, NONE
from mobile_mock.vow import Typed

app = typer.Typer()
POLL = 30  # seconds that one long poll waits
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between tries of a server that does not answer
STEP = 0.1  # seconds between looks at a file that is still to be written
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch(Common):
    """The rules, and when to stop."""

    confirm_all: Annotated[bool, typer.Option("--confirm-all", help="Confirm what passes every check.")] = False
    decline_all: Annotated[bool, typer.Option("--decline-all", help="Decline what passes every check.")] = False
    relying_application: Annotated[
        str | None, typer.Option(metavar="NAME", help="Answer requests of this relying application alone.")
    ] = None
    reason: Annotated[str, typer.Option(help="The reason told with --decline-all.")] = ""
    pin: Pin = None
    key_password: KeyPassword = None
    number: Annotated[
        str | None, typer.Option(metavar="N", help="The number or code that every requester's page shows.")
    ] = None
    number_from: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where what the pages show is written, in lines of `ID N`; waited for."),
    ] = None
    decline_document: DeclinedDocuments = None
    cause: Annotated[Cause | None, typer.Option(help="The cause told with --decline-all.")] = None
    once: Annotated[bool, typer.Option("--once", help="Stop after the first transactions that come.")] = False
    seconds: Annotated[
        float | None, typer.Option("--for", min=0, metavar="SECONDS", help="Stop after so long; else on a signal.")
    ] = None


@command(app, "watch", Watch)
async def watch(options: Watch, phone: Phone, out: Output) -> Exit:
    """Wait for transactions, show each, and answer by a rule; without a rule, only show.

    Runs until SIGINT or SIGTERM, --for or --once; an answer that was begun is finished.
    """
    if options.confirm_all and options.decline_all:
        raise BadInput("confirm all or decline all, not both")
    pin = ask_pin(options.pin) if options.confirm_all else None
    with _stop_event(options.seconds) as stop:
        return await Watcher(phone, out, options, pin, stop).run()


@dataclass(slots=True)
class Watcher:
    """One run of `watch`.

    stop: set by a signal or the clock; looked at between answers, never within one.
    seen: ids in the order in which they came, true while they are on its list: they await an answer.
    answered: those that ended by this phone. told: the new phones of which the owner was told.
    end:  how the newest transaction ended.
    """

    phone: Phone
    out: Output
    rules: Watch
    pin: str | None
    stop: asyncio.Event
    seen: dict[str, bool] = field(default_factory=dict)
    answered: set[str] = field(default_factory=set)
    told: set[str] = field(default_factory=set)
    end: Exit = Exit.DONE

    async def run(self) -> Exit:
        """Watch until it is time to stop."""
        pause = FIRST_PAUSE
        while not self.stop.is_set() and not (self.rules.once and self.seen):
            try:
                await self._round()
                pause = FIRST_PAUSE
            except PhoneError as fault:
                if not _may_pass(fault):
                    raise
                self.out.fault(fault)
                await _unless(self.stop, asyncio.sleep(pause))
                pause = min(2 * pause, LONGEST_PAUSE)
        bounded = self.rules.once or self.rules.seconds is not None
        return Exit.NOTHING if bounded and not self.seen else self.end

    async def _round(self) -> None:
        for notice in await _unless(self.stop, self._new()) or []:
            if self.stop.is_set():
                return
            await self._handle(notice)
            self.seen[notice.id] = True

    async def _new(self) -> list[Notice]:
        listed = [id for id, on_the_list in self.seen.items() if on_the_list]
        news = await self.phone.news(listed[-MOST_KNOWN:], POLL)
        self._tell(news.phones)
        self._take_off(news.gone)
        new = [notice for notice in news.transactions if notice.id not in self.seen]
        if news.transactions and not new:
            await asyncio.sleep(FIRST_PAUSE)
        return new

    def _tell(self, phones: list[WaitingPhone]) -> None:
        for phone in phones:
            if phone.id not in self.told:
                self.out.tell(view.waiting_phone(phone), str(phone))
            self.told.add(phone.id)

    def _take_off(self, gone: list[str]) -> None:
        for id in gone:
            if self.seen.get(id):
                self.seen[id] = False
                if id not in self.answered:
                    self.out.tell({"transaction": id, "gone": True}, f"Transaction {id} awaits an answer no more")

    async def _handle(self, notice: Notice) -> None:
        try:
            shown = await self.phone.show(notice.id)
            self.out.tell(view.members(shown), *view.lines(shown))
            self.end = await self._answer(shown)
        except PhoneError as fault:
            if _may_pass(fault):
                raise
            self.out.fault(fault)
            self.end = fault.exit

    async def _answer(self, shown: Shown) -> Exit:
        if self.rules.relying_application not in {None, shown.request.application.name}:
            return self.end
        if self.rules.confirm_all:
            decision, state = await self._confirm(shown)
        elif self.rules.decline_all:
            cause = self.rules.cause and self.rules.cause.value
            decision, state = DECLINE, await self.phone.decline(shown, self.rules.reason, cause)
        else:
            return self.end
        self.answered.add(shown.id)
        fact = {"transaction": shown.id, "decision": decision, "state": state}
        self.out.tell(fact, f"Answered {shown.id} with {decision}; it is {state} now")
        return Exit.DONE

    async def _confirm(self, shown: Shown) -> tuple[str, str]:
        """Confirm by the rules, or decline where the requester's page has another code; return which, and the state."""
        asked = shown.request.verification
        number = None if asked.mode == NONE else await self._number(shown)
        if asked.mode == COMPARE and number != asked.code:
            return DECLINE, await self.phone.decline(shown, cause=CODE_DIFFERS)
        typed = Typed(
            key_password=self.rules.key_password,
            number=number,
            declined_documents=read_ranges(self.rules.decline_document or ()),
        )
        return CONFIRM, await self.phone.confirm(shown, self.pin, **typed)

    async def _number(self, shown: Shown) -> str:
        """Return what the requester's page shows, waiting until it is written. Raises BadInput without it."""
        file = self.rules.number_from
        if file is None:
            if self.rules.number is None:
                raise BadInput(f"what the requester's page shows for {shown.id} is needed: --number or --number-from")
            return self.rules.number
        while (number := written_number(file, shown.id)) is None:
            if self.stop.is_set() or self.phone.now() >= shown.request.expires:
                raise BadInput(f"{file} did not say in time what the requester's page shows for {shown.id}")
            await asyncio.sleep(STEP)
        return number


def _may_pass(fault: PhoneError) -> bool:
    if isinstance(fault, Refused):
        return fault.status == HTTPStatus.TOO_MANY_REQUESTS or fault.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return isinstance(fault, Unreachable)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    task, stopped = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({task, stopped}, return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return None


@contextmanager
def _stop_event(seconds: float | None) -> Iterator[asyncio.Event]:
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    timer = loop.call_later(seconds, stop.set) if seconds is not None else None
    try:
        yield stop
    finally:
        if timer is not None:
            timer.cancel()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
