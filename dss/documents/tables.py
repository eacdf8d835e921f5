"""The table of uploaded documents; their bytes lie in the file store."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

documents = sa.Table(
    "documents",
    metadata,
    id_column("id", primary=True),
    id_column("client_id", nullable=False),
    sa.Column("name", sa.String(255), nullable=False),
    sa.Column("media_type", sa.String(127), nullable=False),
    sa.Column("sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.UniqueConstraint("client_id", "idempotency_key"),
    sa.Index("ix_documents_client_id", "client_id", "id"),
)
