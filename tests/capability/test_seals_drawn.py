"""Whatever a sealed row holds: with any other value in any of its columns it is refused."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import assume, given
from hypothesis import strategies as st

from dss.audit.seals import Register, Seals, Stored
from dss.infra.schema import UtcTime, metadata
from dss.kernel import canonical
from dss.kernel.errors import Tampered
from dss.wiring.kinds import KINDS
from tests.world.servicekeys import SoftwareServiceKeys

REGISTERS: tuple[Register[Any], ...] = tuple(kind.register for kind in KINDS.values())
WHOLE = st.integers(-canonical.LARGEST, canonical.LARGEST)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIME = st.datetimes(datetime(1971, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | WHOLE | TEXT, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT, inner)
)
BYTES = st.binary(max_size=8)
VALUES = {
    UtcTime: TIME,
    sa.JSON: PLAIN_JSON,
    sa.LargeBinary: BYTES,
    sa.Boolean: st.booleans(),
    sa.Integer: WHOLE,
    sa.String: TEXT,
}


class Alarms:
    """Where the alarms go."""

    def __init__(self) -> None:
        self.told: list[str] = []

    async def alarm(self, subject: str, _: str) -> None:
        self.told.append(subject)


def value_of(column: sa.Column[Any]) -> st.SearchStrategy[Any]:
    drawn = next(drawn for kind, drawn in VALUES.items() if isinstance(column.type, kind))
    return st.none() | drawn if column.nullable else drawn


@st.composite
def row_and_edit(draw: st.DrawFn) -> tuple[Register[Any], dict[str, Any], dict[str, Any]]:
    register = draw(st.sampled_from(REGISTERS))
    raw: Register[Any] = Register(register.kind, register.table, dict, dict, register.key)
    row = {column.name: draw(value_of(column)) for column in register.table.c}
    column = draw(st.sampled_from([*register.table.c]))
    return raw, row, {column.name: draw(value_of(column))}


@given(row_and_edit())
async def test_t18_any_other_value_in_any_column_is_refused(
    drawn: tuple[Register[Any], dict[str, Any], dict[str, Any]],
) -> None:
    register, row, edit = drawn
    alarms = Alarms()
    seals = Seals(SoftwareServiceKeys(), alarms)  # type: ignore[arg-type]
    sealed = (await seals.draft_new(register, row)).sealed.row
    ((name, value),) = edit.items()
    assume(canonical.encode(text(sealed[name])) != canonical.encode(text(value)))

    assert (await seals.prove(Stored(register, sealed, sealed["seal"], 1))).row == sealed
    with pytest.raises(Tampered):
        await seals.prove(Stored(register, {**sealed, **edit}, sealed["seal"], 1))
    assert len(alarms.told) == 1


def text(value: Any) -> Any:
    """Tell values apart as databases do: True is not 1 in a JSON text."""
    return repr(value) if isinstance(value, bytes | datetime) else value


def test_every_sealed_table_is_drawn_from() -> None:
    sealed = {table for table in metadata.sorted_tables if {"version", "seal"} <= set(table.c.keys())}
    assert {register.table for register in REGISTERS} == sealed
