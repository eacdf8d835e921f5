"""Wrong passwords of a key, counted with the key: adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("credentials", sa.Column("password_failures", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("credentials", "password_failures")
