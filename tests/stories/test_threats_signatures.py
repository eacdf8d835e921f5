"""T05, T07, T58, T62: what leaves the HSM is of the kind that was shown, as often as confirmed, by the right key."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from pkcs11 import KeyType

from dss.credentials.verifying import require_signature
from dss.hsm.setup import create_kek
from dss.hsm.token import Refused, Token
from dss.hsm.userkeys import UserKeys, WrappedKey
from dss.kernel.digest import SHA256, Digest
from dss.kernel.errors import HsmUnavailable
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from dss.transactions.performing import TRIES
from dss.transactions.tables import entries
from tests.stories.test_answers import HASH, OTHER, open_one, start, state
from tests.stories.witness import (
    Witness,
    assert_failed,
    entry,
    quick_pins,
    restarted,
    row,
    signatures_of,
    tamper,
    witness,
)
from tests.world.pdfs import simple_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import PIN, Application, Signer, World, new_world

__all__ = ["quick_pins", "witness"]

pytestmark = pytest.mark.usefixtures("quick_pins")

Wanted = Sequence[tuple[Scheme, Digest]]

RAW, RAW_OTHER = base64.b64decode(HASH), base64.b64decode(OTHER)
PREHASHED = Prehashed(hashes.SHA256())
PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "pkcs1v15": padding.PKCS1v15(),
    "pss-32": padding.PSS(padding.MGF1(hashes.SHA256()), 32),
    "pss-20": padding.PSS(padding.MGF1(hashes.SHA256()), 20),
}


async def test_t05_a_signature_is_of_the_kind_that_was_shown_and_of_no_other(world: World) -> None:
    application = await world.application()
    alice = await world.signer(application, key_type="RSA-2048")
    key: Any = x509.load_der_x509_certificate(await certificate_of(world, alice)).public_key()

    for scheme in PADDINGS:
        wish = {"credential_id": alice.credential_id, "hashes": [HASH], "scheme": scheme}
        id = (await application.post("/v1/signatures", wish))["id"]
        shown = await alice.phone.show(id)
        assert [(one.format, one.scheme) for one in shown.request.documents] == [("hash", scheme)]
        await alice.phone.confirm(shown, PIN)
        await world.settle()
        signature = (await entry(world, id)).signature
        assert [name for name in PADDINGS if verifies(key, signature, PADDINGS[name])] == [scheme]


async def certificate_of(world: World, signer: Signer) -> bytes:
    """A signer's certificate, DER."""
    return (await world.services.credentials.get(signer.credential["id"])).certificate or b""


def verifies(key: Any, signature: bytes, padded: padding.AsymmetricPadding) -> bool:
    """Whether a signature over HASH is of a kind."""
    try:
        key.verify(signature, RAW, padded, PREHASHED)
    except InvalidSignature:
        return False
    return True


async def test_t05_a_document_is_signed_at_the_level_that_was_shown(world: World) -> None:
    application, alice = await start(world)
    id = (await application.ask(alice, simple_pdf()))["id"]
    shown = await alice.phone.show(id)
    assert [one.format for one in shown.request.documents] == ["PAdES-B-B"]
    await alice.phone.confirm(shown, PIN)
    await world.settle()

    released = (await application.http.get(f"/v1/signatures/{id}/documents/0")).content
    assert released.count(b"/SubFilter") == released.count(b"/ETSI.CAdES.detached") == 1
    assert b"/DocTimeStamp" not in released


async def ask_two(world: World, application: Application, alice: Signer) -> str:
    """Two hashes, shown and confirmed."""
    world.clock.move(1)
    id = str((await application.ask_hashes(alice, HASH, OTHER))["id"])
    await alice.phone.confirm(await alice.phone.show(id), PIN)
    return id


async def test_t07_as_many_signatures_as_were_confirmed_are_made_however_many_work_on_them(
    world_on_each_database: World, witness: Witness
) -> None:
    world = world_on_each_database
    application, alice = await start(world)
    id = await ask_two(world, application, alice)
    witness.digests.clear()

    async with restarted(world) as other:
        await asyncio.gather(*(one.settle() for one in (world, other) * 10))
        await asyncio.gather(*(one.settle() for one in (world, other) * 2))

    assert await state(application, id) == "signed"
    assert witness.digests == [RAW, RAW_OTHER]
    assert await signatures_of(world, id) == 2


async def test_t07_a_hash_beyond_the_confirmed_ones_is_not_signed(world: World, witness: Witness) -> None:
    """The N+1st, put into the rows behind the phone's back."""
    application, alice = await start(world)
    id = await ask_two(world, application, alice)
    first = await entry(world, id)
    further = {"transaction_id": id, "index": 2, "item": first.item | {"index": 2}}
    async with world.services.database.write() as connection:
        await connection.execute(sa.insert(entries).values(further))
    witness.digests.clear()
    await world.settle()

    await assert_failed(world, id)
    assert witness.digests in ([], [RAW, RAW_OTHER])


async def test_t07_fewer_rows_than_hashes_were_confirmed_release_nothing(world: World) -> None:
    application, alice = await start(world)
    id = await ask_two(world, application, alice)
    async with world.services.database.write() as connection:
        await connection.execute(sa.delete(entries).where(entries.c.transaction_id == id, entries.c.index == 1))
    await world.settle()
    await assert_failed(world, id)


async def test_t07_a_released_transaction_that_is_set_back_is_not_signed_again(
    softhsm: SoftHsm, database_url: str, tmp_path: Path, witness: Witness
) -> None:
    """By the very row it had before its release, answer, box and all; and the auditor sees it."""
    with pytest.raises(AssertionError, match="signed cannot become failed"):
        async with new_world(softhsm, database_url, tmp_path) as world:
            application, alice = await start(world)
            id = await ask_two(world, application, alice)
            before = (await row(world, id))._asdict()
            await world.settle()
            assert await signatures_of(world, id) == 2, "it was not signed in the first place"
            witness.digests.clear()

            for lease in (before["lease"], before["lease"] + 1, before["lease"] + 7):
                await tamper(world, id, **before | {"lease": lease})
                await asyncio.gather(*(world.settle() for _ in range(4)))
                assert witness.digests == [], "a key was used again"
                assert (await row(world, id)).state == "failed", "it was released again"


@pytest.fixture
def keys_seen(monkeypatch: pytest.MonkeyPatch) -> list[WrappedKey]:
    """The keys that the HSM signed with."""
    seen: list[WrappedKey] = []
    sign = UserKeys.sign_all

    async def sign_seen(keys: UserKeys, key: WrappedKey, wanted: Wanted) -> list[bytes]:
        seen.append(key)
        return await sign(keys, key, wanted)

    monkeypatch.setattr(UserKeys, "sign_all", sign_seen)
    return seen


@pytest.mark.parametrize("kind", ["hash", "document"])
@pytest.mark.parametrize("key_type", ["P-256", "RSA-2048"])
async def test_t58_a_signature_by_another_person_s_key_is_never_released(
    world: World, keys_seen: list[WrappedKey], monkeypatch: pytest.MonkeyPatch, kind: str, key_type: str
) -> None:
    application = await world.application()
    alice = await world.signer(application, key_type=key_type)
    await world.signer(application, "bob", key_type=key_type)
    bobs, sign = keys_seen[-1], UserKeys.sign_all

    async def sign_with_bobs(keys: UserKeys, _: WrappedKey, wanted: Wanted) -> list[bytes]:
        return await sign(keys, bobs, wanted)

    monkeypatch.setattr(UserKeys, "sign_all", sign_with_bobs)
    asked = await (application.ask(alice, simple_pdf()) if kind == "document" else application.ask_hashes(alice, HASH))
    await alice.phone.confirm(await alice.phone.show(asked["id"]), PIN)
    for _ in range(TRIES):
        await world.settle()
        world.clock.move(61)
        assert await signatures_of(world, asked["id"]) == 0

    await assert_failed(world, asked["id"])
    assert keys_seen[-TRIES:] == [bobs] * TRIES


async def test_t58_two_keys_with_one_label_wrap_and_sign_nothing(softhsm: SoftHsm) -> None:
    """PKCS#11 lets labels clash; whichever key is found first must not be taken for the right one."""
    token = Token(softhsm.new_token("clash"))
    create_kek(token)
    keys = UserKeys(token)
    key = (await keys.generate(KeySpec.P256)).key
    await token.run(
        lambda bench: bench.session.generate_key(KeyType.AES, 256, label=key.kek_id, store=True), lambda _: None
    )
    token.close()

    token = Token(softhsm.spec("clash"))
    with pytest.raises(HsmUnavailable):
        await UserKeys(token).generate(KeySpec.P256)
    with pytest.raises(HsmUnavailable):
        await UserKeys(token).sign(key, Scheme(Padding.ECDSA), Digest.of(b"a contract"))
    token.close()


BREAKS: dict[str, Callable[[bytes], bytes]] = {
    "its first bit": lambda right: bytes([right[0] ^ 0x80]) + right[1:],
    "a bit of r": lambda right: right[:20] + bytes([right[20] ^ 1]) + right[21:],
    "its last bit": lambda right: right[:-1] + bytes([right[-1] ^ 1]),
    "its end": lambda right: right[:-1],
    "all of it": lambda right: b"",
}


@pytest.mark.parametrize("break_", BREAKS.values(), ids=BREAKS)
async def test_t62_a_signature_that_the_hsm_got_wrong_is_not_released_and_is_made_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, break_: Callable[[bytes], bytes]
) -> None:
    application, alice = await start(world)
    id, shown = await open_one(world, application, alice)
    await alice.phone.confirm(shown, PIN)
    sign = UserKeys.sign_all

    async def sign_wrongly(keys: UserKeys, key: WrappedKey, wanted: Wanted) -> list[bytes]:
        return [break_(signature) for signature in await sign(keys, key, wanted)]

    with monkeypatch.context() as fault:
        fault.setattr(UserKeys, "sign_all", sign_wrongly)
        await world.settle()
    assert (await signatures_of(world, id), await state(application, id)) == (0, "signing")

    world.clock.move(61)
    await world.settle()
    key: Any = x509.load_der_x509_certificate(await certificate_of(world, alice)).public_key()
    key.verify((await entry(world, id)).signature, RAW, ec.ECDSA(PREHASHED))


def test_t62_no_signature_with_one_bit_changed_is_taken_for_a_right_one() -> None:
    key, digest = ec.generate_private_key(ec.SECP256R1()), Digest(SHA256, RAW)
    right = key.sign(RAW, ec.ECDSA(PREHASHED))
    require_signature(key.public_key(), Scheme(Padding.ECDSA), digest, right)
    for bit in range(8 * len(right)):
        wrong = (int.from_bytes(right) ^ 1 << bit).to_bytes(len(right))
        with pytest.raises(Refused):
            require_signature(key.public_key(), Scheme(Padding.ECDSA), digest, wrong)
