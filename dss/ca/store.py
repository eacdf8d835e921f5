"""Queries over CAs, certificates and CRLs."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.ca.model import Authority, Certificate, Crl, CrlStanding, Reason, Revoked, Status, Validity
from dss.ca.tables import authorities, certificates, crls
from dss.kernel.digest import Digest
from dss.kernel.errors import Conflict, NotFound


async def add_certificate(connection: AsyncConnection, certificate: Certificate) -> None:
    """Add an issued certificate to the register."""
    row = {
        "serial": certificate.serial,
        "issuer": certificate.issuer,
        "subject": certificate.subject,
        "der": certificate.der,
        "sha256": Digest.of(certificate.der).value,
        "not_before": certificate.validity.not_before,
        "not_after": certificate.validity.not_after,
        "status": certificate.status.value,
        "requester": certificate.requester,
    }
    await connection.execute(sa.insert(certificates).values(row))


async def add_authority(connection: AsyncConnection, authority: Authority) -> None:
    """Add a CA and its certificate. Raises IntegrityError when there is one of this name."""
    await add_certificate(connection, authority.certificate)
    row = {
        "name": authority.name,
        "parent": authority.parent,
        "profile": authority.profile,
        "key_name": authority.key_name,
        "serial": authority.certificate.serial,
        "crl_number": 0,
    }
    await connection.execute(sa.insert(authorities).values(row))


async def find_authority(connection: AsyncConnection, name: str) -> Authority | None:
    """Return a CA, or None."""
    row = (await connection.execute(_AUTHORITIES.where(authorities.c.name == name))).one_or_none()
    return None if row is None else _authority(row)


async def authority(connection: AsyncConnection, name: str) -> Authority:
    """Return a CA. Raises NotFound."""
    found = await find_authority(connection, name)
    if found is None:
        raise NotFound("there is no CA of this name")
    return found


async def all_authorities(connection: AsyncConnection) -> list[Authority]:
    """Return every CA, by name."""
    return [_authority(row) for row in await connection.execute(_AUTHORITIES.order_by(authorities.c.name))]


async def revoke(connection: AsyncConnection, serial: str, reason: Reason, now: datetime) -> str:
    """Revoke a certificate and return its issuer's name. Raises Conflict if it is revoked already, NotFound."""
    c = certificates
    step = sa.update(c).where(c.c.serial == serial, c.c.status == Status.GOOD.value)
    values = {"status": Status.REVOKED.value, "revoked_at": now, "reason": reason.value}
    issuer = (await connection.execute(step.values(values).returning(c.c.issuer))).scalar_one_or_none()
    if issuer is not None:
        return str(issuer)
    known = await connection.execute(sa.select(c.c.serial).where(c.c.serial == serial))
    if known.one_or_none() is None:
        raise NotFound("there is no certificate of this serial number")
    raise Conflict("the certificate is revoked already")


async def is_good(connection: AsyncConnection, serial: str) -> bool:
    """Return True for a certificate of the register that is not revoked."""
    c = certificates
    query = sa.select(c.c.serial).where(c.c.serial == serial, c.c.status == Status.GOOD.value)
    return (await connection.execute(query)).one_or_none() is not None


async def good_of(connection: AsyncConnection, requester: str) -> list[Certificate]:
    """Return a requester's certificates that are not revoked."""
    c = certificates
    query = sa.select(c).where(c.c.requester == requester, c.c.status == Status.GOOD.value)
    return [_certificate(row) for row in await connection.execute(query)]


async def revoked(connection: AsyncConnection, issuer: str) -> list[Revoked]:
    """Return all that a CA has revoked, oldest first."""
    c = certificates
    query = sa.select(c.c.serial, c.c.revoked_at, c.c.reason).where(_revoked_by(issuer))
    rows = await connection.execute(query.order_by(c.c.revoked_at, c.c.serial))
    return [Revoked(row.serial, row.revoked_at, Reason(row.reason)) for row in rows]


async def take_crl_number(connection: AsyncConnection, issuer: str) -> int:
    """Return the CA's next CRL number, never to be given again. Raises NotFound."""
    a = authorities
    step = sa.update(a).where(a.c.name == issuer).values(crl_number=a.c.crl_number + 1).returning(a.c.crl_number)
    number = (await connection.execute(step)).scalar_one_or_none()
    if number is None:
        raise NotFound("there is no CA of this name")
    return int(number)


async def add_crl(connection: AsyncConnection, crl: Crl) -> None:
    """Publish a CRL."""
    row = {
        "issuer": crl.issuer,
        "number": crl.number,
        "der": crl.der,
        "this_update": crl.this_update,
        "next_update": crl.next_update,
        "entries": crl.entries,
    }
    await connection.execute(sa.insert(crls).values(row))


async def current_crl(connection: AsyncConnection, issuer: str) -> Crl | None:
    """Return the CRL of the highest number, or None before the first."""
    query = sa.select(crls).where(crls.c.issuer == issuer).order_by(crls.c.number.desc()).limit(1)
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        return None
    return Crl(row.issuer, row.number, row.der, row.this_update, row.next_update, row.entries)


async def crl_standings(connection: AsyncConnection) -> list[CrlStanding]:
    """Return how the CRL of every CA stands, by name: one query, and no CRL is read."""
    a, c, every = authorities.c, certificates.c, crls.alias()
    newest = sa.select(sa.func.max(every.c.number)).where(every.c.issuer == a.name).scalar_subquery()
    revoked = sa.select(sa.func.count()).where(c.issuer == a.name, c.status == Status.REVOKED.value).scalar_subquery()
    current = sa.and_(crls.c.issuer == a.name, crls.c.number == newest)
    query = sa.select(a.name, a.profile, crls.c.this_update, crls.c.entries, revoked.label("revoked"))
    rows = await connection.execute(query.select_from(authorities.outerjoin(crls, current)).order_by(a.name))
    return [CrlStanding(row.name, row.profile, row.this_update, row.entries or 0, row.revoked) for row in rows]


_AUTHORITIES = sa.select(
    authorities.c.name, authorities.c.parent, authorities.c.profile, authorities.c.key_name, certificates
).join_from(authorities, certificates, authorities.c.serial == certificates.c.serial)


def _revoked_by(issuer: str) -> sa.ColumnElement[bool]:
    return sa.and_(certificates.c.issuer == issuer, certificates.c.status == Status.REVOKED.value)


def _authority(row: Any) -> Authority:
    return Authority(row.name, row.parent, row.profile, row.key_name, _certificate(row))


def names_of(requesters: sa.CompoundSelect[Any]) -> sa.Select[Any]:
    """Return the query of the certificates that some asked for, as the log names them."""
    return sa.select(sa.literal("certificate:") + certificates.c.serial).where(certificates.c.requester.in_(requesters))


def _certificate(row: Any) -> Certificate:
    return Certificate(
        serial=row.serial,
        issuer=row.issuer,
        subject=row.subject,
        der=row.der,
        validity=Validity(row.not_before, row.not_after),
        requester=row.requester,
        status=Status(row.status),
    )
