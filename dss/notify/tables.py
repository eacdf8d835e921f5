"""The outbox: a row a letter, until it is sent."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata

outbox = sa.Table(
    "outbox",
    metadata,
    id_column("id", primary=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("due_at", UtcTime, nullable=False, index=True),
)
