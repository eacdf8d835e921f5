"""Seals: rows that decide anything carry an HMAC by a key of the HSM, and the log remembers each row's newest.

    seal = HMAC-SHA-256(seal key, "dss/seal/v1" || 0x00 || canonical JSON of {row, version, members})

The members are all other columns, but empty ones that a later version added. A row that is edited, moved, or swapped
does not fit its seal. A row that is put back as it was fits it, but the log knows a newer one. Who deletes the log's
events as well is found by whoever kept a checkpoint of the log.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any, Generic, NoReturn, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.event import Event, SealNote
from dss.audit.service import Audit
from dss.audit.tables import audit_events
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.db import Database
from dss.infra.schema import UtcTime
from dss.kernel import b64, canonical
from dss.kernel.errors import BadRequest, Conflict, Overtaken, Tampered

LABEL = b"dss/seal/v1\x00"
OWN = ("version", "seal")
REMEMBERED = 10_000

Value = TypeVar("Value")
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Register(Generic[Value]):
    """A table whose rows are sealed: every column is under the seal but the seal and the version themselves.

    kind:    names a row in the log, as `kind:id`. key: the column of the id.
    read:    makes the value of a row. changing: returns the columns of a value that may change, by name.
    later:   columns that were added when rows were sealed already.
    """

    kind: str
    table: sa.Table
    read: Callable[[Row], Value]
    changing: Callable[[Value], dict[str, Any]]
    key: str = "id"
    later: tuple[str, ...] = ()

    def select(self) -> sa.Select[Any]:
        """Return the query of rows with the newest seal that the log knows of each: one statement, one moment."""
        return _select(self)

    def name(self, row: Row) -> str:
        """Return how the log names a row."""
        return f"{self.kind}:{row[self.key]}"


@cache
def _select(register: Register[Any]) -> sa.Select[Any]:
    e = audit_events
    name = sa.literal(f"{register.kind}:") + register.table.c[register.key]
    newest = sa.select(e.c.seal).where(e.c.sealed_row == name).order_by(e.c.sealed_version.desc()).limit(1)
    version = sa.select(sa.func.max(e.c.sealed_version)).where(e.c.sealed_row == name)
    told = (newest.scalar_subquery().label("logged_seal"), version.scalar_subquery().label("logged_version"))
    return sa.select(register.table, *told)


@dataclass(frozen=True, slots=True)
class Stored(Generic[Value]):
    """A row as the database tells it: nobody acts on it before its seal is proven.

    logged_seal, logged_version: the newest that the log knows of it, and how often it was sealed.
    """

    register: Register[Value]
    row: Row
    logged_seal: bytes | None
    logged_version: int | None

    @classmethod
    def of(cls, register: Register[Value], found: Any) -> "Stored[Value]":
        """Take a row that `Register.select` found."""
        row = dict(found._mapping)  # noqa: SLF001  SQLAlchemy's public name for a row as a mapping
        return cls(register, row, row.pop("logged_seal"), row.pop("logged_version"))

    @property
    def name(self) -> str:
        """How the log names the row."""
        return self.register.name(self.row)


@dataclass(frozen=True, slots=True)
class Sealed(Generic[Value]):
    """A row whose seal was proven, with its value."""

    register: Register[Value]
    row: Row
    value: Value

    @property
    def name(self) -> str:
        """How the log names the row."""
        return self.register.name(self.row)


@dataclass(frozen=True, slots=True)
class Draft(Generic[Value]):
    """A row as it is to be, with its new seal.

    over: the seal that it must still have. superseding: the columns to set in a row that cannot be proven, and may
    have no seal; None for others. A draft with neither is a new row.
    """

    sealed: Sealed[Value]
    over: bytes | None
    superseding: Row | None = None

    @property
    def is_new(self) -> bool:
        """True for a row that is not there yet."""
        return self.over is None and self.superseding is None

    @property
    def changes(self) -> dict[str, Any]:
        """The columns to set in a row that is there."""
        row, register = self.sealed.row, self.sealed.register
        changing = register.changing(self.value) if self.superseding is None else self.superseding
        return {**changing, **{name: row[name] for name in OWN}}

    @property
    def value(self) -> Value:
        """What the row will say."""
        return self.sealed.value


class Seals:
    """Proves rows, and changes them by compare-and-swap on their seals."""

    def __init__(self, keys: ServiceKeys, audit: Audit) -> None:
        self._keys = keys
        self.audit = audit
        self._proven: OrderedDict[bytes, bytes] = OrderedDict()

    async def prove(self, stored: Stored[Value]) -> Sealed[Value]:
        """Return a row's value if its seal is right and the newest. Raises Tampered with an alarm, HsmUnavailable.

        Not to be called inside a database transaction.
        """
        return (await self.prove_all([stored]))[0]

    async def prove_all(self, stored: Sequence[Stored[Value]]) -> list[Sealed[Value]]:
        """Return the values of several rows, as `prove`."""
        for one, fault in zip(stored, await self.faults(stored), strict=True):
            if fault is not None:
                await self._alarm(one, fault)
        return [Sealed(one.register, one.row, one.register.read(one.row)) for one in stored]

    async def faults(self, stored: Sequence[Stored[Any]]) -> list[str | None]:
        """Return why each row cannot be proven, None for one that can; without an alarm. Raises HsmUnavailable."""
        texts = [_sealable(one) for one in stored]
        pairs = zip(stored, texts, strict=True)
        fresh = [text for one, text in pairs if text is not None and not self._remembers(one.row["seal"], text)]
        codes = dict(zip(fresh, await self._keys.hmac_all(KeyName.SEAL, fresh), strict=True)) if fresh else {}
        return [self._fault(one, text, codes) for one, text in zip(stored, texts, strict=True)]

    async def draft(self, over: Sealed[Value], new: Value) -> Draft[Value]:
        """Seal what a row is to be. Raises HsmUnavailable. Not to be called inside a database transaction."""
        row = {**over.row, **over.register.changing(new), "version": over.row["version"] + 1}
        return await self._sealed(Sealed(over.register, row, new), over.row["seal"])

    async def draft_new(self, register: Register[Value], row: Row) -> Draft[Value]:
        """Seal a new row; columns that are not given are empty. Raises HsmUnavailable."""
        columns = {column.name: row.get(column.name) for column in register.table.c}
        return await self._sealed(Sealed(register, {**columns, "version": 1}, register.read(columns)), None)

    async def supersede(self, stored: Stored[Value], changes: Row) -> Draft[Value]:
        """Seal what a row that cannot be proven is to be, above every version that the log knows of it.

        The rest of the row stays as it is, so the changes must leave nothing in it that anyone would act upon. Raises
        Conflict for a row that proves, and for one that says what no row of its kind can; HsmUnavailable.
        """
        if (await self.faults([stored]))[0] is None:
            raise Conflict("the row is in order: nothing is to be superseded")
        row = {**stored.row, **changes, "version": (stored.logged_version or 0) + 1}
        try:
            unsealed = Sealed(stored.register, row, stored.register.read(row))
            draft = await self._sealed(unsealed, stored.row["seal"])
        except (ValueError, TypeError, LookupError, BadRequest) as fault:
            raise Conflict("the row says what no row of its kind can: restore it from a backup") from fault
        return replace(draft, superseding=changes)

    async def adopt(self, database: Database, stored: Stored[Any], actor: str, changes: Row) -> None:
        """Seal a row of a version that had no seals, with columns that it did not know.

        Raises Tampered for a row that has or had a seal, Overtaken when it was sealed meanwhile.
        """
        register, row = stored.register, stored.row
        if row["seal"] is not None or stored.logged_seal is not None:
            await self._alarm(stored, "the row had a seal before, and was to be adopted")
        text = _text(register, {**row, **changes, "version": 1})
        seal = await self._keys.hmac(KeyName.SEAL, text)
        mine = (register.table.c[register.key] == row[register.key]) & register.table.c.seal.is_(None)
        step = sa.update(register.table).where(mine).values(**changes, version=1, seal=seal)
        event = Event("row.adopted", actor, stored.name, sealed=SealNote(stored.name, 1, seal))
        async with database.write() as connection:
            if (await connection.execute(step)).rowcount != 1:
                raise Overtaken("the row was sealed meanwhile")
            await self.audit.record(connection, event)

    async def write(self, connection: AsyncConnection, draft: Draft[Any], event: Event) -> None:
        """Write a row with its event, in the caller's transaction: the old seal must still be there.

        Raises Overtaken when another change came first, sqlalchemy's IntegrityError when a new row is there already.
        """
        register, row = draft.sealed.register, draft.sealed.row
        table = register.table
        if draft.is_new:
            await connection.execute(sa.insert(table).values(dict(row)))
        else:
            mine = (table.c[register.key] == row[register.key]) & (table.c.seal == draft.over)  # None is IS NULL
            if (await connection.execute(sa.update(table).where(mine).values(draft.changes))).rowcount != 1:
                raise Overtaken("another change came first; try again")
        note = SealNote(draft.sealed.name, row["version"], row["seal"])
        await self.audit.record(connection, replace(event, sealed=note))

    async def require_unchanged(self, connection: AsyncConnection, known: Sealed[Any]) -> None:
        """Keep a row as it was proven until the caller's commit. Raises Overtaken when another change came first."""
        table, row = known.register.table, known.row
        mine = (table.c[known.register.key] == row[known.register.key]) & (table.c.seal == row["seal"])
        query = sa.select(table.c.version).where(mine).with_for_update(read=True)
        if (await connection.execute(query)).one_or_none() is None:
            raise Overtaken("another change came first; try again")

    async def _sealed(self, unsealed: Sealed[Value], over: bytes | None) -> Draft[Value]:
        text = _text(unsealed.register, unsealed.row)
        seal = await self._keys.hmac(KeyName.SEAL, text)
        self._remember(seal, text)
        return Draft(replace(unsealed, row={**unsealed.row, "seal": seal}), over)

    def _fault(self, stored: Stored[Any], text: bytes | None, codes: Mapping[bytes, bytes]) -> str | None:
        """Return why a row is not believed: its seal must be the code of its text, and the newest that the log knows.

        codes: those that were computed; a text that has none was proven before.
        """
        seal = stored.row["seal"]
        if seal is None:
            never = stored.logged_seal is None
            return "the row has no seal" + (": after an upgrade, look at it and run `dss audit adopt`" if never else "")
        if text is None:
            return "the row has a value that cannot be sealed"
        code = codes.get(text)
        if code is not None and not hmac.compare_digest(code, seal):
            return "the row does not fit its seal"
        newest = stored.logged_seal is not None and hmac.compare_digest(stored.logged_seal, seal)
        if not newest or stored.row["version"] != stored.logged_version:
            return "the row is not the newest that the log knows"
        self._remember(seal, text)
        return None

    async def _alarm(self, stored: Stored[Any], why: str) -> NoReturn:
        await self.audit.alarm(stored.name, why)
        raise Tampered("a stored record was altered; it is not used, and the operators are told", audited=True)

    def _remembers(self, seal: bytes | None, text: bytes) -> bool:
        """Return True when this very row was proven before: an HMAC does not change."""
        known = self._proven.get(seal) if seal is not None else None
        return known is not None and hmac.compare_digest(known, hashlib.sha256(text).digest())

    def _remember(self, seal: bytes, text: bytes) -> None:
        self._proven[seal] = hashlib.sha256(text).digest()
        self._proven.move_to_end(seal)
        if len(self._proven) > REMEMBERED:
            self._proven.popitem(last=False)


def _sealable(stored: Stored[Any]) -> bytes | None:
    """Return what a row's seal is over, None for a row with a value that no seal was ever made over."""
    try:
        return _text(stored.register, stored.row)
    except ValueError:
        return None


def _text(register: Register[Any], row: Row) -> bytes:
    names = [column.name for column in register.table.c if column.name not in OWN]
    members = {name: _plain(row[name]) for name in names if name not in register.later or row[name] is not None}
    version = row["version"] or 0
    return LABEL + canonical.encode({"row": register.name(row), "version": version, "members": members})


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return b64.url_encode(value)
    return UtcTime().process_bind_param(value, None) if isinstance(value, datetime) else value
