"""Credentials, the activations that spend them, and the occurrences of digests that were signed."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

credentials = sa.Table(
    "credentials",
    metadata,
    id_column("id", primary=True),
    id_column("user_id", nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("key_spec", sa.String(16), nullable=False),
    sa.Column("kek_id", sa.String(64), nullable=False),
    sa.Column("key_blob", sa.LargeBinary, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("request_csr", sa.LargeBinary, nullable=False),
    sa.Column("subject", sa.Text, nullable=True),
    sa.Column("certificate", sa.LargeBinary, nullable=True),
    sa.Column("chain", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("not_before", UtcTime, nullable=True),
    sa.Column("not_after", UtcTime, nullable=True),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("suspended_by", sa.String(16), nullable=True),
    sa.Column("relock", sa.Boolean, nullable=True),
    sa.Column("holders", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("password", sa.JSON(none_as_null=True), nullable=True),
    id_column("replaces", nullable=True),
    sa.Column("password_failures", sa.Integer, nullable=True),
    sa.Column("policy", sa.JSON(none_as_null=True), nullable=True),
    *seal_columns(),
    sa.Index("ix_credentials_user_id_id", "user_id", "id"),
)

activations = sa.Table(
    "activations",
    metadata,
    id_column("transaction_id", primary=True),
    sa.Column("kind", sa.String(16), nullable=False),
    id_column("device_id", nullable=False),
    sa.Column("binding", sa.LargeBinary(32), nullable=False),
    sa.Column("answer_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("counter", sa.BigInteger, nullable=False),
    sa.Column("accepted_at", UtcTime, nullable=False),
    sa.Column("lease", sa.Integer, nullable=False),
    sa.Column("reserved_at", UtcTime, nullable=True),
    sa.Column("consumed_at", UtcTime, nullable=True),
    *seal_columns(),
)

occurrences = sa.Table(
    "occurrences",
    metadata,
    id_column("transaction_id", primary=True),
    sa.Column("index", sa.Integer, primary_key=True),
    id_column("credential_id", nullable=False),
    sa.Column("lease", sa.Integer, nullable=False),
    sa.Column("reserved_at", UtcTime, nullable=False),
    sa.Column("consumed_at", UtcTime, nullable=True),
)

sessions = sa.Table(
    "sessions",
    metadata,
    id_column("transaction_id", primary=True),
    id_column("credential_id", nullable=False),
    sa.Column("signatures", sa.Integer, nullable=False),
    sa.Column("used", sa.Integer, nullable=False),
    sa.Column("started_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime, nullable=False),
    *seal_columns(),
)

offline_keys = sa.Table(
    "offline_keys",
    metadata,
    id_column("credential_id", primary=True),
    id_column("device_id", nullable=False),
    sa.Column("secrets", sa.LargeBinary, nullable=False),
    sa.Column("pin_check", sa.LargeBinary(32), nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("set_at", UtcTime, nullable=False),
    sa.Column("ended_at", UtcTime, nullable=True),
    *seal_columns(),
)
