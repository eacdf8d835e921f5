"""Preparations: many documents on their way to a transaction. Adds only; code that knows none of them runs on."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "preparations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("wish", sa.JSON(), nullable=False),
        sa.Column("prepared", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparations")),
        sa.UniqueConstraint("client_id", "idempotency_key", name=op.f("uq_preparations_client_id_idempotency_key")),
    )
    op.create_index("ix_preparations_client_id_id", "preparations", ["client_id", "id"], unique=False)
    op.create_index("ix_preparations_state_lease_until", "preparations", ["state", "lease_until"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_preparations_state_lease_until", "preparations")
    op.drop_index("ix_preparations_client_id_id", "preparations")
    op.drop_table("preparations")
