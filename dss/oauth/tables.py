"""The tables of the authorization server."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, id_column, metadata, seal_columns

grants = sa.Table(
    "grants",
    metadata,
    id_column("id", primary=True),
    id_column("client_id", nullable=False),
    id_column("user_id", nullable=False, index=True),
    id_column("session_id", nullable=False),
    sa.Column("scopes", sa.JSON, nullable=False),
    sa.Column("details", sa.JSON, nullable=False),
    sa.Column("redirect_uri", sa.String(2000), nullable=False),
    sa.Column("client_state", sa.String(2000), nullable=False),
    sa.Column("code_challenge", sa.String(43), nullable=False),
    sa.Column("dpop_jkt", sa.String(43), nullable=False),
    id_column("signature_id", nullable=True, unique=True),  # however often a form is sent, one waits for the phone
    sa.Column("stage", sa.String(16), nullable=False),
    sa.Column("generation", sa.BigInteger, nullable=False),
    sa.Column("authenticated_at", UtcTime, nullable=False),
    sa.Column("created_at", UtcTime, nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
    sa.Column("rests_until", UtcTime, nullable=True),
    sa.Column("why", sa.String(64), nullable=False),
    *seal_columns(),
)

# What clients pushed: the name that they were given holds a code over the row, so an altered one is nobody's.
# address: the network that it came from, of a client that proves nothing; else empty.
# decided: the SHA-256 of what names the decision, or empty.
pushed_requests = sa.Table(
    "pushed_requests",
    metadata,
    id_column("id", primary=True),
    id_column("client_id", nullable=False, index=True),
    sa.Column("address", sa.String(64), nullable=False, index=True),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("decided", sa.String(64), nullable=False),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

# Ids of access tokens and of grants whose access tokens are not to be taken, until they would have ended anyway.
revoked_tokens = sa.Table(
    "revoked_tokens",
    metadata,
    id_column("id", primary=True),
    sa.Column("expires_at", UtcTime, nullable=False, index=True),
)

# Token keys in the HSM, by number: number 1 is the one that was made with the others.
token_keys = sa.Table(
    "token_keys",
    metadata,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("signs_from", UtcTime, nullable=False),
)
