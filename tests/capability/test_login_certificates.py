"""Signing in by a certificate that operators registered for a signer.

Source: docs/authorization.md section 7, RFC 5280 section 6.
"""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from dss.kernel.errors import Conflict, Invalid, NotFound, TooMany, Unauthenticated
from dss.login.certificates import cas_of
from dss.login.model import Factor, Standing
from dss.login.tables import signer_certificates
from dss.users.model import User
from tests.world.clock import START
from tests.world.signing_in import HOME, OPERATOR, STRANGER, Desk, desk, signer

__all__ = ["desk", "signer"]

YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def made(name: str, issuer: Made | None = None, *extensions: x509.ExtensionType, days: int = 365) -> Made:
    """Make a certificate, by itself or by another."""
    key, subject = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(subject_name=subject, public_key=key.public_key(), serial_number=1 + len(name))
    builder = builder.issuer_name(issuer.certificate.subject if issuer else subject)
    builder = builder.not_valid_before(START - timedelta(days=1)).not_valid_after(START + timedelta(days=days))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return Made(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def authority(name: str) -> Made:
    """Make a CA."""
    return made(name, None, x509.BasicConstraints(ca=True, path_length=None))


async def test_a_registered_certificate_begins_a_session(desk: Desk, signer: User):
    mine = made("Olena")
    kept = await desk.login.certificates.add(signer.id, mine.pem, OPERATOR)
    signed = await desk.login.by_certificate(mine.der, HOME)

    assert (signed.session.user_id, signed.session.first) == (signer.id, Factor.CERTIFICATE)
    assert signed.session.standing is Standing.HALF
    assert kept.subject == "CN=Olena"
    assert await desk.login.certificates.of_user(signer.id) == [kept]


async def test_another_certificate_of_the_same_name_opens_nothing(desk: Desk, signer: User):
    await desk.login.certificates.add(signer.id, made("Olena").der, OPERATOR)
    for der in (made("Olena").der, b"", b"\x30\x00"):
        with pytest.raises(Unauthenticated):
            await desk.login.by_certificate(der, HOME)


async def test_one_that_was_removed_opens_nothing_and_may_be_registered_again(desk: Desk, signer: User):
    mine, kept = made("Olena"), desk.login.certificates
    sha256 = (await kept.add(signer.id, mine.der, OPERATOR)).sha256
    await kept.remove(signer.id, sha256, OPERATOR)
    with pytest.raises(Unauthenticated):
        await desk.login.by_certificate(mine.der, HOME)
    with pytest.raises(NotFound):
        await kept.remove(signer.id, sha256, OPERATOR)
    assert await kept.of_user(signer.id) == []

    await kept.add(signer.id, mine.der, OPERATOR)
    await desk.login.by_certificate(mine.der, HOME)


async def test_one_certificate_is_one_signer_s(desk: Desk, signer: User):
    other, mine = await desk.signer("petro"), made("Olena")
    kept = await desk.login.certificates.add(signer.id, mine.der, OPERATOR)
    with pytest.raises(Conflict):
        await desk.login.certificates.add(other.id, mine.der, OPERATOR)
    with pytest.raises(NotFound):
        await desk.login.certificates.remove(other.id, kept.sha256, OPERATOR)


async def test_a_certificate_whose_time_is_over_opens_nothing(desk: Desk, signer: User):
    mine = made("Olena", days=30)
    await desk.login.certificates.add(signer.id, mine.der, OPERATOR)
    desk.clock.move(31 * 24 * 3600)
    with pytest.raises(Unauthenticated):
        await desk.login.by_certificate(mine.der, HOME)
    with pytest.raises(Invalid, match="does not hold"):
        await desk.login.certificates.add(signer.id, made("Olena", days=30).der, OPERATOR)


@pytest.mark.parametrize("content", [b"", b"text", b"-----BEGIN CERTIFICATE-----\n", b"\x30" * 20_000])
async def test_what_is_no_certificate_is_not_registered(desk: Desk, signer: User, content: bytes):
    with pytest.raises(Invalid):
        await desk.login.certificates.add(signer.id, content, OPERATOR)


async def test_a_certificate_for_servers_is_not_registered(desk: Desk, signer: User):
    """RFC 5280 section 4.2.1.12."""
    server = made("Olena", None, x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]))
    with pytest.raises(Invalid, match="not for clients"):
        await desk.login.certificates.add(signer.id, server.der, OPERATOR)


async def test_where_cas_are_set_a_certificate_is_by_one_of_them(desk: Desk, signer: User, tmp_path: Path):
    ours, others, no_ca, file = authority("Ours"), authority("Others"), made("Ours"), tmp_path / "cas.pem"
    file.write_bytes(ours.pem + authority("More").pem)
    kept = desk.again(cas=cas_of(file)).certificates
    for issuer in (others, no_ca, None):
        with pytest.raises(Invalid, match="by none of the CAs"):
            await kept.add(signer.id, made("Olena", issuer).der, OPERATOR)

    mine = made("Olena", ours)
    await kept.add(signer.id, mine.der, OPERATOR)
    assert await kept.owner(mine.der) == signer.id
    file.write_bytes(others.pem)
    assert await kept.owner(mine.der) is None


async def test_a_ca_that_is_none_issues_nothing(desk: Desk, signer: User, tmp_path: Path):
    """RFC 5280 section 6.1.4 (k)."""
    file, end = tmp_path / "cas.pem", made("End")
    file.write_bytes(end.pem)
    with pytest.raises(Invalid):
        await desk.again(cas=cas_of(file)).certificates.add(signer.id, made("Olena", end).der, OPERATOR)


async def test_a_certificate_that_was_given_to_another_signer_behind_the_server_s_back_opens_nothing(
    desk: Desk, signer: User
):
    """T19."""
    intruder, mine = await desk.signer("petro"), made("Petro")
    await desk.login.certificates.add(intruder.id, mine.der, OPERATOR)
    async with desk.database.write() as connection:
        await connection.execute(sa.update(signer_certificates).values(user_id=signer.id))
    with pytest.raises(Unauthenticated):
        await desk.login.by_certificate(mine.der, STRANGER)


async def test_an_address_tries_thirty_certificates_a_minute(desk: Desk, signer: User):
    for _ in range(30):
        with pytest.raises(Unauthenticated):
            await desk.login.by_certificate(b"none", STRANGER)
    with pytest.raises(TooMany):
        await desk.login.by_certificate(b"none", STRANGER)
    assert await desk.told("login:unknown") == ["login.refused"]
