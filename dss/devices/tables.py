"""Enrolments, registered phones, the keys that their boxes are sealed to, and what phones share."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

enrolments = sa.Table(
    "enrolments",
    metadata,
    id_column("id", primary=True),
    id_column("user_id", nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("sealed_secret", sa.LargeBinary, nullable=True),
    sa.Column("nonce", sa.String(43), nullable=False),
    sa.Column("offer", sa.Text, nullable=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False),
    *seal_columns(),
)

devices = sa.Table(
    "devices",
    metadata,
    id_column("id", primary=True),
    id_column("user_id", nullable=False, index=True),
    id_column("enrolment_id", nullable=False, unique=True),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("platform", sa.String(32), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("signature_jwk", sa.JSON, nullable=False),
    sa.Column("encryption_jwk", sa.JSON, nullable=False),
    sa.Column("signature_thumbprint", sa.String(43), nullable=False, unique=True),
    sa.Column("encryption_thumbprint", sa.String(43), nullable=False, unique=True),
    sa.Column("pin_check", sa.LargeBinary(32), nullable=False),
    sa.Column("pin_failures", sa.Integer, nullable=False),
    sa.Column("locked_until", UtcTime, nullable=True),
    sa.Column("counter", sa.BigInteger, nullable=False),
    sa.Column("answer_sha256", sa.LargeBinary(32), nullable=True),  # of versions before `recent`; no longer written
    sa.Column("enrolment_jws", sa.Text, nullable=False),
    sa.Column("receipt_jws", sa.Text, nullable=False),
    sa.Column("enrolled_at", UtcTime, nullable=False),
    sa.Column("lock_reason", sa.String(16), nullable=True),
    sa.Column("recent", sa.JSON(none_as_null=True), nullable=True),
    sa.Column("active_from", UtcTime, nullable=True),
    *seal_columns(),
)

box_keys = sa.Table(
    "box_keys",
    metadata,
    id_column("id", primary=True),
    sa.Column("slot", sa.BigInteger, nullable=True, unique=True),
    sa.Column("jwk", sa.JSON, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("superseded_at", UtcTime, nullable=False),
    sa.Column("destroyed_at", UtcTime, nullable=True),
    *seal_columns(),
)

shares = sa.Table(
    "shares",
    metadata,
    id_column("id", primary=True),
    id_column("from_device_id", nullable=False),
    id_column("to_device_id", nullable=False, index=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("credentials", sa.JSON, nullable=False),
    sa.Column("request_jws", sa.Text, nullable=False),
    sa.Column("answer_jws", sa.Text, nullable=False),
    sa.Column("jwe", sa.Text, nullable=True),
    sa.Column("made_at", UtcTime, nullable=False),
    *seal_columns(),
)
