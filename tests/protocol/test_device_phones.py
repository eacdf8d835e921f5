"""An owner's phones, keys and shares by the device API, and who may see and stop them (T16, T17, T22, T32)."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from dss.kernel import b64
from dss.kernel.clock import timestamp
from dss.kernel.digest import Digest
from dss.web.device.api import DEVICE
from mobile_mock.phone import Phone
from tests.protocol.prover import LIST, Prover
from tests.protocol.scene import ABSENT, Refusal, assert_refused
from tests.world.owners import HOUR, Owner, Street, alice, id_of, street

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

PHONES, CREDENTIALS, CHANGES, SHARES, LINKS = (
    f"/device/v1/{name}" for name in ("phones", "credentials", "changes", "shares", "links")
)
ENDPOINTS = [(one.declared.method, one.declared.path) for one in DEVICE.operations if not one.declared.public]
SEEN_WHILE_WAITING = {("GET", PHONES), ("GET", SHARES)}
MISSING = Refusal(404, "not_found")


@dataclass
class Family:
    """An owner with an old phone and a new one for which a share waits, and a stranger."""

    owner: Owner
    new: Phone
    share: str
    stranger: Owner

    def by(self, phone: Phone) -> Prover:
        return Prover.of(self.owner.world, phone)

    async def refuses(self, phone: Phone, call: "Call", expected: Refusal) -> Any:
        """Assert how a call of a phone is refused."""
        prover = self.by(phone)
        asked = prover.call("POST", call.path, json=call.body) if call.body else prover.call("POST", call.path)
        return await assert_refused(self.owner.world, asked, expected, by=f"device:{prover.device}")


@dataclass
class Call:
    """A call that names something."""

    path: str
    body: dict[str, Any] = field(default_factory=dict)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def family(street: Street) -> AsyncIterator[Family]:
    """A family for what is refused, and so changes nothing."""
    owner, stranger = await street.owner(), await street.owner()
    new = await owner.second("Pixel 9")
    yield Family(owner, new, await owner.shares(new), stranger)


NAMED: dict[str, Callable[[Family], str]] = {
    "phone": lambda family: id_of(family.owner.phone),
    "new phone": lambda family: id_of(family.new),
    "key": lambda family: family.owner.credential_id,
    "share": lambda family: family.share,
}
CALLS: dict[str, tuple[str, Callable[[str], Call]]] = {
    "block a phone": ("phone", lambda it: Call(f"{PHONES}/{it}/block")),
    "block a new phone": ("new phone", lambda it: Call(f"{PHONES}/{it}/block")),
    "suspend a key": ("key", lambda it: Call(f"{CREDENTIALS}/{it}/suspend")),
    "share with a phone": ("new phone", lambda it: Call(SHARES, {"phone": it})),
    "take a share": ("share", lambda it: Call(f"{SHARES}/{it}/taken")),
    "remove a phone": ("phone", lambda it: Call(CHANGES, {"action": "remove", "phone": it})),
    "set a password": ("key", lambda it: Call(CHANGES, {"action": "password", "credential": it})),
    "lock a key anew": ("key", lambda it: Call(CHANGES, {"action": "relock", "credential": it})),
    "resume a key": ("key", lambda it: Call(CHANGES, {"action": "resume", "credential": it})),
    "destroy a key": ("key", lambda it: Call(CHANGES, {"action": "destroy", "credential": it})),
    "revoke a key": ("key", lambda it: Call(CHANGES, {"action": "revoke", "credential": it, "reason": "superseded"})),
}


@pytest.mark.parametrize(("what", "call"), CALLS.values(), ids=CALLS)
async def test_t16_another_person_s_thing_looks_like_one_that_does_not_exist(
    family: Family, what: str, call: Callable[[str], Call]
):
    stranger = family.stranger.phone
    others = await family.refuses(stranger, call(NAMED[what](family)), MISSING)
    absent = await family.refuses(stranger, call(ABSENT), MISSING)
    assert others.content == absent.content
    assert dict(others.headers) == dict(absent.headers)


async def test_t32_another_person_s_phone_lists_nothing_of_this_one(family: Family):
    prover = family.by(family.stranger.phone)
    assert [one["id"] for one in (await prover.call(path=PHONES)).json()["phones"]] == [prover.device]
    keys = (await prover.call(path=CREDENTIALS)).json()["credentials"]
    assert [one["id"] for one in keys] == [family.stranger.credential_id]
    assert (await prover.call(path=SHARES)).json() == {"shares": []}
    assert (await prover.call()).json() == {"transactions": [], "gone": [], "waiting_phones": []}


@pytest.mark.parametrize(("method", "path"), sorted(set(ENDPOINTS) - SEEN_WHILE_WAITING))
async def test_t22_a_phone_that_waits_is_served_nothing_but_the_owner_s_phones(family: Family, method: str, path: str):
    places = {"phones": id_of(family.owner.phone), "credentials": family.owner.credential_id, "shares": family.share}
    url = path.format(id=places.get(path.split("/")[3], ABSENT), index=0)
    bodies = {CHANGES: {"action": "pin"}, SHARES: {"phone": id_of(family.owner.phone)}}
    answers = {f"{LIST}/{{id}}/answer": {"answer": "x"}, LINKS: {"transaction": ABSENT, "time": 1, "code": "A" * 43}}
    prover = family.by(family.new)
    call = prover.call(method, url, json=(bodies | answers).get(path))
    await assert_refused(family.owner.world, call, Refusal(423, "locked", "waits"), by=f"device:{prover.device}")


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
async def test_t35_nothing_is_served_without_a_proof_of_a_phone(family: Family, method: str, path: str):
    url = path.format(id=id_of(family.owner.phone), index=0)
    unsigned = family.owner.world.http().request(method, url, json={"phone": ABSENT} if method == "POST" else None)
    answer = await assert_refused(family.owner.world, unsigned, Refusal(401, "unauthenticated"), by="")
    assert answer.headers["WWW-Authenticate"] == 'DPoP error="invalid_dpop_proof"'


@pytest.mark.parametrize("path", [f"{PHONES}/{{}}/block", f"{CREDENTIALS}/{{}}/suspend", f"{SHARES}/{{}}/taken"])
@pytest.mark.parametrize("id", ["0", "x" * 26, "01kaj9t8vx3n5q7r9s1t2v4w6y", f"{ABSENT}%0A"])
async def test_t31_what_is_no_id_is_refused_as_such(family: Family, path: str, id: str):
    answer = await family.by(family.owner.phone).call("POST", path.format(id))
    assert answer.status_code in {401, 404, 422}, answer.text


# --- what a phone is told ---


async def test_an_owner_s_phones_are_told_with_where_they_stand(family: Family):
    waits = (await family.owner.device(family.new)).active_from
    assert waits is not None
    old = {"id": id_of(family.owner.phone), "name": "Key 1", "state": "active"}
    new = {"id": id_of(family.new), "name": "Pixel 9", "state": "waiting", "active": timestamp(waits)}
    for phone, this in ((family.owner.phone, True), (family.new, False)):
        told = (await family.by(phone).call(path=PHONES)).json()
        assert told == {"phones": [old | {"this": this}, new | {"this": not this}]}


async def test_an_owner_s_keys_are_told_with_what_the_phone_can_do_with_them(family: Family):
    key = await family.owner.key()
    assert key.not_after is not None
    told = (await family.by(family.owner.phone).call(path=CREDENTIALS)).json()
    assert told == {
        "credentials": [
            {
                "id": key.id,
                "state": "active",
                "key_type": "P-256",
                "subject": key.subject,
                "certificate_sha256": b64.url_encode(Digest.of(key.certificate or b"").value),
                "not_after": timestamp(key.not_after),
                "has_password": False,
                "relock": False,
                "held": True,
            }
        ]
    }


async def test_a_key_that_is_not_certified_yet_is_not_told(family: Family):
    bob = family.stranger
    await bob.application.post("/v1/credentials", {"user": bob.user.login})
    (notice,) = await bob.phone.waiting()
    assert [one.id for one in await bob.phone.credentials()] == [bob.credential_id]
    await bob.phone.decline(await bob.phone.show(notice.id))


async def test_t22_an_old_phone_is_told_of_a_new_one_that_waits(family: Family):
    device = await family.owner.device(family.new)
    assert device.active_from is not None
    told = {"id": device.id, "name": "Pixel 9", "active": timestamp(device.active_from)}
    assert (await family.by(family.owner.phone).call()).json()["waiting_phones"] == [told]


# --- shares ---


async def test_t22_a_share_is_given_and_taken_only_when_the_waiting_time_is_over(family: Family):
    assert (await family.by(family.new).call(path=SHARES)).json() == {"shares": []}
    await family.refuses(family.new, Call(f"{SHARES}/{family.share}/taken"), Refusal(423, "locked", "waits"))


async def test_t22_who_gave_a_share_does_not_take_it(family: Family):
    assert (await family.by(family.owner.phone).call(path=SHARES)).json() == {"shares": []}
    await family.refuses(family.owner.phone, Call(f"{SHARES}/{family.share}/taken"), MISSING)


async def test_a_share_is_told_whole_until_it_is_taken_and_taken_once_or_more(alice: Owner):
    new = await alice.second()
    id = await alice.shares(new)
    await alice.later(HOUR)
    prover = Prover.of(alice.world, new)

    (share,) = (await prover.call(path=SHARES)).json()["shares"]
    assert set(share) == {"id", "request", "answer", "share"}
    assert (share["id"], len(share["share"].split("."))) == (id, 5)
    for _ in range(2):
        assert (await prover.call("POST", f"{SHARES}/{id}/taken")).json() == {"state": "taken"}
    assert (await prover.call(path=SHARES)).json() == {"shares": []}
    assert (await alice.world.tells(f"share:{id}")) == ["share.made", "share.taken"]


# --- stopping ---


async def test_a_stopped_phone_is_not_stopped_once_more_and_stops_nothing_itself(alice: Owner):
    other = await alice.joined()
    mine, theirs = Prover.of(alice.world, alice.phone), Prover.of(alice.world, other)
    path = f"{PHONES}/{mine.device}/block"
    assert (await theirs.call("POST", path)).json() == {"state": "locked"}
    conflict, locked = Refusal(409, "conflict", "locked"), Refusal(423, "locked", "locked")
    await assert_refused(alice.world, theirs.call("POST", path), conflict, by=f"device:{theirs.device}")
    for of in (f"{PHONES}/{theirs.device}/block", path, f"{CREDENTIALS}/{alice.credential_id}/suspend"):
        await assert_refused(alice.world, mine.call("POST", of), locked, by=f"device:{mine.device}")


async def test_a_new_phone_that_is_stopped_is_gone(alice: Owner):
    new = await alice.second()
    prover, path = Prover.of(alice.world, alice.phone), f"{PHONES}/{id_of(new)}/block"
    assert (await prover.call("POST", path)).json() == {"state": "removed"}
    await assert_refused(alice.world, prover.call("POST", path), MISSING, by=f"device:{prover.device}")
