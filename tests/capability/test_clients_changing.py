"""A relying application's secrets, keys and registration change while it works; each change is told and sealed."""

import asyncio
import json
from dataclasses import replace
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.clients.change import Change
from dss.clients.profile import GrantType, Profile
from dss.clients.service import Clients, NewClient
from dss.clients.tables import clients as table
from dss.infra.db import Database
from dss.kernel.errors import Conflict, Invalid, NotFound, Overtaken, Unauthenticated
from dss.kernel.ids import ClientId
from tests.capability.test_clients import KEY, OPERATOR, clients, registered
from tests.world.intruder import Intruder

__all__ = ["clients"]

URI = "https://bank.example/cb"
CODE = Profile(redirect_uris=(URI,), grants=(GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE))
APP = Profile(redirect_uris=("example.bank:/cb",), grants=(GrantType.AUTHORIZATION_CODE,), public=True)
NEXT_KEY = KEY | {"kid": "2"}


def logo() -> bytes:
    """A small PNG."""
    file = BytesIO()
    Image.new("RGB", (16, 16), "navy").save(file, "PNG")
    return file.getvalue()


async def accepted(clients: Clients, id: ClientId, *given: str) -> list[bool]:
    """Which of some secrets the application has."""
    found = []
    for secret in given:
        try:
            await clients.check_secret(id, secret)
            found.append(True)
        except Unauthenticated:
            found.append(False)
    return found


async def told(audit: Audit, id: ClientId) -> list[str]:
    """The kinds of events of an application, oldest first, each sealing the next version of its row."""
    recorded = sorted(await audit.of_subject(f"client:{id}"), key=lambda one: one.id)
    versions = [one.event.sealed.version for one in recorded if one.event.sealed]
    assert versions == list(range(1, len(recorded) + 1))
    return [one.event.kind for one in recorded]


async def test_a_profile_and_a_logo_are_kept_as_they_were_registered(clients: Clients, audit: Audit) -> None:
    made = await registered(clients, scopes=("signatures", "service"), profile=CODE, logo=logo())
    assert await clients.get(made.client.id) == made.client
    assert (made.client.profile, made.client.logo) == (CODE, logo())
    (recorded,) = await audit.of_subject(f"client:{made.client.id}")
    assert json.loads(recorded.event.details["profile"]) == CODE.member()


async def test_a_public_client_is_nobody_with_any_secret(clients: Clients) -> None:
    made = await registered(clients, scopes=("service",), with_secret=False, profile=APP)
    assert (made.secret, await accepted(clients, made.client.id, "", "x")) == (None, [False, False])


async def test_a_new_secret_leaves_the_old_one_valid_until_it_is_dropped(clients: Clients, audit: Audit) -> None:
    made = await registered(clients)
    id, old = made.client.id, made.secret or ""

    new = await clients.rotate_secret(id, OPERATOR)
    assert await accepted(clients, id, old, new, old + new, "") == [True, True, False, False]
    with pytest.raises(Conflict, match="drop the old one"):
        await clients.rotate_secret(id, OPERATOR)
    dropped = await clients.drop_old_secret(id, OPERATOR)

    assert await clients.get(id) == dropped
    assert await accepted(clients, id, old, new) == [False, True]
    third = await clients.rotate_secret(id, OPERATOR)
    assert await accepted(clients, id, old, new, third) == [False, True, True]
    assert await told(audit, id) == [
        "client.registered",
        "client.secret_added",
        "client.secret_dropped",
        "client.secret_added",
    ]


async def test_the_only_secret_is_not_dropped(clients: Clients) -> None:
    made = await registered(clients)
    with pytest.raises(Conflict, match="no second secret"):
        await clients.drop_old_secret(made.client.id, OPERATOR)
    assert await accepted(clients, made.client.id, made.secret or "") == [True]


async def test_an_application_with_keys_is_given_its_first_secret(clients: Clients) -> None:
    made = await registered(clients, jwks={"keys": [KEY]}, with_secret=False)
    secret = await clients.rotate_secret(made.client.id, OPERATOR)
    assert await accepted(clients, made.client.id, secret) == [True]
    assert (await clients.get(made.client.id)).next_secret_hash is None


async def test_secrets_of_both_places_are_not_shown(clients: Clients, database: Database, audit: Audit) -> None:
    """T17: no secret and no hash of one in what is printed or logged."""
    made = await registered(clients)
    new = await clients.rotate_secret(made.client.id, OPERATOR)
    client = await clients.get(made.client.id)
    events = str(await audit.newest())
    for hidden in (made.secret, new, client.secret_hash, client.next_secret_hash):
        assert hidden
        assert hidden not in repr(client)
        assert hidden not in events
    assert new not in str(await Intruder(database).rows(table))


async def test_of_ten_new_secrets_at_the_same_time_one_is_made(clients: Clients) -> None:
    made = await registered(clients)
    tries = await asyncio.gather(
        *(clients.rotate_secret(made.client.id, OPERATOR) for _ in range(10)), return_exceptions=True
    )
    (new,) = (one for one in tries if isinstance(one, str))
    assert all(isinstance(one, Conflict) for one in tries if one is not new)
    assert await accepted(clients, made.client.id, made.secret or "", new) == [True, True]


async def test_whoever_decides_over_a_row_that_changed_meanwhile_is_told_so(clients: Clients, audit: Audit) -> None:
    made = await registered(clients)
    id = made.client.id
    known = await clients._known(id)
    await clients.change(id, Change(dpop=True), OPERATOR)

    with pytest.raises(Overtaken):
        await clients._write(known, replace(known.value, contact="x"), Event("client.changed", OPERATOR, known.name))

    assert (await clients.get(id)).contact == ""
    assert await told(audit, id) == ["client.registered", "client.changed"]


async def test_keys_take_the_place_of_others(clients: Clients, audit: Audit) -> None:
    made = await registered(clients, jwks={"keys": [KEY]}, with_secret=False)
    both = {"keys": [KEY, NEXT_KEY]}
    assert (await clients.set_keys(made.client.id, both, OPERATOR)).jwks == both
    await clients.set_keys(made.client.id, {"keys": [NEXT_KEY]}, OPERATOR)
    assert (await clients.get(made.client.id)).jwks == {"keys": [NEXT_KEY]}
    newest = (await audit.newest(1))[0].event
    assert (newest.kind, dict(newest.details)) == ("client.keys_changed", {"old": "1 2", "new": "2"})


async def test_a_registration_changes_in_what_is_named(clients: Clients, audit: Audit) -> None:
    made = await registered(clients)
    asked = Change(
        contact="it@bank.example",
        scopes=("signatures", "credentials", "service"),
        redirect_uris=(URI,),
        grants=(*CODE.grants, GrantType.REFRESH_TOKEN),
        par=True,
        certificates=("a" * 64,),
        logo=logo(),
    )
    changed = await clients.change(made.client.id, asked, OPERATOR)

    assert changed == await clients.get(made.client.id) == asked.over(made.client)
    assert changed.secret_hash == made.client.secret_hash
    newest = (await audit.newest(1))[0].event
    old, new = (json.loads(newest.details[word]) for word in ("old", "new"))
    assert (newest.kind, newest.actor) == ("client.changed", OPERATOR)
    assert old.keys() == new.keys() == {"contact", "scopes", "redirect_uris", "grants", "par", "certificates", "logo"}
    assert (old["redirect_uris"], new["redirect_uris"]) == ([], [URI])


async def test_a_logo_is_taken_away(clients: Clients) -> None:
    made = await registered(clients, logo=logo())
    assert (await clients.change(made.client.id, Change(logo=b""), OPERATOR)).logo is None
    assert await clients.get(made.client.id) == replace(made.client, logo=None)


async def test_what_is_so_already_is_not_written_again(clients: Clients, audit: Audit) -> None:
    made = await registered(clients)
    assert await clients.change(made.client.id, Change(par=False, contact=""), OPERATOR) == made.client
    assert await told(audit, made.client.id) == ["client.registered"]


@pytest.mark.parametrize(
    "change",
    [
        Change(scopes=()),
        Change(scopes=("service",)),
        Change(grants=(GrantType.AUTHORIZATION_CODE,)),
        Change(redirect_uris=("https://bank.example/*",)),
        Change(redirect_uris=("https://bank.example/\ud800",)),
        Change(certificates=("A" * 64,)),
        Change(tls_subject="bank"),
        Change(contact="a\nb"),
        Change(logo=b"\x89PNG\r\n\x1a\n"),
    ],
    ids=lambda change: repr(change)[:60],
)
async def test_what_could_not_be_registered_cannot_be_made_of_it_later(
    clients: Clients, audit: Audit, change: Change
) -> None:
    made = await registered(clients)
    with pytest.raises(Invalid):
        await clients.change(made.client.id, change, OPERATOR)
    assert await clients.get(made.client.id) == made.client
    assert await told(audit, made.client.id) == ["client.registered"]


async def test_a_public_client_is_given_nothing_to_prove_itself_by(clients: Clients) -> None:
    """RFC 6749 section 2.1: it could not keep it."""
    made = await registered(clients, scopes=("service",), with_secret=False, profile=APP)
    id = made.client.id
    with pytest.raises(Invalid, match="public"):
        await clients.rotate_secret(id, OPERATOR)
    with pytest.raises(Invalid, match="public"):
        await clients.set_keys(id, {"keys": [KEY]}, OPERATOR)
    with pytest.raises(Invalid, match="public"):
        await clients.change(id, Change(certificates=("a" * 64,)), OPERATOR)


@pytest.mark.parametrize("keys", [{}, {"keys": []}, {"keys": [{"kid": 1.5}]}, {"keys": [KEY | {"d": "AQ"}]}])
async def test_keys_that_are_none_are_refused(clients: Clients, keys: dict[str, Any]) -> None:
    made = await registered(clients)
    with pytest.raises(Invalid):
        await clients.set_keys(made.client.id, keys, OPERATOR)


async def test_an_application_that_is_not_there_cannot_change(clients: Clients) -> None:
    id = ClientId("0" * 26)
    for verb in (
        clients.rotate_secret(id, OPERATOR),
        clients.drop_old_secret(id, OPERATOR),
        clients.set_keys(id, {"keys": [KEY]}, OPERATOR),
        clients.change(id, Change(par=True), OPERATOR),
    ):
        with pytest.raises(NotFound):
            await verb


async def test_the_same_application_cannot_be_registered_twice_with_another_profile(clients: Clients) -> None:
    await registered(clients)
    with pytest.raises(Conflict):
        await clients.register(NewClient("Bank", ("service",), profile=APP), OPERATOR)
