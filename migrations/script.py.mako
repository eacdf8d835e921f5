"""${message}: say here what it adds and what older code sees of it."""

import sqlalchemy as sa
from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "op.create_table()"}


def downgrade() -> None:
    ${downgrades if downgrades else "op.drop_table()"}
