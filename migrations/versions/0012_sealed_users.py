"""Seals of users: adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("users", sa.Column("version", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("seal", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "seal")
    op.drop_column("users", "version")
