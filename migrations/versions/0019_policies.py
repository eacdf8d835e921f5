"""Policies of confirmation, of relying applications and of keys. Adds only: rows that are there ask for nothing."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "client_policies",
        sa.Column("client_id", sa.String(26), primary_key=True),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )
    op.add_column("credentials", sa.Column("policy", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("credentials", "policy")
    op.drop_table("client_policies")
