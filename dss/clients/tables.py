"""The tables of relying applications, and of what is asked of confirmations for them."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

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
    *seal_columns(),
    sa.Column("next_secret_hash", sa.String(128), nullable=True),
    sa.Column("profile", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("logo", sa.LargeBinary, nullable=True),
    sa.UniqueConstraint("name"),
)

client_policies = sa.Table(
    "client_policies",
    metadata,
    id_column("client_id", primary=True),
    sa.Column("policy", sa.JSON, nullable=False),
    *seal_columns(),
)
