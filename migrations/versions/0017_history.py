"""The history of a signer is read in the order of ids: an index for it. Adds only."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_index("ix_transactions_user_id_id", "transactions", ["user_id", "id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_transactions_user_id_id", "transactions")
