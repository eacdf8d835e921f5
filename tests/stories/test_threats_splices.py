"""T02: no member of what one person signed serves another request, and no request takes a member of another."""

from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from dss.audit.event import Outcome
from dss.hsm.userkeys import UserKeys
from dss.kernel import b64, canonical
from mobile_mock.errors import PhoneError
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import HASH, Scene, scene
from tests.stories.witness import (
    Witness,
    assert_failed,
    quick_pins,
    row,
    signatures_of,
    tamper,
    witness,
)
from tests.world.jws import sign
from tests.world.pdfs import raw_pdf, simple_pdf
from tests.world.world import PIN, Signer

__all__ = ["quick_pins", "scene", "witness"]

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("quick_pins")]

Path = tuple[str | int, ...]

# What two requests of one server always have in common is exchanged for what another server or a later form would say.
FOREIGN: dict[Path, Any] = {
    ("server",): "http://other.test",
    ("kind",): "create",
    ("policy",): {"answer_by": ["biometric", "pin"]},
    ("policy", "answer_by"): ["biometric"],
    ("verification",): {"mode": "number"},
    ("verification", "mode"): "number",
    ("box_key", "jwk", "crv"): "P-384",
    ("box_key", "jwk", "kty"): "RSA",
    ("documents", 0, "index"): 1,
    ("documents", 0, "format"): "hash",
    ("documents", 0, "scheme"): "pkcs1v15",
    ("documents", 0, "hash_algorithm"): "sha384",
    ("documents", 0, "media_type"): "text/plain",
}
WHOLE = ("box_key", "credential", "documents", "expires", "issued", "kind", "nonce", "policy", "relying_application")
WHOLE = (*WHOLE, "server", "signer", "text", "transaction", "verification")
INNER: dict[Path, tuple[str, ...]] = {
    ("box_key",): ("jwk", "kid"),
    ("box_key", "jwk"): ("crv", "kty", "x", "y"),
    ("credential",): ("certificate_sha256", "id"),
    ("relying_application",): ("id", "name"),
    ("signer",): ("id", "login", "name"),
    ("policy",): ("answer_by",),
    ("verification",): ("mode",),
    ("documents", 0): ("document_digest", "format", "hash_algorithm", "index", "media_type", "name", "scheme", "size"),
}
PATHS: list[Path] = [(name,) for name in WHOLE]
PATHS += [(*at, name) for at, names in INNER.items() for name in names]
PATHS += [("documents", 0, "to_sign")]


@dataclass
class Two:
    """Two requests of different applications to different people: `theirs` is the one to take members from."""

    scene: Scene
    bob: Signer
    theirs: dict[str, Any]
    theirs_id: str

    @property
    def phone(self) -> Any:
        return self.scene.alice.phone

    async def open(self, *, document: bool = False) -> tuple[str, Any, dict[str, Any]]:
        """A fresh request to Alice, over a hash or a document: its id, what her phone shows, and its payload."""
        self.scene.world.clock.move(1)
        asked = (
            self.scene.shop.ask(self.scene.alice, simple_pdf())
            if document
            else self.scene.shop.ask_hashes(self.scene.alice, HASH)
        )
        id = (await asked)["id"]
        return id, await self.phone.show(id), canonical.decode((await row(self.scene.world, id)).request)

    def spliced(self, mine: dict[str, Any], path: Path) -> bytes:
        """My request with one member of theirs."""
        changed = deepcopy(mine)
        at = parent(changed, path)
        at[path[-1]] = FOREIGN.get(path, parent(self.theirs, path)[path[-1]])
        assert changed != mine, f"{path} is the same in both requests: name a foreign value"
        return canonical.encode(changed)


def parent(payload: Any, path: Path) -> Any:
    for step in path[:-1]:
        payload = payload[step]
    return payload


def leaves(payload: Any, path: Path = ()) -> Iterator[Path]:
    """The place of every value in a request that has no parts of its own."""
    inner = payload.items() if isinstance(payload, dict) else enumerate(payload) if isinstance(payload, list) else ()
    if not isinstance(payload, dict | list) or path[-1:] == ("answer_by",):
        yield path
        return
    for name, value in inner:
        yield from leaves(value, (*path, name))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def two(scene: Scene) -> AsyncIterator[Two]:
    """Bob is asked an hour before, by the other application and under another box key."""
    bob = await scene.world.signer(scene.shop, "bob")
    document = await scene.other.upload(raw_pdf(), "Annex.pdf")
    wish = {"credential_id": bob.credential_id, "documents": [{"id": document["id"]}], "text": "An annex"}
    id = (await scene.other.post("/v1/signatures", wish))["id"]
    theirs = canonical.decode((await row(scene.world, id)).request)
    scene.world.clock.move(3600)
    await scene.shop.log_in()
    await scene.other.log_in()
    yield Two(scene, bob, theirs, id)


@pytest.fixture
def silent_hsm(monkeypatch: pytest.MonkeyPatch) -> None:
    """An HSM that fails the test when a person's key is to sign."""

    async def sign(*_: Any) -> bytes:
        pytest.fail("a person's key was used")

    monkeypatch.setattr(UserKeys, "sign_all", sign)


async def test_t02_the_members_that_are_exchanged_are_all_there_are(two: Two):
    _, _, mine = await two.open(document=True)
    assert {path for path in leaves(mine) if path not in PATHS} == set()
    assert set(mine) == set(WHOLE)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: ".".join(map(str, path)))
@pytest.mark.usefixtures("silent_hsm")
async def test_t02_a_request_with_one_member_of_another_is_not_what_was_answered(two: Two, path: Path):
    """Exchanged in the row between display and answer: the answer is refused. Exchanged after it: it signs nothing."""
    world = two.scene.world
    id, shown, mine = await two.open(document=path[0] == "documents")
    answer = await two.phone.prepare(shown, PIN)
    await tamper(world, id, request=two.spliced(mine, path))
    with pytest.raises(PhoneError):
        await two.phone.send(answer)
    assert (await row(world, id)).state == "awaiting"
    assert (await world.tells(f"transaction:{id}")).count("transaction.confirmed") == 0

    await tamper(world, id, request=canonical.encode(mine))
    again = await two.phone.show(id)
    assert await two.phone.confirm(again, PIN) == "confirmed"
    await tamper(world, id, request=two.spliced(mine, path))
    await world.settle()
    await assert_failed(world, id)


@pytest.mark.parametrize("column", ["request", "answer", "box", "device_id", "kind"])
async def test_t02_a_confirmed_row_with_a_part_of_another_confirmed_row_signs_nothing(
    two: Two, column: str, witness: Witness
):
    world = two.scene.world
    hers, shown, _ = await two.open()
    assert await two.phone.confirm(shown, PIN) == "confirmed"
    his = (await two.scene.other.ask_hashes(two.bob, HASH))["id"]
    assert await two.bob.phone.confirm(await two.bob.phone.show(his), PIN) == "confirmed"
    part = "create" if column == "kind" else getattr(await row(world, his), column)

    await tamper(world, hers, **{column: part})
    await world.settle()
    await assert_failed(world, hers)
    assert await signatures_of(world, his) == 1
    assert witness.digests == [b64.decode(HASH)]


@pytest.mark.usefixtures("silent_hsm")
async def test_t02_a_phone_does_not_show_another_transaction_s_request(two: Two):
    world = two.scene.world
    id, _, _ = await two.open()
    other, _, _ = await two.open()
    for foreign in (other, two.theirs_id):
        await tamper(world, id, request_jws=(await row(world, foreign)).request_jws)
        with pytest.raises(PhoneError):
            await two.phone.show(id)


# What two answers of one phone to one server have in common is exchanged for what another could say.
ANSWERED = {"aud": "http://other.test", "decision": "decline", "verification": "biometric"}


@pytest.mark.parametrize(
    "member", ["aud", "binding", "box", "decision", "iat", "kid", "sealed_sha256", "txn", "verification"]
)
@pytest.mark.usefixtures("silent_hsm")
async def test_t02_an_answer_with_one_member_of_another_is_refused(two: Two, member: str):
    """Signed by the right key; the counter belongs to the phone and to no request (T21)."""
    world, prover = two.scene.world, Prover.of(two.scene.world, two.phone)
    _, shown, _ = await two.open()
    other = await two.phone.prepare(shown, PIN)
    world.clock.move(61)
    await two.scene.shop.log_in()
    id, shown, _ = await two.open()
    right = await two.phone.prepare(shown, PIN)
    said, theirs = payload_of(right.jws), payload_of(other.jws) | ANSWERED
    header = {"alg": "ES256", "typ": "dss-answer+jws", "kid": prover.device}
    box = other.box if member == "box" else right.box
    if member == "kid":
        header |= {"kid": two.bob.phone.kept().device}
    elif member != "box":
        assert said[member] != theirs[member]
        said |= {member: theirs[member]}

    spliced = sign(header, canonical.encode(said), prover.key)
    reply = await prover.call("POST", f"/device/v1/transactions/{id}/answer", json={"answer": spliced, "box": box})
    assert (reply.status_code, reply.json()["type"]) == (403, "urn:dss:error:answer_refused")
    newest = (await world.services.audit.newest(1))[0].event
    assert (newest.actor, newest.outcome) == (f"device:{prover.device}", Outcome.REFUSED)

    assert (await row(world, id)).state == "awaiting"
    assert await two.phone.send(await two.phone.prepare(shown, PIN)) == "confirmed"
    assert (await two.scene.shop.http.post(f"/v1/signatures/{id}/cancel")).status_code == 200
