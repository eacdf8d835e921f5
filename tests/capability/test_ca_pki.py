"""CRLs and CA certificates are fetched over HTTP by anybody, with what caches need."""

from types import SimpleNamespace

import httpx
import pytest
from cryptography import x509
from starlette.applications import Starlette

from dss.ca.model import Reason
from dss.web.http.problems import exception_handlers
from dss.web.pki.routes import routes
from tests.world.authorities import Authorities

BASE = "http://127.0.0.1:8080"


@pytest.fixture
async def world(database):
    return await Authorities.over(database).set_up()


@pytest.fixture
async def relying(world):
    """A relying party of a process that has no keys of the CA."""
    app = Starlette(routes=routes(), exception_handlers=exception_handlers())
    services = SimpleNamespace(ca=world.with_keys(None))

    async def serve(scope, receive, send):
        await app(scope | {"state": {"services": services}}, receive, send)

    async with httpx.AsyncClient(transport=httpx.ASGITransport(serve), base_url=BASE) as client:
        yield client


async def test_a_crl_is_served_as_it_was_signed(world, relying):
    """RFC 2585 section 4.2."""
    response = await relying.get("/pki/demo-issuing.crl")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/pkix-crl")
    assert response.content == (await world.ca.crl("demo-issuing")).der


async def test_a_ca_certificate_is_served_as_one_der_certificate(world, relying):
    """RFC 2585 section 4.1, RFC 5280 section 4.2.2.1."""
    response = await relying.get("/pki/demo-root.cer")

    assert (response.status_code, response.headers["content-type"]) == (200, "application/pkix-cert")
    assert response.content == (await world.ca.certificate("demo-root")).der


async def test_the_addresses_in_a_certificate_lead_to_its_issuer_and_crl(world, relying):
    certificate = x509.load_der_x509_certificate((await world.certify()).certificate)
    (access,) = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value

    issuer = x509.load_der_x509_certificate((await relying.get(access.access_location.value)).content)
    crl = x509.load_der_x509_crl((await relying.get(point.full_name[0].value)).content)

    certificate.verify_directly_issued_by(issuer)
    assert crl.is_signature_valid(issuer.public_key())


@pytest.mark.parametrize(("path", "age"), [("/pki/demo-issuing.crl", 300), ("/pki/demo-issuing.cer", 86400)])
async def test_answers_say_how_old_they_are_and_how_long_they_may_be_kept(relying, path, age):
    headers = (await relying.get(path)).headers

    assert headers["last-modified"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    assert headers["cache-control"] == f"public, max-age={age}"


@pytest.mark.parametrize("path", ["/pki/demo-issuing.crl", "/pki/demo-issuing.cer"])
async def test_who_has_the_newest_version_is_not_sent_it_again(relying, path):
    """RFC 9110 sections 13.1.2 and 13.1.3."""
    first = (await relying.get(path)).headers

    for known in (
        {"If-None-Match": first["etag"]},
        {"If-None-Match": f'"other", W/{first["etag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": first["last-modified"]},
    ):
        again = await relying.get(path, headers=known)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first["etag"])


@pytest.mark.parametrize(
    "known",
    [
        {"If-None-Match": '"other"'},
        {"If-None-Match": '"other"', "If-Modified-Since": "Mon, 02 Mar 2026 09:00:00 GMT"},
        {"If-Modified-Since": "Sun, 01 Mar 2026 09:00:00 GMT"},
        {"If-Modified-Since": "yesterday"},
    ],
)
async def test_who_has_another_version_is_sent_the_newest(relying, known):
    """RFC 9110 section 13.2.2: the tag decides where both are sent."""
    assert (await relying.get("/pki/demo-issuing.crl", headers=known)).status_code == 200


async def test_a_new_crl_has_a_new_tag(world, relying):
    before = (await relying.get("/pki/demo-issuing.crl")).headers["etag"]
    serial = x509.load_der_x509_certificate((await world.certify()).certificate).serial_number
    await world.ca.revoke(f"{serial:x}", Reason.SUPERSEDED, "operator:o1")

    response = await relying.get("/pki/demo-issuing.crl", headers={"If-None-Match": before})

    assert response.status_code == 200
    assert len(x509.load_der_x509_crl(response.content)) == 1


@pytest.mark.parametrize(
    "path", ["unknown.crl", "unknown.cer", "%00.crl", "..%2Fdemo-root.cer", "demo-root.pem", ".crl"]
)
async def test_what_there_is_not_is_not_found(relying, path):
    """T16, T17."""
    assert (await relying.get(f"/pki/{path}")).status_code == 404


async def test_nothing_can_be_written(relying):
    assert (await relying.post("/pki/demo-root.crl")).status_code == 405
    assert (await relying.head("/pki/demo-root.crl")).status_code == 200
