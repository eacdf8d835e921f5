"""CAs, their certificates and their CRLs. Adds only: the code of 0004 runs on it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(40), primary_key=True),
        sa.Column("issuer", sa.String(40), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("der", sa.LargeBinary, nullable=False),
        sa.Column("sha256", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("not_before", sa.BigInteger, nullable=False),
        sa.Column("not_after", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("revoked_at", sa.BigInteger, nullable=True),
        sa.Column("reason", sa.String(32), nullable=True),
        sa.Column("requester", sa.String(128), nullable=False),
    )
    op.create_index("ix_certificates_issuer_status", "certificates", ["issuer", "status"])
    op.create_table(
        "authorities",
        sa.Column("name", sa.String(40), primary_key=True),
        sa.Column("parent", sa.String(40), sa.ForeignKey("authorities.name"), nullable=True),
        sa.Column("profile", sa.String(40), nullable=False),
        sa.Column("key_name", sa.String(128), nullable=False),
        sa.Column("serial", sa.String(40), sa.ForeignKey("certificates.serial"), nullable=False),
        sa.Column("crl_number", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "crls",
        sa.Column("issuer", sa.String(40), sa.ForeignKey("authorities.name"), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("der", sa.LargeBinary, nullable=False),
        sa.Column("this_update", sa.BigInteger, nullable=False),
        sa.Column("next_update", sa.BigInteger, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("crls")
    op.drop_table("authorities")
    op.drop_table("certificates")
