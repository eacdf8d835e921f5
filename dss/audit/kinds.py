"""What an audit and an operator know of a kind of sealed rows: the capability that has the table says it."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Register, Row


@dataclass(frozen=True, slots=True)
class End:
    """The end of a row that nobody can believe any more: which, when, and by whom."""

    id: str
    now: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sealed rows.

    ended: returns the columns by which a row says that it has ended, so that nothing in it is acted upon. It raises
           Conflict where no row of the kind is ended.
    also:  writes what else ends with a row, in the same database transaction; or None.
    over:  the column that says when a row is over by itself, and may be deleted years later; None for rows that stay.
    """

    register: Register[Any]
    ended: Callable[[End], Row]
    also: Callable[[End, AsyncConnection], Awaitable[None]] | None = None
    over: sa.Column[datetime] | None = None

    @property
    def name(self) -> str:
        """The kind as the log names it."""
        return self.register.kind


Kinds = Mapping[str, Kind]


def by_name(*kinds: Iterable[Kind]) -> Kinds:
    """Return the kinds of several capabilities, each by its name."""
    return {kind.name: kind for some in kinds for kind in some}
