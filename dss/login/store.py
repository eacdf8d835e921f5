"""Queries of signing in. What is found of sealed rows is believed only once its seal is proven."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit.seals import Stored
from dss.kernel.ids import LoginId, UserId
from dss.login.model import Password, Session, SignerCertificate, Standing
from dss.login.registers import LOGIN_SESSIONS, PASSWORDS, SIGNER_CERTIFICATES
from dss.login.tables import (
    authenticators,
    known_browsers,
    login_sessions,
    login_tries,
    passkeys,
    password_letters,
    passwords,
    signer_certificates,
)

MOST_BROWSERS = 50  # of a signer that are remembered


# --- sessions ---


async def session(connection: AsyncConnection, id: LoginId) -> Stored[Session] | None:
    """Return a session, or None."""
    row = (await connection.execute(LOGIN_SESSIONS.select().where(login_sessions.c.id == id))).one_or_none()
    return None if row is None else Stored.of(LOGIN_SESSIONS, row)


async def open_sessions(connection: AsyncConnection, user_id: UserId, now: datetime) -> list[Stored[Session]]:
    """Return a signer's sessions that have not ended, newest first; some may be idle for too long."""
    query = LOGIN_SESSIONS.select().where(_open(user_id, now)).order_by(login_sessions.c.id.desc())
    return [Stored.of(LOGIN_SESSIONS, row) for row in await connection.execute(query)]


async def open_session_ids(connection: AsyncConnection, user_id: UserId, now: datetime) -> frozenset[str]:
    """Return the ids of the same."""
    return frozenset((await connection.execute(sa.select(login_sessions.c.id).where(_open(user_id, now)))).scalars())


def _open(user_id: UserId, now: datetime) -> sa.ColumnElement[bool]:
    c = login_sessions.c
    return (c.user_id == user_id) & (c.standing != Standing.ENDED.value) & (c.ends_at > now)


# --- passwords and their letters ---


async def password(connection: AsyncConnection, user_id: str) -> Stored[Password] | None:
    """Return what is kept of a signer's password, or None."""
    row = (await connection.execute(PASSWORDS.select().where(passwords.c.user_id == user_id))).one_or_none()
    return None if row is None else Stored.of(PASSWORDS, row)


async def put_letter(connection: AsyncConnection, user_id: UserId, id: str, expires_at: datetime) -> None:
    """Let a letter be the one that sets a signer's password; an earlier one does no more."""
    said = {"id": id, "expires_at": expires_at}
    insert = _insert(connection, password_letters).values(user_id=user_id, **said)
    await connection.execute(insert.on_conflict_do_update(index_elements=["user_id"], set_=said))


async def letter(connection: AsyncConnection, id: str, now: datetime) -> UserId | None:
    """Return whose password a letter sets, by the row's own word; None where it sets none."""
    c = password_letters.c
    found = (await connection.execute(sa.select(c.user_id).where((c.id == id) & (c.expires_at > now)))).scalar()
    return None if found is None else UserId(found)


async def spend_letter(connection: AsyncConnection, user_id: UserId, id: str) -> bool:
    """Delete a letter. Return False where it is gone."""
    c = password_letters.c
    return (
        await connection.execute(sa.delete(password_letters).where((c.user_id == user_id) & (c.id == id)))
    ).rowcount == 1


# --- certificates ---


async def certificate(connection: AsyncConnection, sha256: str) -> Stored[SignerCertificate] | None:
    """Return a certificate, or None."""
    query = SIGNER_CERTIFICATES.select().where(signer_certificates.c.sha256 == sha256)
    row = (await connection.execute(query)).one_or_none()
    return None if row is None else Stored.of(SIGNER_CERTIFICATES, row)


async def certificates_of(connection: AsyncConnection, user_id: UserId) -> list[Stored[SignerCertificate]]:
    """Return the certificates of a signer that open something, oldest first."""
    c = signer_certificates.c
    query = SIGNER_CERTIFICATES.select().where((c.user_id == user_id) & c.removed_at.is_(None)).order_by(c.added_at)
    return [Stored.of(SIGNER_CERTIFICATES, row) for row in await connection.execute(query)]


# --- second factors, by the rows' own word ---


async def has_authenticator(connection: AsyncConnection, user_id: UserId) -> bool:
    """Tell whether a signer has an authenticator app."""
    c = authenticators.c
    return await _any(connection, sa.select(c.user_id).where((c.user_id == user_id) & c.confirmed))


async def has_passkey(connection: AsyncConnection, user_id: UserId) -> bool:
    """Tell whether a signer has a passkey."""
    c = passkeys.c
    return await _any(connection, sa.select(c.id).where((c.user_id == user_id) & c.removed_at.is_(None)))


# --- browsers ---


async def knows_browser(connection: AsyncConnection, user_id: str, browser_sha256: bytes) -> bool:
    """Tell whether a signer signed in from a browser before."""
    c = known_browsers.c
    mine = (c.user_id == user_id) & (c.browser_sha256 == browser_sha256)
    return await _any(connection, sa.select(c.user_id).where(mine))


async def browsers_of(connection: AsyncConnection, user_id: UserId) -> list[bytes]:
    """Return the browsers that are remembered of a signer."""
    c = known_browsers.c
    return list((await connection.execute(sa.select(c.browser_sha256).where(c.user_id == user_id))).scalars())


async def remember_browser(connection: AsyncConnection, user_id: UserId, browser_sha256: bytes, now: datetime) -> bool:
    """Remember a browser, and forget the oldest beyond the most. Return False for one that was known."""
    c = known_browsers.c
    row = {"user_id": user_id, "browser_sha256": browser_sha256, "since": now}
    added = await connection.execute(_insert(connection, known_browsers).values(row).on_conflict_do_nothing())
    newest = sa.select(c.browser_sha256).where(c.user_id == user_id).order_by(c.since.desc()).limit(MOST_BROWSERS)
    old = (c.user_id == user_id) & c.browser_sha256.not_in(newest)
    await connection.execute(sa.delete(known_browsers).where(old))
    return added.rowcount == 1


# --- tries ---


async def hold_count(connection: AsyncConnection, way: bytes, now: datetime) -> tuple[int, datetime, datetime]:
    """Return a way's tries, since when it is open, and until when they are remembered; nobody else's until the commit.

    The update changes nothing: it locks the row, and returns it, in the statement that makes it where there is none.
    """
    c = login_tries.c
    insert = _insert(connection, login_tries).values(way_sha256=way, wrong=0, closed_until=now, expires_at=now)
    held = insert.on_conflict_do_update(index_elements=["way_sha256"], set_={"wrong": c.wrong})
    row = (await connection.execute(held.returning(c.wrong, c.closed_until, c.expires_at))).one()
    return row.wrong, row.closed_until, row.expires_at


async def write_count(connection: AsyncConnection, way: bytes, count: tuple[int, datetime, datetime]) -> None:
    """Write what became of a count that is held."""
    tries, closed_until, expires_at = count
    said = {"wrong": tries, "closed_until": closed_until, "expires_at": expires_at}
    await connection.execute(sa.update(login_tries).where(login_tries.c.way_sha256 == way).values(said))


async def reset_counts(connection: AsyncConnection, ways: Collection[bytes], now: datetime) -> None:
    """Let ways have no tries."""
    fresh = {"wrong": 0, "closed_until": now, "expires_at": now}
    await connection.execute(sa.update(login_tries).where(login_tries.c.way_sha256.in_(ways)).values(fresh))


async def _any(connection: AsyncConnection, query: sa.Select[Any]) -> bool:
    return (await connection.execute(query.limit(1))).first() is not None


def _insert(connection: AsyncConnection, table: sa.Table) -> Any:
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return insert(table)
