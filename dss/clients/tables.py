"""The table of relying applications."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

clients = sa.Table(
    "clients",
    metadata,
    id_column("id", primary=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("contact", sa.String(254), nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("jwks", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("secret_hash", sa.String(128), nullable=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.UniqueConstraint("name"),
)
