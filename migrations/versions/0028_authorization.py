"""Grants, pushed requests, revoked tokens and token keys of the authorization server."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.create_table(
        "grants",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("client_id", sa.String(26), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("session_id", sa.String(26), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("redirect_uri", sa.String(2000), nullable=False),
        sa.Column("client_state", sa.String(2000), nullable=False),
        sa.Column("code_challenge", sa.String(43), nullable=False),
        sa.Column("dpop_jkt", sa.String(43), nullable=False),
        sa.Column("signature_id", sa.String(26), nullable=True),
        sa.Column("stage", sa.String(16), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("authenticated_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("rests_until", sa.BigInteger(), nullable=True),
        sa.Column("why", sa.String(64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
        sa.UniqueConstraint("signature_id", name="uq_grants_signature_id"),
    )
    op.create_index("ix_grants_user_id", "grants", ["user_id"])
    op.create_index("ix_grants_expires_at", "grants", ["expires_at"])
    op.create_table(
        "pushed_requests",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("client_id", sa.String(26), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("request", sa.Text(), nullable=False),
        sa.Column("decided", sa.String(64), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_pushed_requests_client_id", "pushed_requests", ["client_id"])
    op.create_index("ix_pushed_requests_address", "pushed_requests", ["address"])
    op.create_index("ix_pushed_requests_expires_at", "pushed_requests", ["expires_at"])
    op.create_table(
        "revoked_tokens",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"])
    op.create_table(
        "token_keys",
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("signs_from", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("token_keys")
    op.drop_table("revoked_tokens")
    op.drop_table("pushed_requests")
    op.drop_table("grants")
