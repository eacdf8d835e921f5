"""Relying applications: a name that phones show, public keys or a secret to authenticate by."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from dss.audit.seals import Seals
from dss.audit.service import Audit
from dss.clients.profile import Profile
from dss.clients.service import Clients, NewClient, Registered
from dss.clients.tables import clients as table
from dss.hsm.servicekeys import KeyName, ServiceKeys
from dss.infra.db import Database
from dss.kernel import b64
from dss.kernel.errors import Conflict, DeceptiveText, Invalid, NotFound, Tampered, Unauthenticated
from dss.kernel.ids import ClientId, Ids
from tests.world.clock import START, HandClock
from tests.world.intruder import Intruder
from tests.world.servicekeys import SoftwareServiceKeys

OPERATOR = "operator:cli"
# The key of RFC 7517 appendix A.1, public by its publication.
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
    "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
    "use": "sig",
    "alg": "ES256",
    "kid": "1",
}


class CountedHmacs:
    """Counts the HMACs that are asked for."""

    def __init__(self, keys: ServiceKeys) -> None:
        self._keys = keys
        self.asked = 0

    async def hmac_all(self, name: KeyName, texts: Sequence[bytes]) -> list[bytes]:
        """Compute them."""
        self.asked += len(texts)
        return await self._keys.hmac_all(name, texts)


@pytest.fixture
def clients(database: Database, audit: Audit, clock: HandClock, ids: Ids) -> Clients:
    return Clients(database, Seals(SoftwareServiceKeys(), audit), clock, ids)


async def registered(clients: Clients, name: str = "Bank", **more: Any) -> Registered:
    options: dict[str, Any] = {"scopes": ("signatures", "credentials"), "with_secret": True} | more
    return await clients.register(NewClient(name, **options), OPERATOR)


async def test_an_application_with_keys_is_found_as_it_was_registered(clients: Clients, audit: Audit) -> None:
    made = await registered(clients, jwks={"keys": [KEY]}, with_secret=False, contact="it@bank.example")
    assert made.secret is None
    assert made.client.created_at == START
    assert await clients.get(made.client.id) == made.client
    (recorded,) = await audit.of_subject(f"client:{made.client.id}")
    assert (recorded.event.kind, recorded.event.details["name"]) == ("client.registered", "Bank")


async def test_a_secret_of_256_bits_is_told_once_and_only_its_hash_is_kept(
    clients: Clients, database: Database
) -> None:
    made = await registered(clients)
    assert made.secret is not None
    assert len(b64.url_decode(made.secret)) == 32
    assert made.secret not in repr(made)
    async with database.read() as connection:
        (row,) = await connection.execute(sa.select(table))
    assert made.secret not in str(row)
    assert row.secret_hash.startswith("$argon2id$")
    assert row.secret_hash not in repr(made.client)


async def test_the_right_secret_names_the_application(clients: Clients) -> None:
    made, _ = await registered(clients), await registered(clients, "Shop")
    assert await clients.check_secret(made.client.id, made.secret or "") == made.client


async def test_every_wrong_secret_gets_the_same_answer(clients: Clients) -> None:
    """T17: unknown, without a secret, and wrong look alike."""
    bank, shop = await registered(clients), await registered(clients, "Shop")
    keys_only = await registered(clients, "Archive", jwks={"keys": [KEY]}, with_secret=False)
    right = bank.secret or ""
    wrong = [
        ("0" * 26, right),
        (shop.client.id, right),
        (keys_only.client.id, right),
        (bank.client.id, ""),
        (bank.client.id, right[:-1]),
        (bank.client.id, right + "A" * 200),
        (bank.client.id, "\ud800\x00"),
        (bank.client.id, "A" * 1_000_000),
    ]
    answers = set()
    for id, secret in wrong:
        with pytest.raises(Unauthenticated) as told:
            await clients.check_secret(id, secret)
        answers.add((type(told.value), told.value.detail))
    assert len(answers) == 1


async def test_an_unknown_application_costs_as_much_work_as_a_wrong_secret(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T17, the time: both run two Argon2id of the same cost, as there may be two secrets."""
    made = await registered(clients)
    hashes: list[str] = []
    verify = PasswordHasher.verify

    def counted(self: PasswordHasher, hashed: str, secret: bytes) -> bool:
        hashes.append(hashed)
        return verify(self, hashed, secret)

    monkeypatch.setattr(PasswordHasher, "verify", counted)
    for id in (made.client.id, "0" * 26):
        with pytest.raises(Unauthenticated):
            await clients.check_secret(id, "wrong")
    costs = {hashed.split("$")[3] for hashed in hashes}
    assert (len(hashes), len(costs)) == (4, 1)


async def test_an_application_that_was_proven_costs_no_hmac_again(
    clients: Clients, database: Database, audit: Audit, clock: HandClock, ids: Ids
) -> None:
    made = await registered(clients)
    keys = clients._seals._keys
    counted = CountedHmacs(keys)
    later = Clients(database, Seals(counted, audit), clock, ids)  # type: ignore[arg-type]
    for _ in range(3):
        await later.check_secret(made.client.id, made.secret or "")
    assert counted.asked == 1


@pytest.mark.parametrize(
    "edit",
    [
        {"secret_hash": PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("mallory")},
        {"jwks": {"keys": [KEY]}},
        {"scopes": ["signatures", "credentials", "operators"]},
        {"name": "Central Bank"},
        {"contact": "mallory@example.org"},
        {"next_secret_hash": PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("mallory")},
        {"profile": Profile(redirect_uris=("https://mallory.example/",)).member()},
        {"profile": None},
        {"logo": b"mallory"},
        {"seal": None, "version": None},
    ],
    ids=lambda edit: next(iter(edit)),
)
async def test_t18_an_application_that_was_altered_is_nobody_with_any_secret_and_an_alarm(
    clients: Clients, database: Database, audit: Audit, edit: dict[str, Any]
) -> None:
    made = await registered(clients)
    await Intruder(database).edit(table, made.client.id, **edit)

    for secret in ("mallory", made.secret or ""):
        with pytest.raises(Unauthenticated):
            await clients.check_secret(made.client.id, secret)
    for look in (clients.get(made.client.id), clients.list(None, 10)):
        with pytest.raises(Tampered):
            await look
    alarms = await audit.newest(100, "alarm.seal_broken")
    assert [alarm.event.subject for alarm in alarms] == [f"client:{made.client.id}"] * 4


async def test_t18_an_application_that_was_put_in_by_sql_is_nobody(
    clients: Clients, database: Database, audit: Audit
) -> None:
    """A row like another, with its seal too."""
    made, intruder = await registered(clients), Intruder(database)
    row = await intruder.row(table, made.client.id)
    await intruder.add(table, row | {"id": "0" * 26, "name": "Mallory"})

    with pytest.raises(Unauthenticated):
        await clients.check_secret("0" * 26, made.secret or "")
    assert len(await audit.newest(100, "alarm.seal_broken")) == 1


async def test_a_name_is_given_once_also_to_fifty_at_the_same_time(clients: Clients) -> None:
    tries = await asyncio.gather(*(registered(clients) for _ in range(50)), return_exceptions=True)
    assert [type(error) for error in tries if isinstance(error, BaseException)] == [Conflict] * 49


async def test_an_application_that_is_not_there_is_not_found(clients: Clients) -> None:
    with pytest.raises(NotFound):
        await clients.get(ClientId("0" * 26))


@pytest.mark.parametrize(
    "more",
    [
        {"name": ""},
        {"name": " Bank"},
        {"name": "B" * 65},
        {"scopes": ()},
        {"scopes": ("signatures", "signatures")},
        {"scopes": ("admin",)},
        {"contact": "c" * 255},
        {"with_secret": False},
        {"jwks": {"keys": []}},
        {"profile": Profile(public=True)},
        {"logo": b"GIF89a"},
    ],
)
async def test_what_cannot_be_registered_is_refused(clients: Clients, audit: Audit, more: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await registered(clients, **more)
    assert await audit.newest() == []


async def test_a_name_that_phones_would_not_show_as_it_is_is_refused(clients: Clients) -> None:
    """T04, T15."""
    for name in ("Ba\u200bnk", "\u202eknaB", "Ba\nnk"):
        with pytest.raises(DeceptiveText):
            await registered(clients, name)


async def test_the_list_goes_on_after_an_id(clients: Clients) -> None:
    made = [(await registered(clients, f"App {number}")).client for number in range(5)]
    first = await clients.list(None, 3)
    assert first == tuple(made[:3])
    assert await clients.list(first[-1].id, 3) == tuple(made[3:])
