"""Profiles, logos and second secrets of relying applications. Adds only: those that are there have none."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("clients", sa.Column("next_secret_hash", sa.String(128), nullable=True))
    op.add_column("clients", sa.Column("profile", sa.JSON(), nullable=True))
    op.add_column("clients", sa.Column("logo", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("clients", "logo")
    op.drop_column("clients", "profile")
    op.drop_column("clients", "next_secret_hash")
