"""Proposals: one row a question, so that a question has one answer at a time."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

proposals = sa.Table(
    "proposals",
    metadata,
    id_column("id", primary=True),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("proposed_by", sa.String(128), nullable=False),
    sa.Column("proposed_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("approved_by", sa.String(128), nullable=True),
    *seal_columns(),
    sa.UniqueConstraint("action", "subject"),
)
