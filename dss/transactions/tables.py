"""Transactions with the things to sign inside them, and who may ask whom, and when."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

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
    sa.Column("number", sa.String(8), nullable=False, server_default=""),
    sa.Column("number_salt", sa.LargeBinary(32), nullable=True),
    sa.Column("reach", sa.String(8), nullable=False, server_default="phones"),
    id_column("linked_by", nullable=True),
    sa.Column("linked_time", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("browser_sha256", sa.LargeBinary(32), nullable=True),
    id_column("session_id", nullable=True),
    sa.Column("place", sa.Integer, nullable=False, server_default="0"),
    sa.Column("code", sa.String(8), nullable=False, server_default=""),
    sa.Column("code_tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("cause", sa.String(16), nullable=False, server_default=""),
    sa.UniqueConstraint("client_id", "idempotency_key"),
    sa.Index("ix_transactions_client_id_id", "client_id", "id"),
    sa.Index("ix_transactions_client_id_kind_state_id", "client_id", "kind", "state", "id"),
    sa.Index("ix_transactions_user_id_state", "user_id", "state"),
    sa.Index("ix_transactions_user_id_id", "user_id", "id"),
    sa.Index("ix_transactions_credential_id_state", "credential_id", "state"),
    sa.Index("ix_transactions_user_id_client_id_opened_at", "user_id", "client_id", "opened_at"),
    sa.Index("ix_transactions_session_id", "session_id"),
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

# Places for the scans of a phone: one is free again a minute after it was taken.
link_scans = sa.Table(
    "link_scans",
    metadata,
    id_column("device_id", primary=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("scanned_at", UtcTime, nullable=False),
)

linked_browsers = sa.Table(
    "linked_browsers",
    metadata,
    id_column("user_id", primary=True),
    id_column("client_id", primary=True),
    sa.Column("browser_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("linked_at", UtcTime, nullable=False),
)

preparations = sa.Table(
    "preparations",
    metadata,
    id_column("id", primary=True),
    id_column("client_id", nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("wish", sa.JSON, nullable=False),
    sa.Column("prepared", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("asked_at", UtcTime, nullable=False),
    sa.Column("changed_at", UtcTime, nullable=False),
    sa.Column("lease", sa.Integer, nullable=False),
    sa.Column("lease_until", UtcTime, nullable=True),
    sa.Column("idempotency_key", sa.String(255), nullable=True),
    sa.UniqueConstraint("client_id", "idempotency_key"),
    sa.Index("ix_preparations_client_id_id", "client_id", "id"),
    sa.Index("ix_preparations_state_lease_until", "state", "lease_until"),
)

# One row a signer: who raises its turn asks them next, and the others wait.
askings = sa.Table(
    "askings",
    metadata,
    id_column("user_id", primary=True),
    sa.Column("turn", sa.BigInteger, nullable=False),
)

blocks = sa.Table(
    "blocks",
    metadata,
    sa.Column("id", sa.String(53), primary_key=True),  # both ids, so that the log names the row whether it is there
    id_column("user_id", nullable=False, index=True),
    id_column("client_id", nullable=False, index=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("blocked_at", UtcTime, nullable=False),
    sa.Column("blocked_by", sa.String(128), nullable=False),
    sa.Column("lifted_at", UtcTime, nullable=True),
    sa.Column("lifted_by", sa.String(128), nullable=True),
    *seal_columns(),
)
