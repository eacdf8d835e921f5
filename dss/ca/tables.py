"""CAs, the certificates they issued, and the CRLs they published."""

import sqlalchemy as sa

from dss.infra.schema import UtcTime, metadata

certificates = sa.Table(
    "certificates",
    metadata,
    sa.Column("serial", sa.String(40), primary_key=True),
    sa.Column("issuer", sa.String(40), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("der", sa.LargeBinary, nullable=False),
    sa.Column("sha256", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("not_before", UtcTime, nullable=False),
    sa.Column("not_after", UtcTime, nullable=False),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("revoked_at", UtcTime, nullable=True),
    sa.Column("reason", sa.String(32), nullable=True),
    sa.Column("requester", sa.String(128), nullable=False),
    sa.Index("ix_certificates_issuer_status", "issuer", "status"),
    sa.Index("ix_certificates_requester", "requester"),
)

authorities = sa.Table(
    "authorities",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("parent", sa.String(40), sa.ForeignKey("authorities.name"), nullable=True),
    sa.Column("profile", sa.String(40), nullable=False),
    sa.Column("key_name", sa.String(128), nullable=False),
    sa.Column("serial", sa.String(40), sa.ForeignKey("certificates.serial"), nullable=False),
    sa.Column("crl_number", sa.BigInteger, nullable=False),
)

crls = sa.Table(
    "crls",
    metadata,
    sa.Column("issuer", sa.String(40), sa.ForeignKey("authorities.name"), primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("der", sa.LargeBinary, nullable=False),
    sa.Column("this_update", UtcTime, nullable=False),
    sa.Column("next_update", UtcTime, nullable=False),
    sa.Column("entries", sa.Integer, nullable=False),
)
