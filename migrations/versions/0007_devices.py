"""Enrolments, phones and box keys: adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "box_keys",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=True),
        sa.Column("jwk", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("superseded_at", sa.BigInteger(), nullable=False),
        sa.Column("destroyed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_box_keys")),
        sa.UniqueConstraint("slot", name=op.f("uq_box_keys_slot")),
    )
    op.create_table(
        "devices",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("enrolment_id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("signature_jwk", sa.JSON(), nullable=False),
        sa.Column("encryption_jwk", sa.JSON(), nullable=False),
        sa.Column("signature_thumbprint", sa.String(length=43), nullable=False),
        sa.Column("encryption_thumbprint", sa.String(length=43), nullable=False),
        sa.Column("pin_check", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pin_failures", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.BigInteger(), nullable=True),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("answer_sha256", sa.LargeBinary(length=32), nullable=True),
        sa.Column("enrolment_jws", sa.Text(), nullable=False),
        sa.Column("receipt_jws", sa.Text(), nullable=False),
        sa.Column("enrolled_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_devices")),
        sa.UniqueConstraint("encryption_thumbprint", name=op.f("uq_devices_encryption_thumbprint")),
        sa.UniqueConstraint("enrolment_id", name=op.f("uq_devices_enrolment_id")),
        sa.UniqueConstraint("signature_thumbprint", name=op.f("uq_devices_signature_thumbprint")),
    )
    op.create_index(op.f("ix_devices_user_id"), "devices", ["user_id"], unique=False)
    op.create_table(
        "enrolments",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.String(length=43), nullable=False),
        sa.Column("offer", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolments")),
    )
    op.create_index(op.f("ix_enrolments_user_id"), "enrolments", ["user_id"], unique=False)


def downgrade() -> None:
    op.drop_table("box_keys")
    op.drop_table("devices")
    op.drop_table("enrolments")
