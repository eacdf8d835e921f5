"""`mobile-mock list`, `show` and `status`."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from mobile_mock import jose
from mobile_mock.cli import view
from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.cli.ranges import read_ranges
from mobile_mock.documents import Document
from mobile_mock.errors import BadInput, NothingToDo
from mobile_mock.exits import Exit
from mobile_mock.forms import time_text
from mobile_mock.phone import Phone

app = typer.Typer()
Wait = Annotated[int, typer.Option(min=0, max=60, metavar="S", help="Seconds to wait for one.")]
Id = Annotated[str, typer.Argument(metavar="ID", help="The transaction, as `list` shows it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class List(Common):
    """How long to wait."""

    wait: Wait = 0


@command(app, "list", List)
async def list_waiting(options: List, phone: Phone, out: Output) -> Exit:
    """List the transactions that await an answer, and new phones of the owner that wait."""
    news = await phone.news(wait=options.wait)
    for new in news.phones:
        out.tell(view.waiting_phone(new), str(new))
    if not news.transactions:
        raise NothingToDo("no transaction awaits an answer")
    out.table([{"id": n.id, "kind": n.kind, "expires": time_text(n.expires)} for n in news.transactions])
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Show(Common):
    """What to show, and where to keep the documents."""

    id: Id
    only: Annotated[
        list[str] | None, typer.Option(metavar="INDEXES", help="Print of these documents all, of the others nothing.")
    ] = None
    save: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep each original that passed its checks in this folder.")
    ] = None


@command(app, "show", Show)
async def show(options: Show, phone: Phone, out: Output) -> Exit:
    """Fetch a request and its documents, check everything, and show it."""
    folder = options.save

    def keep(document: Document, original: bytes) -> None:
        if folder is not None and document.content is not None:
            _save(folder, f"{document.index}-{document.content.name}", original)

    only = read_ranges(options.only or ())
    shown = await phone.show(options.id, keep)
    out.tell(view.members(shown), *view.lines(shown, only))
    return Exit.DONE


@command(app, "status", Common)
async def status(options: Common, phone: Phone, out: Output) -> Exit:
    """Tell what this phone keeps, without its secrets."""
    kept = phone.kept()
    fact = {
        "store": str(options.store.expanduser()),
        "server": kept.server,
        "device": kept.device,
        "name": kept.name,
        "user": {"id": kept.owner.id, "login": kept.owner.login, "name": kept.owner.name},
        "counter": kept.counter,
        "credentials": sorted(kept.shares),
        "offline": sorted(kept.offline),
        "biometric": kept.pin_proof is not None,
        "channel_key": jose.thumbprint(kept.channel_key),
        "answers": [sent.answer.transaction for sent in kept.answers],
    }
    lines = [f"{name:12} {_plain(value)}" for name, value in fact.items() if name != "user"]
    out.tell(fact, *lines, f"{'user':12} {kept.owner.name} ({kept.owner.login})")
    return Exit.DONE


def _plain(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, list) else str(value)


def _save(folder: Path, name: str, content: bytes) -> None:
    # The name is the server's: of it, only what cannot lead out of the folder.
    file = folder / re.sub(r"[/\\:]", "_", name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    except OSError as fault:
        raise BadInput(f"{file} cannot be written") from fault
