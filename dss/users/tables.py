"""The table of users."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

users = sa.Table(
    "users",
    metadata,
    id_column("id", primary=True),
    sa.Column("login", sa.String(64), nullable=False),
    sa.Column("email", sa.String(254), nullable=False),
    sa.Column("given_name", sa.String(64), nullable=False),
    sa.Column("surname", sa.String(64), nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("serial_number", sa.String(64), nullable=True),
    sa.Column("organization", sa.String(64), nullable=True),
    sa.Column("locale", sa.String(2), nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    *seal_columns(),
    sa.UniqueConstraint("login"),
)
