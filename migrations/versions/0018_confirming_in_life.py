"""Transactions by number, link, session and code: what each of them needs to know. Adds only.

Rows that are there have nothing of it: they were opened on phones, without a number.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

TEXTS = {"number": 8, "code": 8, "cause": 16}
COUNTS = {"linked_time": sa.BigInteger, "place": sa.Integer, "code_tries": sa.Integer}
IDS = ("linked_by", "session_id")
BYTES = ("number_salt", "browser_sha256")


def upgrade() -> None:
    added = [sa.Column(name, sa.String(long), nullable=False, server_default="") for name, long in TEXTS.items()]
    added += [sa.Column(name, kind(), nullable=False, server_default="0") for name, kind in COUNTS.items()]
    added += [sa.Column(name, sa.String(26), nullable=True) for name in IDS]
    added += [sa.Column(name, sa.LargeBinary(32), nullable=True) for name in BYTES]
    for column in (*added, sa.Column("reach", sa.String(8), nullable=False, server_default="phones")):
        op.add_column("transactions", column)
    of_client = ["client_id", "kind", "state", "id"]
    op.create_index("ix_transactions_client_id_kind_state_id", "transactions", of_client, unique=False)
    op.create_index("ix_transactions_session_id", "transactions", ["session_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_transactions_session_id", "transactions")
    op.drop_index("ix_transactions_client_id_kind_state_id", "transactions")
    for name in (*TEXTS, *COUNTS, *IDS, *BYTES, "reach"):
        op.drop_column("transactions", name)
