"""The kinds of sealed rows of signing in."""

from dss.audit.kinds import Kind
from dss.login.model import Standing
from dss.login.passkeys_store import PASSKEYS
from dss.login.registers import LOGIN_SESSIONS, PASSWORDS, SIGNER_CERTIFICATES
from dss.login.tables import login_sessions
from dss.login.totp_store import AUTHENTICATORS

KINDS = (
    Kind(LOGIN_SESSIONS, lambda _: {"standing": Standing.ENDED.value}, over=login_sessions.c.ends_at),
    Kind(PASSWORDS, lambda _: {"hash": ""}),
    Kind(AUTHENTICATORS, lambda _: {"sealed_secret": b"", "confirmed": False}),
    Kind(PASSKEYS, lambda end: {"removed_at": end.now}),
    Kind(SIGNER_CERTIFICATES, lambda end: {"removed_at": end.now}),
)
