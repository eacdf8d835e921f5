"""What phones scanned of late, and the browsers whose request a scan opened and a person confirmed. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "link_scans",
        sa.Column("device_id", sa.String(26), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("scanned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "place", name=op.f("pk_link_scans")),
    )
    op.create_table(
        "linked_browsers",
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("client_id", sa.String(26), nullable=False),
        sa.Column("browser_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("linked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "client_id", "browser_sha256", name=op.f("pk_linked_browsers")),
    )


def downgrade() -> None:
    op.drop_table("linked_browsers")
    op.drop_table("link_scans")
