"""The table of audit events, and the log over them: its tree, its checkpoints and who cosigned them."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

# Rows are only added; their leaf numbers are set once, and after the years of retention they are deleted.
audit_events = sa.Table(
    "audit_events",
    metadata,
    id_column("id", primary=True),
    sa.Column("at", UtcTime, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("subject", sa.String(128), nullable=False),
    sa.Column("outcome", sa.String(16), nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("sealed_row", sa.String(64), nullable=True),
    sa.Column("sealed_version", sa.BigInteger, nullable=True),
    sa.Column("seal", sa.LargeBinary(32), nullable=True),
    sa.Column("salt", sa.LargeBinary(32), nullable=True),
    sa.Column("leaf", sa.BigInteger, nullable=True),
    # No two changes follow upon the same version of a row.
    sa.Index("ix_audit_events_sealed_row_sealed_version", "sealed_row", "sealed_version", unique=True),
    sa.Index("ix_audit_events_subject", "subject", "id"),
    sa.Index("ix_audit_events_actor", "actor", "id"),
    sa.Index("ix_audit_events_at", "at"),
)
_leaf = audit_events.c.leaf
_sealed, _unsealed = _leaf.is_not(None), _leaf.is_(None)
# With the events that wait in it, SQLite would look for them there, and sort them all for each batch.
sa.Index("ix_audit_events_leaf", _leaf, unique=True, sqlite_where=_sealed, postgresql_where=_sealed)
sa.Index("ix_audit_events_unsealed", audit_events.c.id, sqlite_where=_unsealed, postgresql_where=_unsealed)
# Alarms are few, and looked for often; other events cost nothing here.
ALARM = "alarm."
IS_ALARM = audit_events.c.kind.like(sa.literal_column(f"'{ALARM}%'"))
sa.Index("ix_audit_events_alarm", audit_events.c.id, sqlite_where=IS_ALARM, postgresql_where=IS_ALARM)
# What was refused to one who asks is counted whenever they ask again.
REFUSED = "transaction.refused"
IS_REFUSED = audit_events.c.kind == sa.literal_column(f"'{REFUSED}'")
_by_asker = (audit_events.c.subject, audit_events.c.actor, audit_events.c.id)
sa.Index("ix_audit_events_refused", *_by_asker, sqlite_where=IS_REFUSED, postgresql_where=IS_REFUSED)

log_tree = sa.Table(
    "log_tree",
    metadata,
    sa.Column("origin", sa.String(255), primary_key=True),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
)

log_tiles = sa.Table(
    "log_tiles",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("index", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("data", sa.LargeBinary, nullable=False),
)

log_checkpoints = sa.Table(
    "log_checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("signed_at", UtcTime, nullable=False),
)

log_cosignatures = sa.Table(
    "log_cosignatures",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("witness", sa.String(255), primary_key=True),
    sa.Column("line", sa.Text, nullable=False),
    sa.Column("cosigned_at", UtcTime, nullable=False),
)
