"""How clients prove who they are: RFC 6749 section 2.3, RFC 7523 section 2.2, RFC 8705 section 2."""

from dataclasses import dataclass

import pytest

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.clients.model import RELYING
from dss.clients.profile import GrantType, Profile
from dss.clients.service import Clients, NewClient
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.ids import Ids
from dss.oauth.client_assertion import ASSERTION_TYPE
from dss.oauth.client_authentication import ClientAuthentication, ClientProof, Method
from dss.oauth.client_certificate import ClientCertificates, fingerprint
from dss.oauth.errors import InvalidClient, InvalidRequest
from dss.oauth.issuer import Issuer
from tests.world.asgi import BASE
from tests.world.clock import HandClock
from tests.world.relying_app import RelyingApp
from tests.world.servicekeys import SoftwareServiceKeys
from tests.world.tls_client import TlsCa, self_signed

OPERATOR = "operator:test"
CA, SUBJECT = TlsCa(), "CN=Certified,O=Acme"
OWN, CERTIFIED, STRANGER = self_signed(), CA.client(SUBJECT), self_signed(SUBJECT)
PUBLIC = Profile(("https://app.example/cb",), (GrantType.AUTHORIZATION_CODE,), public=True)


@dataclass
class Shown:
    """One client of each kind, by their ids, and what they prove themselves by."""

    authentication: ClientAuthentication
    secret: tuple[str, str]
    keys: RelyingApp
    own: str
    certified: str
    public: str


@pytest.fixture
async def shown(database: Database, audit: Audit, clock: HandClock) -> Shown:
    clients = Clients(database, Seals(SoftwareServiceKeys(), audit), clock, Ids(clock))

    async def registered(name: str, profile: Profile, scopes: tuple[str, ...] = RELYING) -> str:
        return (await clients.register(NewClient(name, scopes, profile=profile), OPERATOR)).client.id

    shop = await clients.register(NewClient("Shop", RELYING, with_secret=True), OPERATOR)
    return Shown(
        ClientAuthentication(clients, Issuer(BASE, RELYING), clock, ClientCertificates((CA.certificate,))),
        (shop.client.id, shop.secret or ""),
        await RelyingApp.registered(clients, clock, "Keys", RELYING),
        await registered("Own", Profile(certificates=(fingerprint(OWN),))),
        await registered("Certified", Profile(tls_subject=SUBJECT)),
        await registered("Public", PUBLIC, ("service",)),
    )


def basic(id: str, secret: str) -> str:
    return f"Basic {b64.encode(f'{id}:{secret}'.encode())}"


def asserted(app: RelyingApp, **members: str) -> ClientProof:
    return ClientProof(client_assertion=app.assertion(), client_assertion_type=ASSERTION_TYPE, **members)


async def test_each_way_proves_the_client_that_is_registered_for_it(shown: Shown):
    id, secret = shown.secret
    ways = {
        Method.BASIC: (ClientProof(authorization=basic(id, secret)), id),
        Method.POST: (ClientProof(client_id=id, client_secret=secret), id),
        Method.PRIVATE_KEY_JWT: (asserted(shown.keys), shown.keys.client.id),
        Method.SELF_SIGNED_TLS: (ClientProof(client_id=shown.own, certificate=OWN), shown.own),
        Method.TLS: (ClientProof(client_id=shown.certified, certificate=CERTIFIED), shown.certified),
        Method.NONE: (ClientProof(client_id=shown.public), shown.public),
    }
    assert set(ways) == set(Method)
    for method, (proof, client) in ways.items():
        proven = await shown.authentication.authenticate(proof)
        assert (proven.client.id, proven.method, proven.assertion is None) == (
            client,
            method,
            method is not Method.PRIVATE_KEY_JWT,
        )


async def test_more_than_one_way_is_refused(shown: Shown):
    """RFC 6749 section 2.3."""
    id, secret = shown.secret
    for proof in (
        ClientProof(client_id=id, client_secret=secret, authorization=basic(id, secret)),
        asserted(shown.keys, client_secret=secret),
        asserted(shown.keys, authorization=basic(id, secret)),
    ):
        with pytest.raises(InvalidRequest, match="more than one way"):
            await shown.authentication.authenticate(proof)


async def test_a_certificate_beside_another_proof_is_no_second_way(shown: Shown):
    """Tokens can be bound to it all the same (RFC 8705 section 3)."""
    proof = ClientProof(client_id=shown.secret[0], client_secret=shown.secret[1], certificate=STRANGER)

    assert (await shown.authentication.authenticate(proof)).method is Method.POST


async def test_t17_who_is_unknown_cannot_be_told_from_who_does_not_prove_it(shown: Shown):
    told = set()
    for id in (shown.own, shown.certified, shown.secret[0], shown.keys.client.id, "0" * 26, "", "x", "\x00", "\ud800"):
        for certificate in (None, STRANGER):
            with pytest.raises(InvalidClient) as refused:
                await shown.authentication.authenticate(ClientProof(client_id=id, certificate=certificate))
            told.add(refused.value.detail)

    assert len(told) == 1


async def test_a_certificate_of_one_client_is_none_of_another_s(shown: Shown):
    for id, certificate in (
        (shown.own, CERTIFIED),
        (shown.certified, OWN),
        (shown.certified, CA.client("CN=Certified")),
    ):
        with pytest.raises(InvalidClient):
            await shown.authentication.authenticate(ClientProof(client_id=id, certificate=certificate))


async def test_a_secret_proves_no_client_that_has_none(shown: Shown):
    told = set()
    for id in (shown.own, shown.public, shown.keys.client.id, "0" * 26):
        with pytest.raises(InvalidClient) as refused:
            await shown.authentication.authenticate(ClientProof(client_id=id, client_secret=shown.secret[1]))
        told.add(refused.value.detail)

    assert len(told) == 1


async def test_an_assertion_proves_no_client_that_has_no_keys(shown: Shown):
    for id in (shown.own, shown.public, shown.secret[0]):
        assertion = shown.keys.assertion(iss=id, sub=id)
        with pytest.raises(InvalidClient, match="not accepted"):
            await shown.authentication.authenticate(
                ClientProof(client_assertion=assertion, client_assertion_type=ASSERTION_TYPE)
            )


async def test_the_client_that_the_form_names_is_the_one_that_is_proven(shown: Shown):
    """RFC 7521 section 4.2."""
    for proof in (
        asserted(shown.keys, client_id=shown.own),
        ClientProof(client_id=shown.own, authorization=basic(*shown.secret)),
    ):
        with pytest.raises(InvalidRequest, match="client_id"):
            await shown.authentication.authenticate(proof)


async def test_an_assertion_is_used_up_with_what_it_was_for_and_not_before(shown: Shown, database: Database):
    proof = asserted(shown.keys)
    proven = await shown.authentication.authenticate(proof)
    async with database.write() as connection:
        await shown.authentication.spend(connection, proven)

    again = await shown.authentication.authenticate(proof)
    with pytest.raises(InvalidClient, match="used before"):
        async with database.write() as connection:
            await shown.authentication.spend(connection, again)
