"""Sessions: how many of their places are taken. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.create_table(
        "sessions",
        sa.Column("transaction_id", sa.String(26), primary_key=True),
        sa.Column("credential_id", sa.String(26), nullable=False),
        sa.Column("signatures", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("sessions")
