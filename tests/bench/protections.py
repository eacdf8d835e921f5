"""The protections whose price is asked for, each with how it is switched off. A further one is a further entry."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from dss.audit.seals import Draft, Sealed
from dss.devices.answer import Answer
from dss.evidence.service import Kept
from tests.bench.meter import Meter
from tests.bench.switching import Change, Instead, Switch


@dataclass(frozen=True, slots=True)
class Protection:
    """A protection, or an economy that makes one cheaper.

    off: what is changed to be without it, as `Switch` takes it.
    """

    name: str
    off: Mapping[str, Instead]

    def switch(self) -> Switch:
        """Return a switch of one signer's own."""
        return Switch(self.off)

    def timing(self, meter: Meter) -> Switch:
        """Return a switch that leaves it on, and counts what its functions take."""
        return Switch({target: meter.timed(self.name) for target in self.off})


# --- what stands in place of a protection ---


def nothing(_: Callable[..., Any]) -> Callable[..., Any]:
    """Do nothing."""
    return lambda *_: None


def no_task(_: Callable[..., Any]) -> Callable[..., Any]:
    """Do nothing, where a coroutine is awaited."""
    return _always(None)


def always_new(_: Callable[..., Any]) -> Callable[..., Any]:
    """Take everything for used the first time."""
    return _always(True)


def by_heart(original: Callable[..., Any]) -> Callable[..., Any]:
    """Answer every call as the first was answered: right where one signer's secret is asked for."""
    told: list[Any] = []

    async def remembering(*arguments: Any, **named: Any) -> Any:
        if not told:
            told.append(await original(*arguments, **named))
        return told[0]

    return remembering


def believing_signatures(original: Callable[..., Any]) -> Callable[..., Any]:
    """Do the rest, and take the phone's signature for right."""
    believing = Change(Answer, "is_signed_by", lambda *_: True)

    async def trusting(*arguments: Any, **named: Any) -> Any:
        with believing:
            return await original(*arguments, **named)

    return trusting


def unproven(_: Callable[..., Any]) -> Callable[..., Any]:
    """Take rows for what they say."""

    async def believed(_: Any, stored: Any) -> Any:
        return [Sealed(one.register, one.row, one.register.read(one.row)) for one in stored]

    return believed


def drawn(_: Callable[..., Any]) -> Callable[..., Any]:
    """Give a changed row a random text for a seal: changes are still told apart by it."""

    async def sealed(_: Any, unsealed: Any, over: bytes | None) -> Any:
        return Draft(replace(unsealed, row={**unsealed.row, "seal": os.urandom(32)}), over)

    return sealed


def its_own_seal(_: Callable[..., Any]) -> Callable[..., Any]:
    """Compare a row's seal with itself, and not with the log."""

    def select(register: Any) -> Any:
        own = register.table.c
        return sa.select(register.table, own.seal.label("logged_seal"), own.version.label("logged_version"))

    return select


def without_core(_: Callable[..., Any]) -> Callable[..., Any]:
    """Put no evidence together; the event of the end tells of none."""
    return lambda transaction, *_: Kept(transaction.id, b"", {})


def never(_: Callable[..., Any]) -> Callable[..., Any]:
    """Remember nothing."""
    return lambda *_: False


def _always(value: Any) -> Callable[..., Any]:
    async def told(*_: Any) -> Any:
        return value

    return told


SEALS: dict[str, Instead] = {
    "dss.audit.seals:Seals.prove_all": unproven,
    "dss.audit.seals:Seals._sealed": drawn,
}
LOG_CHECK: dict[str, Instead] = {"dss.audit.seals:Register.select": its_own_seal}
AUDIT: dict[str, Instead] = {"dss.audit.service:Audit.record": no_task}
KEEPING: dict[str, Instead] = {
    "dss.transactions.proving:kept_of": without_core,
    "dss.evidence.service:Evidence.keep": no_task,
}
EVIDENCE = "evidence: put together, and kept"

PROTECTIONS = (
    Protection("seals of rows: HMAC in the HSM", SEALS),
    Protection("seals held against the log's newest", LOG_CHECK),
    Protection("audit events, and what needs them above", AUDIT | LOG_CHECK),
    Protection(EVIDENCE, KEEPING),
    Protection("the phone's sealed box, opened in the HSM", {"dss.devices.boxes:Boxes.open": by_heart}),
    Protection("the PIN, checked in the HSM", {"dss.devices.boxes:Boxes.pin_check": by_heart}),
    Protection(
        "the phone's signature again, at the door",
        {"dss.devices.service:Devices.attest": believing_signatures},
    ),
    Protection("the new signature, before its release", {"dss.credentials.verifying:require_signature": nothing}),
    Protection("a phone's proofs used once: a row each", {"dss.infra.once:use": always_new}),
    Protection("an economy: proven rows are remembered", {"dss.audit.seals:Seals._remembers": never}),
)


@contextmanager
def all_timed(meter: Meter) -> Iterator[None]:
    """Count what the functions of each protection take; two protections may share one."""
    with ExitStack() as until_the_end:
        for protection in PROTECTIONS:
            until_the_end.enter_context(protection.timing(meter))
        yield
