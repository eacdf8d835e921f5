"""The table of audit events: rows are only ever added."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

audit_events = sa.Table(
    "audit_events",
    metadata,
    id_column("id", primary=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Index("ix_audit_events_subject", "subject", "id"),
)
