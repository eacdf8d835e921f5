"""What the signer's history says of each transaction, and the evidence of it (device protocol, section 9)."""

from datetime import datetime

import pytest

from dss.evidence.record import Record
from dss.kernel import b64
from dss.kernel.clock import read_timestamp, timestamp
from dss.kernel.digest import Digest
from tests.protocol.looking_back import HISTORY, cancelled, evidence, told_of, whole
from tests.protocol.prover import Prover, payload_of
from tests.protocol.scene import ABSENT, Refusal, assert_refused
from tests.world.owners import HASH, Owner, alice, id_of, street
from tests.world.pdfs import simple_pdf
from tests.world.world import OPERATOR, PIN

__all__ = ["alice", "street"]

pytestmark = pytest.mark.asyncio(loop_scope="module")

FIVE_MINUTES = 300
PDF = simple_pdf()


# --- what an entry says ---


async def test_a_signature_is_told_with_all_that_the_contract_names(alice: Owner):
    id = (await alice.application.ask(alice.signer, PDF, "Please sign\nby Friday"))["id"]
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    entry = await told_of(alice, id)

    opened = read_timestamp(entry["opened"])
    assert opened <= read_timestamp(entry["ended"]) <= alice.world.clock.now()
    assert entry == {
        "id": id,
        "kind": "sign",
        "state": "signed",
        "relying_application": {"id": alice.application.id, "name": "Contracts Ltd"},
        "text": "Please sign\nby Friday",
        "documents": [
            {
                "name": "contract.pdf",
                "media_type": "application/pdf",
                "size": len(PDF),
                "document_digest": b64.url_encode(Digest.of(PDF).value),
            }
        ],
        "credential": alice.credential_id,
        "opened": timestamp(opened),
        "ended": entry["ended"],
        "phone": {"id": id_of(alice.phone), "name": "Key 1"},
        "verification": "pin",
        "evidence": "pending",
    }


async def test_bare_hashes_are_counted_and_a_decline_tells_its_reason(alice: Owner):
    id = (await alice.application.ask_hashes(alice.signer, HASH, HASH))["id"]
    await alice.phone.decline(await alice.phone.show(id), "Not mine")
    entry = await told_of(alice, id)

    assert (entry["state"], entry["documents"], entry["hashes"]) == ("declined", [], {"count": 2, "format": "hash"})
    assert (entry["why"], entry["phone"]["id"]) == ("Not mine", id_of(alice.phone))
    assert not {"verification", "change", "share"} & set(entry)


async def test_a_new_key_is_told_with_its_id(alice: Owner):
    (entry,) = await whole(alice)

    assert (entry["kind"], entry["state"], entry["credential"]) == ("create", "signed", alice.credential_id)
    assert not {"change", "share", "hashes", "why"} & set(entry)


async def test_changes_and_shares_are_told_with_what_they_are_about(alice: Owner):
    other = await alice.second("Pixel 9")
    named = {"id": id_of(other), "name": "Pixel 9"}
    shared = await alice.shares(other)
    relocked = await alice.of_key("relock")
    assert await alice.confirms(relocked) == "signed"
    wishes = [
        await alice.wishes("revoke", credential=alice.credential_id, reason="superseded"),
        await alice.wishes("remove", phone=id_of(other)),
    ]
    for wish in wishes:
        await alice.phone.decline(wish)
    entries = {entry["id"]: entry for entry in await whole(alice)}

    assert (entries[shared]["kind"], entries[shared]["share"]) == ("share", {"phone": named})
    assert "credential" not in entries[shared]
    changes = [entries[shown.id] for shown in (relocked, *wishes)]
    assert [entry["change"] for entry in changes] == [
        {"action": "relock"},
        {"action": "revoke", "reason": "superseded"},
        {"action": "remove", "phone": named},
    ]
    assert {(entry["kind"], entry["relying_application"]["id"]) for entry in changes} == {("change", "owner")}
    assert [entry.get("credential") for entry in changes] == [alice.credential_id, alice.credential_id, None]


async def test_what_nobody_answered_ended_with_its_time_before_and_after_that_is_written_down(alice: Owner):
    id = (await alice.application.ask_hashes(alice.signer, HASH))["id"]
    opened = alice.world.clock.now()
    alice.world.clock.move(FIVE_MINUTES + 60)
    before = await told_of(alice, id)
    await alice.later(60)

    assert await told_of(alice, id) == before
    assert (before["state"], before["evidence"], "phone" in before) == ("expired", "none", False)
    assert _seconds(opened, before["ended"]) == FIVE_MINUTES


async def test_what_was_cancelled_or_failed_tells_why(alice: Owner):
    withdrawn = await cancelled(alice)
    other = await alice.second()
    share = await alice.phone.show(await alice.phone.share(await other.share_code()))
    await alice.phone.confirm(share, PIN)
    await alice.world.services.phones.remove(id_of(other), OPERATOR)
    await alice.world.settle()
    failed = await told_of(alice, share.id)

    assert (await told_of(alice, withdrawn))["state"] == "cancelled"
    assert (failed["state"], failed["verification"], failed["evidence"]) == ("failed", "pin", "none")
    assert failed["why"]


def _seconds(since: datetime, until: str) -> int:
    return int((read_timestamp(until) - since.replace(microsecond=0)).total_seconds())


# --- the evidence ---


async def test_evidence_is_202_until_it_is_sealed_and_the_record_from_then_on(alice: Owner):
    shown = await alice.asked()
    assert await alice.confirms(shown) == "signed"
    early = await evidence(alice, shown.id)
    assert (early.status_code, early.content, early.headers["retry-after"]) == (202, b"", "1")
    assert (await told_of(alice, shown.id))["evidence"] == "pending"
    await alice.world.seal()

    given = await evidence(alice, shown.id)
    assert (given.status_code, given.headers["content-type"]) == (200, "application/json")
    record = Record.read(given.content)
    assert (record.encoded(), payload_of(record.core.request)["transaction"]) == (given.content, shown.id)
    assert record.log.consistency is None
    assert (await told_of(alice, shown.id))["evidence"] == "sealed"
    assert await alice.phone.evidence(shown.id) == given.content


async def test_there_is_evidence_of_every_kind_that_was_answered(alice: Owner):
    other = await alice.second()
    shared = await alice.shares(other)
    declined = await alice.asked()
    await alice.phone.decline(declined)
    relocked = await alice.of_key("relock")
    assert await alice.confirms(relocked) == "signed"
    await alice.world.seal()

    told = await whole(alice)
    assert {shared, declined.id, relocked.id} <= {entry["id"] for entry in told}
    for entry in told:
        assert entry["evidence"] == "sealed"
        record = Record.read((await evidence(alice, entry["id"])).content)
        assert payload_of(record.core.request)["transaction"] == entry["id"]


async def test_evidence_goes_on_from_a_checkpoint_that_was_kept(alice: Owner):
    await alice.world.seal()
    kept = await alice.world.services.log.newest()
    assert kept is not None
    shown = await alice.asked()
    assert await alice.confirms(shown) == "signed"
    await alice.world.seal()

    record = Record.read((await evidence(alice, shown.id, checkpoint=kept.head.size)).content)
    assert record.log.consistency is not None
    assert record.log.consistency.size == kept.head.size


async def test_where_there_is_none_it_is_said_why(alice: Owner):
    awaiting, withdrawn = await alice.asked(), await cancelled(alice)
    expired = (await alice.application.ask_hashes(alice.signer, HASH))["id"]
    prover = Prover.of(alice.world, alice.phone)

    async def refuses(id: str, says: str) -> None:
        call = prover.call(path=f"{HISTORY}/{id}/evidence")
        await assert_refused(alice.world, call, Refusal(409, "conflict", says), by=f"device:{prover.device}")

    await refuses(awaiting.id, "the transaction is awaiting")
    await refuses(withdrawn, "the transaction is cancelled")
    alice.world.clock.move(FIVE_MINUTES)
    await refuses(expired, "the transaction is expired")


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (f"{ABSENT.lower()}/evidence", Refusal(422, "invalid", "id")),
        ("0/evidence", Refusal(422, "invalid", "id")),
        (f"{ABSENT}/evidence?checkpoint=0", Refusal(422, "invalid", "checkpoint")),
        (f"{ABSENT}/evidence?checkpoint=9007199254740992", Refusal(422, "invalid", "checkpoint")),
        (f"{ABSENT}/evidence?checkpoint=1.0", Refusal(422, "invalid", "checkpoint")),
        (f"{ABSENT}/evidence?size=1", Refusal(422, "invalid", "size")),
        (f"{ABSENT}/evidence?checkpoint=1", Refusal(404, "not_found")),
    ],
)
async def test_t31_evidence_that_cannot_be_is_refused_and_what_is_wrong_is_named(
    alice: Owner, asked: str, expected: Refusal
):
    prover = Prover.of(alice.world, alice.phone)
    path, _, query = f"{HISTORY}/{asked}".partition("?")
    call = prover.call(path=path, params=query)
    await assert_refused(alice.world, call, expected, by=f"device:{prover.device}")


async def test_a_checkpoint_that_the_log_never_had_is_named(alice: Owner):
    prover = Prover.of(alice.world, alice.phone)
    call = prover.call(path=f"{HISTORY}/{(await whole(alice))[0]['id']}/evidence", params={"checkpoint": 2**53 - 1})
    expected = Refusal(404, "not_found", "checkpoint")
    await assert_refused(alice.world, call, expected, by=f"device:{prover.device}")
