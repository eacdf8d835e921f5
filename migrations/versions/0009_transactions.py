"""Transactions and the things to sign in them: adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_table(
        "transaction_entries",
        sa.Column("transaction_id", sa.String(length=26), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("item", sa.JSON(), nullable=False),
        sa.Column("document_id", sa.String(length=26), nullable=True),
        sa.Column("place", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("signature", sa.LargeBinary(), nullable=True),
        sa.Column("file_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("transaction_id", "index", name=op.f("pk_transaction_entries")),
    )
    op.create_table(
        "transactions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("client_id", sa.String(length=26), nullable=True),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("credential_id", sa.String(length=26), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("request_jws", sa.Text(), nullable=False),
        sa.Column("box_key_id", sa.String(length=26), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("box", sa.Text(), nullable=True),
        sa.Column("device_id", sa.String(length=26), nullable=True),
        sa.Column("sad_expires_at", sa.BigInteger(), nullable=True),
        sa.Column("work", sa.String(length=16), nullable=True),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("body_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transactions")),
        sa.UniqueConstraint("client_id", "idempotency_key", name=op.f("uq_transactions_client_id_idempotency_key")),
    )
    op.create_index("ix_transactions_client_id_id", "transactions", ["client_id", "id"], unique=False)
    op.create_index("ix_transactions_state_expires_at", "transactions", ["state", "expires_at"], unique=False)
    op.create_index("ix_transactions_user_id_state", "transactions", ["user_id", "state"], unique=False)
    op.create_index("ix_transactions_work_id", "transactions", ["work", "id"], unique=False)


def downgrade() -> None:
    op.drop_table("transaction_entries")
    op.drop_table("transactions")
