"""Rows of the version before are read by today's code as they were, on both databases."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from importlib import resources
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from dss.audit.seals import Stored
from dss.credentials import store as credentials
from dss.credentials.model import CredentialState
from dss.devices import request
from dss.devices import store as devices
from dss.devices.items import Item
from dss.devices.model import DeviceState
from dss.devices.request import Kind
from dss.infra.db import Database
from dss.infra.migrating import upgrade
from dss.infra.schema import UtcTime
from dss.kernel import canonical
from dss.kernel.clock import timestamp
from dss.kernel.digest import Digest
from dss.kernel.ids import ClientId, CredentialId, DeviceId, TransactionId, UserId
from dss.kernel.policy import SAYS_NOTHING, Mode
from dss.transactions import asking_store, entries, sessions_store, store
from dss.transactions.asking import USUAL, Pair
from dss.transactions.machine import State
from dss.transactions.model import Entry, Reach, Signed
from dss.users import store as users
from tests.capability.test_migrations import empty_url
from tests.world.clock import START

__all__ = ["empty_url"]

BEFORE = "0017"
USER, PHONE, KEY, CLIENT = (f"{letter:0>26}" for letter in "VPKC")
AWAITING, SIGNED = f"{1:026d}", f"{2:026d}"
END = START + timedelta(minutes=5)
ITEM = Item(0, "raw", "ecdsa", Digest.of(b"a document"))
RESULT = Signed(b"a signature", b"f" * 32, 1234)


def micros(moment: datetime) -> int | None:
    return UtcTime().process_bind_param(moment, None)


def asked(id: str) -> bytes:
    """A request as the version before wrote it."""
    return canonical.encode(
        {
            "box_key": {"kid": "B" * 26, "jwk": {}},
            "credential": {"id": KEY, "certificate_sha256": "x"},
            "documents": [ITEM.member()],
            "expires": timestamp(END),
            "issued": timestamp(START),
            "kind": "sign",
            "nonce": "n",
            "policy": {"answer_by": ["pin"]},
            "relying_application": {"id": CLIENT, "name": "Shop"},
            "server": "https://dss.example",
            "signer": {"id": USER, "login": "alice", "name": "Alice Example"},
            "text": "Please sign",
            "transaction": id,
            "verification": {"mode": "none"},
        }
    )


def transaction(id: str, state: str, **more: Any) -> dict[str, Any]:
    times = {"opened_at": micros(START), "expires_at": micros(END), "changed_at": micros(START)}
    whose = {"client_id": CLIENT, "user_id": USER, "credential_id": KEY}
    told = {"text": "Please sign", "request": asked(id), "request_jws": "a.b.c", "box_key_id": "B" * 26}
    rest = {"lease": 0, "why": "", "body_sha256": b""}
    return {"id": id, "kind": "sign", "state": state, **times, **whose, **told, **rest, **more}


SEALED = {"version": 1, "seal": b"s" * 32}
THERE: dict[str, list[dict[str, Any]]] = {
    "users": [
        {
            "id": USER,
            "login": "alice",
            "email": "alice@example.org",
            "given_name": "Alice",
            "surname": "Example",
            "country": "UA",
            "locale": "en",
            "created_at": micros(START),
            **SEALED,
        }
    ],
    "devices": [
        {
            "id": PHONE,
            "user_id": USER,
            "enrolment_id": "E" * 26,
            "name": "Pixel",
            "platform": "android",
            "state": "active",
            "signature_jwk": {"kty": "EC"},
            "encryption_jwk": {"kty": "EC"},
            "signature_thumbprint": "s" * 43,
            "encryption_thumbprint": "e" * 43,
            "pin_check": b"p" * 32,
            "pin_failures": 1,
            "counter": 7,
            "enrolment_jws": "a.b.c",
            "receipt_jws": "d.e.f",
            "enrolled_at": micros(START),
            "recent": [[7, "YW4gYW5zd2Vy"]],
            **SEALED,
        }
    ],
    "credentials": [
        {
            "id": KEY,
            "user_id": USER,
            "state": "active",
            "key_spec": "P-256",
            "kek_id": "kek-1",
            "key_blob": b"blob",
            "public_key": b"public",
            "request_csr": b"csr",
            "subject": "CN=Alice",
            "certificate": b"certificate",
            "chain": ["Y2E="],
            "not_before": micros(START),
            "not_after": micros(END),
            "created_at": micros(START),
            "relock": False,
            "holders": [PHONE],
            "password_failures": 0,
            **SEALED,
        }
    ],
    "transactions": [
        transaction(AWAITING, "awaiting", idempotency_key="once"),
        transaction(SIGNED, "signed", answer="a.b.c", device_id=PHONE, lease=1, sad_expires_at=micros(END)),
    ],
    "transaction_entries": [
        {"transaction_id": AWAITING, "index": 0, "item": ITEM.member(), "place": {"byte_range": [0, 1]}},
        {
            "transaction_id": SIGNED,
            "index": 0,
            "item": ITEM.member(),
            "signature": RESULT.signature,
            "file_sha256": RESULT.file_sha256,
            "file_size": RESULT.file_size,
        },
    ],
}


def fill(connection: Connection) -> None:
    """Bring a database to the version before, and put rows into it."""
    with resources.as_file(resources.files("migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        command.upgrade(config, BEFORE)
    tables = sa.MetaData()
    tables.reflect(connection)
    for name, rows in THERE.items():
        for row in rows:
            connection.execute(sa.insert(tables.tables[name]).values(row))


@pytest.fixture
async def upgraded(empty_url: str) -> AsyncIterator[Database]:
    """A database of the version before, with rows in it, that was brought to the newest schema."""
    database = Database(empty_url)
    async with database.write() as connection:
        await connection.run_sync(fill)
    await upgrade(empty_url)
    yield database
    await database.close()


def require_unchanged(stored: Stored[Any], table: str) -> None:
    """Hold a sealed row against what was put in: what a later version added is empty, and under no seal of before."""
    (put,) = THERE[table]
    now = {name: micros(value) if isinstance(value, datetime) else value for name, value in stored.row.items()}
    assert {name: now[name] for name in put} == put
    added = {name for name in now if name not in put and now[name] is not None}
    assert not added


async def test_people_phones_and_keys_are_read_as_they_were(upgraded: Database) -> None:
    async with upgraded.read() as connection:
        user = await users.by_login(connection, "alice")
        phone = await devices.device(connection, DeviceId(PHONE))
        key = await credentials.find(connection, CredentialId(KEY))
    assert key is not None
    for stored, table in ((user, "users"), (phone, "devices"), (key, "credentials")):
        require_unchanged(stored, table)

    person = user.register.read(user.row)
    assert (person.id, person.name, person.created_at) == (USER, "Alice Example", START)
    told = phone.register.read(phone.row)
    assert (told.state, told.counter, told.pin_failures) == (DeviceState.ACTIVE, 7, 1)
    credential = key.register.read(key.row)
    assert (credential.state, credential.holders, credential.not_after) == (CredentialState.ACTIVE, (PHONE,), END)
    assert (credential.policy, key.register.later) == (SAYS_NOTHING, ("policy",))


async def test_what_awaited_an_answer_may_still_be_answered_on_a_phone(upgraded: Database) -> None:
    async with upgraded.read() as connection:
        found = await store.get(connection, TransactionId(AWAITING))
        listed = await entries.of(connection, found.id)
        phone = await devices.device(connection, DeviceId(PHONE))
        owner = phone.register.read(phone.row)
        waiting = await store.awaiting_of(connection, owner, (), START, 10)
    assert (found.kind, found.state, found.expires_at) == (Kind.SIGN, State.AWAITING, END)
    assert (found.mode, found.reach, found.session_id, found.number_salt) == (Mode.NONE, Reach.PHONES, None, b"")
    assert (found.linked_by, found.browser_sha256, found.place, found.code) == (None, b"", 0, "")
    assert waiting == [found]
    assert listed == (Entry(ITEM, place={"byte_range": [0, 1]}),)
    read = request.read(found.request)
    assert (read.transaction, read.items, read.verification.mode) == (found.id, (ITEM,), Mode.NONE)


async def test_what_was_signed_may_still_be_collected(upgraded: Database) -> None:
    async with upgraded.read() as connection:
        found = await store.get(connection, TransactionId(SIGNED))
        listed = await entries.of(connection, found.id)
        page = await store.page_of_client(connection, ClientId(CLIENT), None, 10)
    assert (found.state, found.device_id, found.cause) == (State.SIGNED, PHONE, "")
    assert listed == (Entry(ITEM, signed=RESULT),)
    assert [one.id for one in page] == [SIGNED, AWAITING]


async def test_what_was_there_counts_for_today_s_limits(upgraded: Database) -> None:
    pair = Pair(UserId(USER), ClientId(CLIENT))
    async with upgraded.read() as connection:
        facts = await asking_store.facts(connection, pair, USUAL, START)
        sessions = await sessions_store.going_on(connection, START, 10, client_id=pair.client_id)
    assert (facts.awaiting, [end.confirmed for end in facts.ended], sessions) == ([END], [True], [])
