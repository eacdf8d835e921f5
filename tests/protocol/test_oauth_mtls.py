"""Tokens bound to TLS certificates, and clients that prove themselves by theirs: RFC 8705, T35."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.x509 import ObjectIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID

from dss.kernel import b64
from dss.kernel.errors import Invalid
from dss.oauth.client_certificate import ClientCertificates, fingerprint, is_registered, x5t
from tests.protocol.resource_world import CLIENT, PROXY, ResourceWorld, world
from tests.world.clock import START
from tests.world.tls_client import SERVER_AUTH, TlsCa, self_signed

__all__ = ["world"]

CERTIFICATE, ANOTHER = self_signed(), self_signed()
CA = TlsCa()
SUBJECT = "CN=Acme Ltd,O=Acme,C=MD"


def certificate(der: bytes) -> dict[str, str]:
    return {"Client-Cert": f":{b64.encode(der)}:"}


async def bound(world: ResourceWorld) -> dict[str, str]:
    return {"Authorization": f"Bearer {await world.token(x5t=x5t(CERTIFICATE))}"}


async def test_a_token_bound_to_a_certificate_opens_a_resource_over_its_connection(world: ResourceWorld):
    """RFC 8705 section 3."""
    answer = await world.ask(await bound(world) | certificate(CERTIFICATE), PROXY)

    assert (answer.status_code, answer.json()["client"]) == (200, CLIENT)


async def test_t35_a_token_bound_to_a_certificate_is_of_no_use_over_other_connections(world: ResourceWorld):
    headers = await bound(world)
    answers = [
        await world.ask(headers, PROXY),
        await world.ask(headers | certificate(ANOTHER), PROXY),
        await world.ask(headers | certificate(CERTIFICATE)),  # told by nobody who is believed
    ]

    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Bearer error="invalid_token"'}
    assert len({answer.content for answer in answers}) == 1


async def test_a_malformed_certificate_of_a_proxy_is_refused_before_anything_else(world: ResourceWorld):
    answer = await world.ask(await bound(world) | {"Client-Cert": ":AA:"}, PROXY)

    assert (answer.status_code, answer.json()["type"]) == (400, "urn:dss:error:bad_request")


async def test_t35_a_caller_s_own_certificate_beside_the_proxy_s_is_refused(world: ResourceWorld):
    """RFC 9700 section 4.13: which of the two the proxy wrote, nobody can tell."""
    told = [*(await bound(world)).items(), *certificate(CERTIFICATE).items(), *certificate(ANOTHER).items()]
    answer = await world.ask(told, PROXY)

    assert (answer.status_code, answer.json()["detail"]) == (400, "the header Client-Cert stands more than once")


async def test_a_token_bound_to_both_needs_both(world: ResourceWorld):
    key = world.key()
    token = await world.token(jkt=key.jkt, x5t=x5t(CERTIFICATE))

    assert (await world.ask(await world.by(key, token), PROXY)).status_code == 401
    assert (await world.ask(await world.by(key, token) | certificate(CERTIFICATE), PROXY)).status_code == 200


async def test_a_certificate_that_is_merely_there_changes_nothing(world: ResourceWorld):
    headers = {"Authorization": f"Bearer {await world.token()}"}

    assert (await world.ask(headers | certificate(ANOTHER), PROXY)).status_code == 200


def test_a_registered_certificate_is_known_by_its_fingerprint():
    """RFC 8705 section 2.2."""
    known = (fingerprint(ANOTHER), fingerprint(CERTIFICATE))

    assert is_registered(CERTIFICATE, known)
    assert not is_registered(CERTIFICATE, known[:1])
    assert not is_registered(CERTIFICATE, ())


@pytest.fixture
def certificates(tmp_path: Path) -> ClientCertificates:
    """What an operator's file of two CAs makes."""
    file = tmp_path / "cas.pem"
    file.write_bytes(TlsCa("CN=Another CA").pem + CA.pem)
    return ClientCertificates.of_file(file)


@pytest.mark.parametrize("subject", [SUBJECT, "CN=Acme\\20Ltd,O=Acme,C=MD", "2.5.4.3=Acme Ltd,O=Acme,C=MD"])
def test_a_certificate_by_a_known_ca_is_known_by_its_subject_however_that_is_written(
    certificates: ClientCertificates, subject: str
):
    """RFC 8705 section 2.1.2, RFC 4514: names are compared, not texts."""
    assert certificates.is_certified(CA.client(SUBJECT), subject, START)


@pytest.mark.parametrize(
    "subject",
    ["CN=Acme Ltd", "CN=Acme,O=Acme,C=MD", "C=MD,O=Acme,CN=Acme Ltd", "CN=Acme Ltd+O=Acme,C=MD", "", "x", "="],
)
def test_another_subject_is_another_client(certificates: ClientCertificates, subject: str):
    assert not certificates.is_certified(CA.client(SUBJECT), subject, START)


def test_t35_a_certificate_by_a_ca_of_the_same_name_is_refused(certificates: ClientCertificates):
    assert not certificates.is_certified(TlsCa().client(SUBJECT), SUBJECT, START)
    assert not certificates.is_certified(self_signed(SUBJECT), SUBJECT, START)


@pytest.mark.parametrize("days", [-2, 31])
def test_a_certificate_is_good_in_its_time_only(certificates: ClientCertificates, days: int):
    assert not certificates.is_certified(CA.client(SUBJECT), SUBJECT, START + timedelta(days=days))


@pytest.mark.parametrize("usage", [SERVER_AUTH, ExtendedKeyUsageOID.CODE_SIGNING])
def test_a_certificate_for_another_use_is_refused(certificates: ClientCertificates, usage: ObjectIdentifier):
    assert not certificates.is_certified(CA.client(SUBJECT, usage), SUBJECT, START)


def test_without_a_file_of_cas_nobody_is_certified():
    assert not ClientCertificates.of_file(None).is_certified(CA.client(SUBJECT), SUBJECT, START)


@pytest.mark.parametrize("content", [None, b"", b"x", CA.pem[:-40]])
def test_a_file_that_holds_no_cas_is_told_at_the_start(tmp_path: Path, content: bytes | None):
    file = tmp_path / "cas.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Invalid, match=str(file)):
        ClientCertificates.of_file(file)
