"""Seals of the rows that decide, and what sole control needs beside them: adds, and lets one column be empty."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

SEALED = ("enrolments", "devices", "box_keys", "credentials")
NEW_IN = {
    "audit_events": (
        sa.Column("sealed_row", sa.String(length=64), nullable=True),
        sa.Column("sealed_version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(length=32), nullable=True),
    ),
    "devices": (
        sa.Column("lock_reason", sa.String(length=16), nullable=True),
        sa.Column("recent", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("active_from", sa.BigInteger(), nullable=True),
    ),
    "credentials": (
        sa.Column("suspended_by", sa.String(length=16), nullable=True),
        sa.Column("relock", sa.Boolean(), nullable=True),
        sa.Column("holders", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("password", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("replaces", sa.String(length=26), nullable=True),
    ),
    "transactions": (
        sa.Column("for_device_id", sa.String(length=26), nullable=True),
        sa.Column("share", sa.Text(), nullable=True),
    ),
}


def upgrade() -> None:
    for table, columns in NEW_IN.items():
        for column in columns:
            op.add_column(table, column)
    for table in SEALED:
        for column in _seal():
            op.add_column(table, column)
    op.create_index(
        "ix_audit_events_sealed_row_sealed_version", "audit_events", ["sealed_row", "sealed_version"], unique=True
    )
    op.create_index("ix_transactions_credential_id_state", "transactions", ["credential_id", "state"], unique=False)
    with op.batch_alter_table("transactions") as transactions:
        transactions.alter_column("credential_id", existing_type=sa.String(length=26), nullable=True)
    _create_activations()
    _create_shares()


def downgrade() -> None:
    op.drop_table("shares")
    op.drop_table("activations")
    op.drop_index("ix_transactions_credential_id_state", "transactions")
    op.drop_index("ix_audit_events_sealed_row_sealed_version", "audit_events")
    for table, columns in NEW_IN.items():
        for column in columns:
            op.drop_column(table, column.name)
    for table in SEALED:
        op.drop_column(table, "version")
        op.drop_column(table, "seal")


def _seal() -> tuple[sa.Column, sa.Column]:
    version = sa.Column("version", sa.BigInteger(), nullable=True)
    return version, sa.Column("seal", sa.LargeBinary(length=32), nullable=True)


def _create_activations() -> None:
    op.create_table(
        "activations",
        sa.Column("transaction_id", sa.String(length=26), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("device_id", sa.String(length=26), nullable=False),
        sa.Column("binding", sa.LargeBinary(length=32), nullable=False),
        sa.Column("answer_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Integer(), nullable=False),
        sa.Column("reserved_at", sa.BigInteger(), nullable=True),
        sa.Column("consumed_at", sa.BigInteger(), nullable=True),
        *_seal(),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_activations")),
    )


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("from_device_id", sa.String(length=26), nullable=False),
        sa.Column("to_device_id", sa.String(length=26), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("credentials", sa.JSON(), nullable=False),
        sa.Column("request_jws", sa.Text(), nullable=False),
        sa.Column("answer_jws", sa.Text(), nullable=False),
        sa.Column("jwe", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        *_seal(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shares")),
    )
    op.create_index("ix_shares_to_device_id", "shares", ["to_device_id"], unique=False)
