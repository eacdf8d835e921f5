"""Users: the people whose keys sign. Adds only: older code runs on it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("login", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("given_name", sa.String(64), nullable=False),
        sa.Column("surname", sa.String(64), nullable=False),
        sa.Column("country", sa.String(2), nullable=False),
        sa.Column("serial_number", sa.String(64), nullable=True),
        sa.Column("organization", sa.String(64), nullable=True),
        sa.Column("locale", sa.String(2), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("login"),
    )


def downgrade() -> None:
    op.drop_table("users")
