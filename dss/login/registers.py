"""The sealed tables of signing in: sessions, passwords, certificates."""

from dataclasses import fields
from typing import Any

from dss.audit.seals import Register, Row
from dss.login.model import Factor, Password, Session, SignerCertificate, Standing
from dss.login.tables import login_sessions, passwords, signer_certificates

CHANGING_OF_SESSIONS = ("standing", "second", "renewals", "used_at", "ends_at")
CHANGING_OF_CERTIFICATES = ("user_id", "subject", "added_at", "removed_at")


def row_of(session: Session) -> dict[str, Any]:
    """Return the columns of a session."""
    row = {field.name: getattr(session, field.name) for field in fields(Session)}
    second = session.second.value if session.second else None
    return row | {"standing": session.standing.value, "first": session.first.value, "second": second}


def _session(row: Row) -> Session:
    known = {field.name: row[field.name] for field in fields(Session)}
    second = Factor(row["second"]) if row["second"] else None
    return Session(**known | {"standing": Standing(row["standing"]), "first": Factor(row["first"]), "second": second})


def _changing(session: Session) -> dict[str, Any]:
    row = row_of(session)
    return {name: row[name] for name in CHANGING_OF_SESSIONS}


def _password(row: Row) -> Password:
    return Password(row["user_id"], row["hash"], row["set_at"])


def row_of_certificate(certificate: SignerCertificate) -> dict[str, Any]:
    """Return the columns of a certificate."""
    return {field.name: getattr(certificate, field.name) for field in fields(SignerCertificate)}


def _certificate(row: Row) -> SignerCertificate:
    return SignerCertificate(**{field.name: row[field.name] for field in fields(SignerCertificate)})


LOGIN_SESSIONS = Register("login_session", login_sessions, _session, _changing)
PASSWORDS = Register(
    "password", passwords, _password, lambda one: {"hash": one.hash, "set_at": one.set_at}, key="user_id"
)
SIGNER_CERTIFICATES = Register(
    "signer_certificate",
    signer_certificates,
    _certificate,
    lambda one: {name: getattr(one, name) for name in CHANGING_OF_CERTIFICATES},
)
