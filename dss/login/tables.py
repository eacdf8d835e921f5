"""The tables of signing in."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

passwords = sa.Table(
    "passwords",
    metadata,
    id_column("user_id", primary=True),
    sa.Column("hash", sa.String(200), nullable=False),  # empty where it must be set anew
    sa.Column("set_at", UtcTime, nullable=False),
    *seal_columns(),
)

# The letter by which a signer sets a password: the code in its link is made by the HSM over the id.
password_letters = sa.Table(
    "password_letters",
    metadata,
    id_column("user_id", primary=True),
    id_column("id", nullable=False, index=True),
    sa.Column("expires_at", UtcTime, nullable=False),
)

authenticators = sa.Table(
    "authenticators",
    metadata,
    id_column("user_id", primary=True),
    sa.Column("sealed_secret", sa.LargeBinary, nullable=False),
    sa.Column("confirmed", sa.Boolean, nullable=False),
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("added_at", UtcTime, nullable=False),
    *seal_columns(),
)

passkeys = sa.Table(
    "passkeys",
    metadata,
    id_column("id", primary=True),
    id_column("user_id", nullable=False, index=True),
    sa.Column("credential_id", sa.LargeBinary, nullable=False),
    sa.Column("public_key", sa.LargeBinary, nullable=False),
    sa.Column("sign_count", sa.BigInteger, nullable=False),
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("added_at", UtcTime, nullable=False),
    sa.Column("removed_at", UtcTime, nullable=True),
    *seal_columns(),
    sa.UniqueConstraint("credential_id"),
)

signer_certificates = sa.Table(
    "signer_certificates",
    metadata,
    id_column("id", primary=True),
    sa.Column("sha256", sa.String(64), nullable=False),
    id_column("user_id", nullable=False, index=True),
    sa.Column("subject", sa.String(500), nullable=False),
    sa.Column("added_at", UtcTime, nullable=False),
    sa.Column("removed_at", UtcTime, nullable=True),
    *seal_columns(),
    sa.UniqueConstraint("sha256"),
)

login_sessions = sa.Table(
    "login_sessions",
    metadata,
    id_column("id", primary=True),
    id_column("user_id", nullable=False, index=True),
    sa.Column("standing", sa.String(8), nullable=False),
    sa.Column("first", sa.String(16), nullable=False),
    sa.Column("second", sa.String(16), nullable=True),
    sa.Column("browser_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("address", sa.String(64), nullable=False),
    sa.Column("agent", sa.String(64), nullable=False),
    sa.Column("renewals", sa.BigInteger, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("used_at", UtcTime, nullable=False),
    sa.Column("ends_at", UtcTime, nullable=False, index=True),
    *seal_columns(),
)

# Wrong tries in a row, by a way in: the SHA-256 of what names it.
login_tries = sa.Table(
    "login_tries",
    metadata,
    sa.Column("way_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("wrong", sa.BigInteger, nullable=False),
    sa.Column("closed_until", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

# Browsers from which a signer signed in before.
known_browsers = sa.Table(
    "known_browsers",
    metadata,
    id_column("user_id", primary=True),
    sa.Column("browser_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("since", UtcTime, nullable=False),
)
