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
    sa.Column("sealed_row", sa.String(64), nullable=True),
    sa.Column("sealed_version", sa.BigInteger, nullable=True),
    sa.Column("seal", sa.LargeBinary(32), nullable=True),
    # No two changes follow upon the same version of a row.
    sa.Index("ix_audit_events_sealed_row_sealed_version", "sealed_row", "sealed_version", unique=True),
    sa.Index("ix_audit_events_subject", "subject", "id"),
)
