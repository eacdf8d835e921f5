"""The table of what is kept to prove transactions: one row for each that ended by an answer."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

# core: canonical JSON, docs/evidence.md section 1. Its hash stands in the event of the transaction's end.
evidence = sa.Table(
    "evidence",
    metadata,
    id_column("transaction_id", primary=True),
    sa.Column("core", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Index("ix_evidence_made_at", "made_at"),
)
