"""The tables of what is kept to prove transactions: a row for each that an answer ended, or each part of a batch."""

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

# One row for each part of a batch. first: the index of its first document. pieces: canonical JSON, the signatures whose
# tree `core` has the root of.
evidence_parts = sa.Table(
    "evidence_parts",
    metadata,
    id_column("transaction_id", primary=True),
    sa.Column("first", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("core", sa.LargeBinary, nullable=False),
    sa.Column("pieces", sa.LargeBinary, nullable=False),
    sa.Column("made_at", UtcTime, nullable=False),
    sa.Index("ix_evidence_parts_made_at", "made_at"),
)
