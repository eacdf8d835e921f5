"""Seals of relying applications: adds only.

Those that are there have none, and are refused with an alarm until an operator has looked at them and has run
`dss audit adopt`, once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("clients", sa.Column("version", sa.BigInteger(), nullable=True))
    op.add_column("clients", sa.Column("seal", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    op.drop_column("clients", "seal")
    op.drop_column("clients", "version")
