"""What phones hand over to answer without a connection. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "offline_keys",
        sa.Column("credential_id", sa.String(26), primary_key=True),
        sa.Column("device_id", sa.String(26), nullable=False),
        sa.Column("secrets", sa.LargeBinary(), nullable=False),
        sa.Column("pin_check", sa.LargeBinary(32), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )


def downgrade() -> None:
    op.drop_table("offline_keys")
