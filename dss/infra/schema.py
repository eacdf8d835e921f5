"""The one catalogue of tables, and the column types that keep times aware and in UTC."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(sa.TypeDecorator[datetime]):
    """An aware UTC time, kept as whole microseconds since 1970: the same on every database, and sortable."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _: Any) -> int | None:
        """Write an aware time as microseconds."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        delta = value - EPOCH
        return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds

    def process_result_value(self, value: int | None, _: Any) -> datetime | None:
        """Read microseconds as an aware time."""
        if value is None:
            return None
        return datetime.fromtimestamp(value // 1_000_000, UTC).replace(microsecond=value % 1_000_000)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def seal_columns() -> tuple["sa.Column[int]", "sa.Column[bytes]"]:
    """Return the columns of a table whose rows are sealed; without a seal are rows of versions that had none."""
    return sa.Column("version", sa.BigInteger, nullable=True), sa.Column("seal", sa.LargeBinary(32), nullable=True)


def id_column(name: str, *, primary: bool = False, **options: Any) -> "sa.Column[str]":
    """Return a column for a 26-character identifier."""
    return sa.Column(name, sa.String(26), primary_key=primary, **options)
