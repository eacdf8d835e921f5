"""Trip wires: where each numbered step of docs/signing-cycle.md ends, and how a process is made to die there.

The one table to change when a step moves: nothing else here knows the names of the server's functions.
"""

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

ARMED = "armed"


@dataclass(frozen=True, slots=True)
class Wire:
    """A place at which a process can be ended or stopped.

    step:   the number in docs/signing-cycle.md, and what was just done there.
    target: `module:function` or `module:Class.method`, a coroutine function that is looked up at each call.
    leaves: the state that the transaction is found in afterwards; empty where there is no transaction.
    before: trips when the target is called, not when it has returned.
    brief:  one of those that are tried on every database in every run.
    """

    step: str
    target: str
    leaves: str
    before: bool = False
    brief: bool = False


BOX_KEY_MADE = Wire("3 box key made without its row", "dss.hsm.servicekeys:ServiceKeys.create_box_key", "")
ANSWER_EXAMINED = Wire("7 answer examined", "dss.devices.service:Devices.examine", "awaiting")
KEY_USED = Wire("12 key used", "dss.hsm.userkeys:UserKeys.sign_all", "signing", brief=True)
CERTIFICATE_ISSUED = Wire("12 certificate issued without its key", "dss.ca.service:Ca.issue", "signing", brief=True)
CERTIFICATE_WRITTEN = Wire("14 certificate written, not committed", "dss.credentials.making:Making.write", "signing")
CERTIFIED = Wire("14 credential released", "dss.transactions.performing:Performing._certify", "signed")
SIGNING = (
    Wire("1 file stored without its row", "dss.infra.files:FolderStore.put", ""),
    Wire("1 document uploaded", "dss.documents.service:Documents.upload", ""),
    Wire("2 document prepared", "dss.documents.service:Documents.prepare", ""),
    BOX_KEY_MADE,
    Wire("4 request signed", "dss.devices.service:Devices.sign_request", ""),
    Wire("5 transaction written, not committed", "dss.transactions.entries:add", "", brief=True),
    Wire("5 transaction opened", "dss.transactions.drafting:Drafting.open", "awaiting"),
    Wire("6 prepared file asked for", "dss.transactions.service:Transactions.material", "awaiting"),
    ANSWER_EXAMINED,
    Wire("8 answer written, not committed", "dss.transactions.store:answered", "awaiting", brief=True),
    Wire("8 answer taken", "dss.transactions.answering:Answering._take", "confirmed"),
    Wire("9 lease taken", "dss.transactions.performing:Performing._perform", "signing", before=True),
    Wire("10 answer checked again at the door", "dss.credentials.door:Door.admit", "signing"),
    Wire("11 occurrence written, not committed", "dss.credentials.store:reserve", "signing"),
    Wire("11 activation held", "dss.credentials.door:Door.hold", "signing"),
    Wire("12 key about to be used", "dss.hsm.userkeys:UserKeys.sign_all", "signing", before=True),
    KEY_USED,
    Wire("12 signatures made", "dss.credentials.service:Credentials.sign", "signing"),
    Wire("13 document completed", "dss.documents.service:Documents.complete", "signing"),
    Wire("14 result written, not committed", "dss.credentials.service:Credentials.consume", "signing", brief=True),
    Wire("14 result released", "dss.transactions.signing:Releasing._release_whole", "signed", brief=True),
    Wire("15 result collected", "dss.transactions.service:Transactions.signed_file", "signed"),
)
CREATION = (
    Wire("12 key made without its row", "dss.hsm.userkeys:UserKeys.generate", "signing"),
    Wire("12 key kept", "dss.credentials.making:Making.create", "signing"),
    Wire("12 key handed on", "dss.transactions.performing:Performing._hand_on", "signing"),
    CERTIFICATE_ISSUED,
    CERTIFICATE_WRITTEN,
    CERTIFIED,
)
# A change, a share, a key in place of another, and what an operator does: all end in one database transaction.
PLANNED = Wire("12 change planned, not written", "dss.transactions.plans:Plans.commit", "signing", before=True)
WRITTEN = Wire("14 change and letter written, not committed", "dss.notify.service:Notify.enqueue", "signing")
COMMITTED = Wire("14 change committed", "dss.transactions.plans:Plans.commit", "signed")
CHANGED = Wire("14 change released", "dss.transactions.performing:Performing._change", "signed")
CHANGES = (PLANNED, WRITTEN, COMMITTED, CHANGED)
BATCHES = (
    Wire("B1 batch begun", "dss.credentials.service:Credentials.begin", "signing"),
    Wire("B2 part signed, not written", "dss.transactions.signing:Releasing._release_part", "signing", before=True),
    Wire("B3 part written, not committed", "dss.evidence.service:Evidence.keep_part", "signing"),
    Wire("B3 part released", "dss.transactions.signing:Releasing._release_part", "signing"),
    Wire("B4 all released, not ended", "dss.transactions.signing:Releasing._finish_parts", "signing", before=True),
    Wire("B4 batch ended", "dss.transactions.signing:Releasing._finish_parts", "signed"),
)
IN_SESSIONS = (
    Wire("S1 admitted, no place taken", "dss.credentials.door:Door.record_in_session", ""),
    Wire("S2 place written, not committed", "dss.transactions.store:answered", ""),
    Wire("S2 place taken", "dss.transactions.placing:Placing._place", "confirmed"),
    Wire("S3 signed in a session, not released", "dss.credentials.service:Credentials.sign", "signing"),
)


def arm(home: Path, wire: Wire, signal: int) -> None:
    """Let the next process of an installation that comes by get a signal there."""
    written = home / f"{ARMED}.new"
    written.write_text(f"{signal} {wire.step}")
    written.replace(home / ARMED)


def disarm(home: Path) -> None:
    """Take back what was armed, if nobody came by."""
    (home / ARMED).unlink(missing_ok=True)


def lay(home: Path) -> None:
    """Put every wire into this process. None does anything until it is armed."""
    for wire in (*SIGNING, *CREATION, *CHANGES, *BATCHES, *IN_SESSIONS):
        owner, _, name = wire.target.replace(":", ".").rpartition(".")
        place = resolve_name(owner)
        setattr(place, name, _wired(home, wire, getattr(place, name)))


def _wired(home: Path, wire: Wire, function: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def wired(*arguments: Any, **options: Any) -> Any:
        if wire.before:
            _trip(home, wire)
        result = await function(*arguments, **options)
        if not wire.before:
            _trip(home, wire)
        return result

    return wired


def _trip(home: Path, wire: Wire) -> None:
    armed = home / ARMED
    if not armed.exists():
        return
    signal, _, step = armed.read_text().partition(" ")
    if step == wire.step:
        # First, so that it trips once: whoever is started or woken afterwards goes on.
        armed.unlink()
        os.kill(os.getpid(), int(signal))
