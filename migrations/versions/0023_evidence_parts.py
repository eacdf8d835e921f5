"""Evidence of batches: a row for each part that was signed together. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "evidence_parts",
        sa.Column("transaction_id", sa.String(length=26), nullable=False),
        sa.Column("first", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("core", sa.LargeBinary(), nullable=False),
        sa.Column("pieces", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "first", name=op.f("pk_evidence_parts")),
    )
    op.create_index("ix_evidence_parts_made_at", "evidence_parts", ["made_at"], unique=False)


def downgrade() -> None:
    op.drop_table("evidence_parts")
