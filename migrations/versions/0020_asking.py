"""Whose turn it is to ask a signer, and which applications may not ask whom: adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    columns = ["user_id", "client_id", "opened_at"]
    op.create_index("ix_transactions_user_id_client_id_opened_at", "transactions", columns, unique=False)
    by_asker, refused = ["subject", "actor", "id"], sa.text("kind = 'transaction.refused'")
    op.create_index("ix_audit_events_refused", "audit_events", by_asker, sqlite_where=refused, postgresql_where=refused)
    op.create_table(
        "askings",
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("turn", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_askings")),
    )
    op.create_table(
        "blocks",
        sa.Column("id", sa.String(length=53), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("client_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("blocked_at", sa.BigInteger(), nullable=False),
        sa.Column("blocked_by", sa.String(length=128), nullable=False),
        sa.Column("lifted_at", sa.BigInteger(), nullable=True),
        sa.Column("lifted_by", sa.String(length=128), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(length=32), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blocks")),
    )
    for column in ("user_id", "client_id"):
        op.create_index(op.f(f"ix_blocks_{column}"), "blocks", [column], unique=False)


def downgrade() -> None:
    op.drop_table("blocks")
    op.drop_table("askings")
    op.drop_index("ix_audit_events_refused", "audit_events")
    op.drop_index("ix_transactions_user_id_client_id_opened_at", "transactions")
