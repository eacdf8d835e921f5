"""Certificates are looked for by who asked for them. Adds only: the code of 0015 runs on it."""

from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_index("ix_certificates_requester", "certificates", ["requester"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_certificates_requester", "certificates")
