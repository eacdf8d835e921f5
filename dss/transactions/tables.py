"""Transactions, and the things to sign inside them."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

transactions = sa.Table(
    "transactions",
    metadata,
    id_column("id", primary=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    id_column("client_id", nullable=True),
    id_column("user_id", nullable=False),
    id_column("credential_id", nullable=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("request", sa.LargeBinary, nullable=False),
    sa.Column("request_jws", sa.Text, nullable=False),
    id_column("box_key_id", nullable=False),
    sa.Column("opened_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column("answer", sa.Text, nullable=True),
    sa.Column("box", sa.Text, nullable=True),
    id_column("device_id", nullable=True),
    id_column("for_device_id", nullable=True),
    sa.Column("share", sa.Text, nullable=True),
    sa.Column("sad_expires_at", UtcTime, nullable=True),
    sa.Column("work", sa.String(16), nullable=True),
    sa.Column("lease", sa.Integer, nullable=False),
    sa.Column("lease_until", UtcTime, nullable=True),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.Column("body_sha256", sa.LargeBinary(32), nullable=False),
    sa.UniqueConstraint("client_id", "idempotency_key"),
    sa.Index("ix_transactions_client_id_id", "client_id", "id"),
    sa.Index("ix_transactions_user_id_state", "user_id", "state"),
    sa.Index("ix_transactions_user_id_id", "user_id", "id"),
    sa.Index("ix_transactions_credential_id_state", "credential_id", "state"),
    sa.Index("ix_transactions_state_expires_at", "state", "expires_at"),
    sa.Index("ix_transactions_work_id", "work", "id"),
)

entries = sa.Table(
    "transaction_entries",
    metadata,
    id_column("transaction_id", primary=True),
    sa.Column("index", sa.Integer, primary_key=True),
    sa.Column("item", sa.JSON, nullable=False),
    id_column("document_id", nullable=True),
    sa.Column("place", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("signature", sa.LargeBinary, nullable=True),
    sa.Column("file_sha256", sa.LargeBinary(32), nullable=True),
    sa.Column("file_size", sa.BigInteger, nullable=True),
)
