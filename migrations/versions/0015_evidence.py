"""Evidence: what proves a transaction that ended by an answer. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "evidence",
        sa.Column("transaction_id", sa.String(length=26), nullable=False),
        sa.Column("core", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_evidence")),
    )
    op.create_index("ix_evidence_made_at", "evidence", ["made_at"], unique=False)


def downgrade() -> None:
    op.drop_table("evidence")
