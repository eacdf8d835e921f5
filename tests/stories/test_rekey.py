"""Stories of a new key that cancels an old one (F8, T46)."""

import asyncio
import os
import random
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from cryptography import x509

from dss.audit.tables import audit_events
from dss.ca.model import Reason
from dss.ca.service import Ca
from dss.credentials.door import Door
from dss.credentials.making import Making
from dss.kernel.ids import CredentialId
from dss.transactions.machine import Work
from tests.stories.shop import Shop, held_in_the_hsm, refused_answer, shop, shop_on_each_database, shop_on_postgres
from tests.world.judges import REVOKED, Judge, certificate_of, worker_round
from tests.world.world import OPERATOR, PIN, Signer

__all__ = ["shop", "shop_on_each_database", "shop_on_postgres"]

in_the_module_s_loop = pytest.mark.asyncio(loop_scope="module")

ROUNDS = 200 if os.environ.get("DSS_SOAK") else 10
ENDS = {"signed", "failed", "cancelled"}
# From the door that the certification passes to its database transaction, all but committed.
MOMENTS = [(Door, "hold"), (Ca, "issue"), (Door, "spent"), (Making, "write")]


async def confirmed(shop: Shop, signer: Signer) -> str:
    """Ask a signer to sign, and let the phone confirm; return the signature's id."""
    id, shown = await shop.ask(signer)
    await signer.phone.confirm(shown, PIN)
    return id


async def certifiable(shop: Shop, signer: Signer) -> str:
    """Ask for a key that replaces the signer's, let the phone confirm, and make it; return its id.

    What is left is its certificate.
    """
    asked = await shop.ask_key(signer, replaces=signer.credential_id)
    await signer.phone.confirm(await signer.phone.show(asked["transaction_id"]), PIN)
    assert await shop.node(Work.KEY).next()
    return str(asked["id"])


async def signed_at(shop: Shop, id: str) -> str:
    """Return where in the log a signature was released; empty where it was not."""
    return await _at(shop, f"transaction:{id}", "transaction.signed")


async def revoked_at(shop: Shop, id: str) -> str:
    """Return where in the log a key was revoked."""
    return await _at(shop, f"credential:{id}", "credential.revoked")


async def _at(shop: Shop, subject: str, kind: str) -> str:
    e = audit_events
    async with shop.world.services.database.read() as connection:
        found = await connection.execute(sa.select(e.c.id).where(e.c.subject == subject, e.c.kind == kind))
    return str(found.scalar_one_or_none() or "")


async def reason_listed(shop: Shop, id: str) -> Any:
    """Return for what reason a key's certificate is listed as revoked."""
    entry = await Judge(shop.world).entry(await certificate_of(shop.application, id))
    assert entry is not None
    return entry.extensions.get_extension_for_class(x509.CRLReason).value.reason


# --- what the old key may, and until when ---


@in_the_module_s_loop
async def test_t46_the_old_key_signs_until_the_new_one_has_its_certificate_and_never_after(
    shop: Shop, tmp_path: Path
) -> None:
    alice = await shop.signer()
    new = await certifiable(shop, alice)
    before = await confirmed(shop, alice)
    assert await shop.node(Work.KEY).next()
    assert (await shop.state(alice), await shop.end(before)) == ("active", "signed")
    left, shown = await shop.ask(alice)

    await shop.world.settle()

    assert (await shop.state(alice), await shop.signs(alice)) == ("revoked", False)
    assert (await shop.end(left), await refused_answer(alice, shown)) == ("cancelled", 409)
    row = await shop.row(alice.credential_id)
    assert (row.key_blob, row.holders, (await shop.row(new)).replaces) == (b"", [], alice.credential_id)
    await worker_round(shop.world)
    assert await reason_listed(shop, alice.credential_id) is x509.ReasonFlags.superseded
    old_certificate = await certificate_of(shop.application, alice.credential_id)
    assert REVOKED in await Judge(shop.world).openssl(old_certificate, tmp_path)

    alice.credential_id = new
    assert await shop.signs(alice)
    certificate = await certificate_of(shop.application, new)
    assert await Judge(shop.world).openssl(certificate, tmp_path) == f"{tmp_path}/signer.pem: OK\n"


async def test_t46_what_the_old_key_signs_at_the_moment_of_its_end_is_discarded(shop_on_each_database: Shop) -> None:
    shop = shop_on_each_database
    alice = await shop.signer()
    await certifiable(shop, alice)
    signing = await confirmed(shop, alice)
    async with held_in_the_hsm(shop):
        waits = await confirmed(shop, alice)
        assert await shop.node(Work.CERTIFICATE).next()

    await shop.world.settle()
    assert [await shop.end(id) for id in (signing, waits)] == ["failed", "cancelled"]
    told = await shop.world.tells(f"transaction:{signing}")
    assert told[-2:] == ["transaction.failed", "transaction.late_result_discarded"]
    assert await shop.state(alice) == "revoked"


async def test_t46_the_log_never_tells_of_a_signature_after_the_end_of_its_key(shop_on_postgres: Shop) -> None:
    """A release that meets the end of its key while that is being written comes before it, or to nothing."""
    shop = shop_on_postgres
    alice = await shop.signer()
    await certifiable(shop, alice)
    id = await confirmed(shop, alice)
    write, written, go_on = Making.write, asyncio.Event(), asyncio.Event()

    async def write_and_wait(*arguments: Any) -> None:
        await write(*arguments)
        written.set()
        await go_on.wait()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Making, "write", write_and_wait)
        certifying = asyncio.create_task(shop.node(Work.CERTIFICATE).next())
        await asyncio.wait_for(written.wait(), 30)
    signing = asyncio.create_task(shop.node(Work.KEY).next())
    await asyncio.wait({signing}, timeout=1)
    go_on.set()
    await asyncio.gather(certifying, signing)

    assert await shop.end(id) in ENDS
    assert await signed_at(shop, id) < await revoked_at(shop, alice.credential_id)


async def test_t46_every_signature_of_an_old_key_was_released_before_its_end_however_the_two_race(
    shop_on_each_database: Shop,
) -> None:
    shop = shop_on_each_database
    alice = await shop.signer()
    for seed in range(ROUNDS):
        shop.world.clock.move(1)
        await shop.application.log_in()
        await race(shop, alice, random.Random(seed))
    await worker_round(shop.world)
    crl = x509.load_der_x509_crl(await Judge(shop.world).published("issuing.crl"))
    assert len(crl) == ROUNDS


async def race(shop: Shop, alice: Signer, dice: random.Random) -> None:
    """Let signatures of a key race with its end, from some moment of its making on; some were released before."""
    new = await certifiable(shop, alice)
    ids = [await confirmed(shop, alice) for _ in range(dice.randint(2, 4))]
    early = dice.randrange(2)
    for _ in range(early):
        assert await shop.node(Work.KEY).next()
    with pytest.MonkeyPatch.context() as patch:
        moment = reached(patch, *dice.choice(MOMENTS))
        certifying = asyncio.create_task(shop.node(Work.CERTIFICATE).next())
        await asyncio.wait_for(moment.wait(), 30)
        await asyncio.gather(certifying, *(shop.node(Work.KEY).next() for _ in ids))
    await shop.world.settle()

    ends = [await shop.end(id) for id in ids]
    end = await revoked_at(shop, alice.credential_id)
    released = [at for id in ids if (at := await signed_at(shop, id))]
    assert (set(ends) <= ENDS, early <= len(released)) == (True, True), ends
    assert all(at < end for at in released), f"released at {released}, the key ended at {end or 'no time'}"
    assert ((await shop.row(alice.credential_id)).key_blob, (await shop.row(new)).state) == (b"", "active")
    alice.credential_id = new


def reached(patch: pytest.MonkeyPatch, owner: type, verb: str) -> asyncio.Event:
    """Return an event that is set once a verb was done."""
    done, original = asyncio.Event(), getattr(owner, verb)

    async def tell(*arguments: Any) -> Any:
        result = await original(*arguments)
        done.set()
        return result

    patch.setattr(owner, verb, tell)
    return done


# --- which key may be replaced, and how a wish ends ---


@pytest.mark.parametrize("which", ["another person's", "none"])
@in_the_module_s_loop
async def test_t46_only_the_signer_s_own_key_is_replaced(shop: Shop, which: str) -> None:
    """T16: another person's key and none at all look alike."""
    alice, bob = await shop.signer(), await shop.signer()
    replaces = bob.credential_id if which == "another person's" else "0" * 26

    wish = {"user": alice.user.login, "replaces": replaces}
    refusal = await shop.application.post("/v1/credentials", wish, status=404)

    assert refusal["detail"] == "the signer has no such credential to replace"
    assert await alice.phone.waiting() == []
    assert (await shop.state(alice), await shop.state(bob)) == ("active", "active")


@in_the_module_s_loop
async def test_a_key_that_is_gone_is_not_replaced(shop: Shop) -> None:
    alice = await shop.signer()
    new = await shop.new_key(alice, replaces=alice.credential_id)

    wish = {"user": alice.user.login, "replaces": alice.credential_id}
    refusal = await shop.application.post("/v1/credentials", wish, status=409)
    assert refusal["detail"] == "the credential to replace is revoked"
    assert (await shop.row(new)).state == "active"


@in_the_module_s_loop
async def test_a_new_key_that_is_declined_leaves_the_old_one_as_it_is(shop: Shop) -> None:
    alice = await shop.signer()
    before = await shop.row(alice.credential_id)
    asked = await shop.ask_key(alice, replaces=alice.credential_id)
    shown = await alice.phone.show(asked["transaction_id"])
    await alice.phone.decline(shown, "not now")
    await shop.world.settle()

    assert await shop.row(alice.credential_id) == before
    assert await shop.signs(alice)
    assert (await shop.application.get(f"/v1/credentials/{asked['id']}"))["state"] == "declined"


@in_the_module_s_loop
async def test_a_key_that_is_blocked_is_replaced_too(shop: Shop) -> None:
    alice = await shop.signer()
    await shop.world.services.keys.suspend(CredentialId(alice.credential_id), OPERATOR)

    new = await shop.new_key(alice, replaces=alice.credential_id)

    assert [(await shop.row(id)).state for id in (alice.credential_id, new)] == ["revoked", "active"]


@in_the_module_s_loop
async def test_a_key_that_ends_before_its_successor_begins_keeps_its_own_reason(shop: Shop) -> None:
    alice = await shop.signer()
    new = await certifiable(shop, alice)

    await shop.world.services.keys.revoke(CredentialId(alice.credential_id), Reason.KEY_COMPROMISE, OPERATOR)
    await shop.world.settle()

    await worker_round(shop.world)
    assert await reason_listed(shop, alice.credential_id) is x509.ReasonFlags.key_compromise
    assert (await shop.row(new)).state == "active"


@in_the_module_s_loop
async def test_the_phone_is_shown_which_key_ends(shop: Shop) -> None:
    """Device protocol, section 4: `replaces` is a member of what is confirmed."""
    alice = await shop.signer()
    asked = await shop.ask_key(alice, replaces=alice.credential_id)

    shown = await alice.phone.show(asked["transaction_id"])

    wanted = shown.request.credential
    (own,) = await alice.phone.credentials()
    assert (wanted.replaces.id, wanted.replaces.certificate_sha256) == (own.id, own.certificate_sha256)


@in_the_module_s_loop
async def test_t43_a_wish_to_replace_that_is_sent_again_has_no_second_effect(shop: Shop) -> None:
    alice = await shop.signer()
    other = await shop.new_key(alice)
    key = f"rekey-{alice.user.login}"
    asked = await shop.ask_key(alice, key=key, replaces=alice.credential_id)

    assert await shop.ask_key(alice, key=key, replaces=alice.credential_id) == asked
    for changed in ({"replaces": other}, {}):
        wish = {"user": alice.user.login, **changed}
        refusal = await shop.application.post("/v1/credentials", wish, status=409, key=key)
        assert refusal["type"] == "urn:dss:error:idempotency_conflict"
    await shop.confirm(alice, asked["transaction_id"])

    again = await shop.ask_key(alice, key=key, replaces=alice.credential_id)
    assert (again["id"], again["state"]) == (asked["id"], "active")
    assert [(await shop.row(id)).state for id in (alice.credential_id, other)] == ["revoked", "active"]
    assert await alice.phone.waiting() == []
