"""Signers' passwords, second factors and sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.create_table(
        "passwords",
        sa.Column("user_id", sa.String(26), primary_key=True),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )
    op.create_table(
        "password_letters",
        sa.Column("user_id", sa.String(26), primary_key=True),
        sa.Column("id", sa.String(26), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_password_letters_id", "password_letters", ["id"])
    op.create_table(
        "authenticators",
        sa.Column("user_id", sa.String(26), primary_key=True),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("credential_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
        sa.UniqueConstraint("credential_id", name="uq_passkeys_credential_id"),
    )
    op.create_index("ix_passkeys_user_id", "passkeys", ["user_id"])
    op.create_table(
        "signer_certificates",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("subject", sa.String(500), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
        sa.UniqueConstraint("sha256", name="uq_signer_certificates_sha256"),
    )
    op.create_index("ix_signer_certificates_user_id", "signer_certificates", ["user_id"])
    op.create_table(
        "login_sessions",
        sa.Column("id", sa.String(26), primary_key=True),
        sa.Column("user_id", sa.String(26), nullable=False),
        sa.Column("standing", sa.String(8), nullable=False),
        sa.Column("first", sa.String(16), nullable=False),
        sa.Column("second", sa.String(16), nullable=True),
        sa.Column("browser_sha256", sa.LargeBinary(32), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(64), nullable=False),
        sa.Column("renewals", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=True),
        sa.Column("seal", sa.LargeBinary(32), nullable=True),
    )
    op.create_index("ix_login_sessions_ends_at", "login_sessions", ["ends_at"])
    op.create_index("ix_login_sessions_user_id", "login_sessions", ["user_id"])
    op.create_table(
        "login_tries",
        sa.Column("way_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("wrong", sa.BigInteger(), nullable=False),
        sa.Column("closed_until", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_login_tries_expires_at", "login_tries", ["expires_at"])
    op.create_table(
        "known_browsers",
        sa.Column("user_id", sa.String(26), primary_key=True),
        sa.Column("browser_sha256", sa.LargeBinary(32), primary_key=True),
        sa.Column("since", sa.BigInteger(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("known_browsers")
    op.drop_table("login_tries")
    op.drop_table("login_sessions")
    op.drop_table("signer_certificates")
    op.drop_table("passkeys")
    op.drop_table("authenticators")
    op.drop_table("password_letters")
    op.drop_table("passwords")
