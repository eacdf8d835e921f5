"""`mobile-mock history` and `evidence`: what has ended of the owner's, and the proof of it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from mobile_mock.cli.options import Common, command
from mobile_mock.cli.output import Output
from mobile_mock.cli.papers import UNSEEN, quoted
from mobile_mock.delivering import SIGNED
from mobile_mock.errors import BadInput, NothingToDo
from mobile_mock.exits import Exit
from mobile_mock.forms import sha256, time_text
from mobile_mock.history import MOST, PAGE, Past
from mobile_mock.matter import SIGN, Application
from mobile_mock.phone import Phone

app = typer.Typer()


@dataclass(frozen=True, slots=True, kw_only=True)
class History(Common):
    """Which part of the history."""

    limit: Annotated[int, typer.Option(min=1, max=MOST, metavar="N", help="How many at most.")] = PAGE
    after: Annotated[
        str | None, typer.Option(metavar="ID", help="Go on behind this transaction, as the part before says.")
    ] = None


@command(app, "history", History)
async def history(options: History, phone: Phone, out: Output) -> Exit:
    """List what has ended of the owner's, newest first, whichever phone answered."""
    page = await phone.history(options.limit, options.after)
    if not page.entries:
        raise NothingToDo("nothing has ended yet" if options.after is None else "nothing older has ended")
    for past in page.entries:
        out.tell(_members(past), *_lines(past))
    if page.next is not None:
        out.tell({"next": page.next}, f"It goes on: --after {page.next}")
    return Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence(Common):
    """Of which transaction, and where to keep it."""

    id: Annotated[str, typer.Argument(metavar="ID", help="The transaction, as `history` shows it.")]
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to keep it.")]
    checkpoint: Annotated[
        int | None, typer.Option(min=1, metavar="SIZE", help="The size of a checkpoint that you kept.")
    ] = None


@command(app, "evidence", Evidence)
async def evidence(options: Evidence, phone: Phone, out: Output) -> Exit:
    """Keep the evidence of a transaction, for `dss evidence verify` or any other verifier."""
    record = await phone.evidence(options.id, options.checkpoint)
    try:
        options.out.write_bytes(record)
    except OSError as fault:
        raise BadInput(f"{options.out} cannot be written") from fault
    fact = {"transaction": options.id, "file": str(options.out), "size": len(record), "sha256": sha256(record).hex()}
    out.tell(fact, f"Kept {len(record)} bytes in {options.out}; this phone has not verified them")
    return Exit.DONE


def _members(past: Past) -> dict[str, Any]:
    documents = [
        {"name": one.name, "media_type": one.media_type, "size": one.size, "sha256": one.digest.hex()}
        for one in past.documents
    ]
    return {
        "transaction": past.id,
        "kind": past.kind,
        "state": past.state,
        "relying_application": {"id": past.application.id, "name": past.application.name},
        "text": past.text,
        "documents": documents,
        "hashes": past.hashes,
        "batch": past.batch,
        "declined": list(past.declined),
        "session": {"signatures": past.session.signatures, "minutes": past.session.minutes} if past.session else None,
        "login": {"address": past.login.address, "agent": past.login.agent} if past.login else None,
        "session_id": past.session_id,
        "credential": past.credential,
        "action": past.action,
        "reason": past.reason,
        "other_phone": {"id": past.other.id, "name": past.other.name} if past.other else None,
        "opened": time_text(past.opened),
        "ended": time_text(past.ended),
        "phone": {"id": past.phone.id, "name": past.phone.name} if past.phone else None,
        "verification": past.verification,
        "mode": past.mode,
        "why": past.why,
        "evidence": past.evidence,
    }


def _lines(past: Past) -> list[str]:
    return [
        f"{past.id}  {_what(past)}: {_end(past)}, evidence: {past.evidence}",
        f"    {_who(past.application)} asked at {time_text(past.opened)}; it ended at {time_text(past.ended)}",
        *(quoted(past.text) if past.text else []),
        *(f"    {one.name}, {one.size} bytes, SHA-256 {one.digest.hex()}" for one in past.documents),
        *([f"    {past.hashes} bare hashes: {UNSEEN}"] if past.hashes else []),
        *([f"    a batch of {past.batch}"] if past.batch else []),
        *([f"    not signed: {', '.join(map(str, past.declined))}"] if past.declined else []),
        *([f"    from {past.login.address}, by {past.login.agent}"] if past.login else []),
        *([f"    {_session(past)}"] if past.session or past.session_id else []),
        *([f"    answered on {past.phone.name} ({past.phone.id}){_how(past)}"] if past.phone else []),
        *(f"    why: {line}" for line in past.why.splitlines()),
    ]


def _who(application: Application) -> str:
    """Return who asked: where it was no relying application, the name is the server's."""
    named = {"owner": "the owner, on a phone,", "operator": f"the operator of {application.name}"}
    return named.get(application.id, application.name)


def _what(past: Past) -> str:
    """Return the kind with what it was about, as far as one line takes it."""
    named = f" {past.other.name} ({past.other.id})" if past.other else ""
    key = f" with key {past.credential}" if past.credential else ""
    return f"{past.kind} {past.action or ''}".rstrip() + named + key


def _end(past: Past) -> str:
    return "done" if past.state == SIGNED and past.kind != SIGN else past.state


def _how(past: Past) -> str:
    if not past.verification:
        return ""
    return f", confirmed by {past.verification}{f' and mode {past.mode}' if past.mode else ''}"


def _session(past: Past) -> str:
    if past.session is None:
        return f"signed in session {past.session_id}, without the phone"
    return f"up to {past.session.signatures} signatures within {past.session.minutes} minutes"
