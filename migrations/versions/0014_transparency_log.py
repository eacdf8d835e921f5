"""The log as a tree: events get a salt and a leaf number, and the tree its tables. Adds only."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.add_column("audit_events", sa.Column("salt", sa.LargeBinary(length=32), nullable=True))
    op.add_column("audit_events", sa.Column("leaf", sa.BigInteger(), nullable=True))
    op.create_index("ix_audit_events_actor", "audit_events", ["actor", "id"], unique=False)
    op.create_index("ix_audit_events_at", "audit_events", ["at"], unique=False)
    sealed, unsealed = sa.text("leaf IS NOT NULL"), sa.text("leaf IS NULL")
    op.create_index(
        "ix_audit_events_leaf",
        "audit_events",
        ["leaf"],
        unique=True,
        sqlite_where=sealed,
        postgresql_where=sealed,
    )
    op.create_index(
        "ix_audit_events_unsealed", "audit_events", ["id"], sqlite_where=unsealed, postgresql_where=unsealed
    )
    alarm = sa.text("kind LIKE 'alarm.%'")
    op.create_index("ix_audit_events_alarm", "audit_events", ["id"], sqlite_where=alarm, postgresql_where=alarm)
    op.create_table(
        "log_tree",
        sa.Column("origin", sa.String(length=255), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("origin", name=op.f("pk_log_tree")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("level", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("witness", sa.String(length=255), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("cosigned_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size", "witness", name=op.f("pk_log_cosignatures")),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=26), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )


def downgrade() -> None:
    for table in ("leases", "log_cosignatures", "log_checkpoints", "log_tiles", "log_tree"):
        op.drop_table(table)
    for index in ("alarm", "unsealed", "leaf", "at", "actor"):
        op.drop_index(f"ix_audit_events_{index}", "audit_events")
    op.drop_column("audit_events", "leaf")
    op.drop_column("audit_events", "salt")
