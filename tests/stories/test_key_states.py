"""Stories of a key's life: blocked and freed, revoked, destroyed, by its owner and by operators."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from cryptography import x509

from dss.ca.model import Reason
from dss.kernel.errors import Conflict
from dss.kernel.ids import CredentialId
from dss.transactions.changing import SIGNERS_REASONS
from mobile_mock.errors import Refused
from tests.stories.shop import Shop, refused_answer, refused_change, shop
from tests.world.judges import REVOKED, Judge, certificate_of, worker_round
from tests.world.world import OPERATOR, Signer

__all__ = ["shop"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


# --- blocked and freed ---


async def test_a_signer_blocks_a_key_at_once_without_a_pin_and_frees_it_by_a_confirmed_change(shop: Shop) -> None:
    """F11."""
    alice = await shop.signer()

    assert await alice.phone.suspend(alice.credential_id) == "suspended"
    assert (await shop.state(alice), await shop.signs(alice)) == ("suspended", False)

    assert await shop.change(alice, "resume") == "signed"
    assert (await shop.state(alice), await shop.signs(alice)) == ("active", True)
    assert await shop.tells(alice) == ["credential.suspended", "credential.resumed"]


async def test_a_resume_that_is_declined_frees_nothing(shop: Shop) -> None:
    alice = await shop.signer()
    await alice.phone.suspend(alice.credential_id)

    id = await alice.phone.change("resume", credential=alice.credential_id)
    assert (await shop.state(alice), await shop.signs(alice)) == ("suspended", False)
    await alice.phone.decline(await alice.phone.show(id), "not now")
    await shop.world.settle()

    assert (await shop.state(alice), await shop.signs(alice)) == ("suspended", False)


async def test_a_key_that_is_not_blocked_is_not_freed(shop: Shop) -> None:
    alice = await shop.signer()

    status, why = await refused_change(alice, "resume")
    assert (status, "not suspended" in why) == (409, True)
    with pytest.raises(Conflict):
        await shop.world.services.keys.resume(CredentialId(alice.credential_id), OPERATOR)


async def test_what_an_operator_blocks_only_an_operator_frees(shop: Shop) -> None:
    alice, keys = await shop.signer(), shop.world.services.keys
    id = CredentialId(alice.credential_id)
    await keys.suspend(id, OPERATOR)

    status, why = await refused_change(alice, "resume")
    assert (status, "only an operator resumes it" in why) == (409, True)
    await keys.resume(id, OPERATOR)
    assert await shop.signs(alice)


async def test_an_operator_s_block_stands_over_the_signer_s_whichever_came_first(shop: Shop) -> None:
    alice, keys = await shop.signer(), shop.world.services.keys
    id = CredentialId(alice.credential_id)
    await alice.phone.suspend(alice.credential_id)
    confirmed = await alice.phone.change("resume", credential=alice.credential_id)
    shown = await alice.phone.show(confirmed)

    await keys.suspend(id, OPERATOR)
    assert await refused_answer(alice, shown) == 409
    await alice.phone.suspend(alice.credential_id)

    assert (await refused_change(alice, "resume"))[0] == 409
    assert await shop.state(alice) == "suspended"


async def test_an_operator_frees_what_the_signer_blocked(shop: Shop) -> None:
    alice = await shop.signer()
    await alice.phone.suspend(alice.credential_id)

    await shop.world.services.keys.resume(CredentialId(alice.credential_id), OPERATOR)

    assert await shop.signs(alice)


# --- revoked ---


@dataclass
class Revoked:
    """A revoked key, and what the next list says of its certificate."""

    entry: x509.RevokedCertificate
    openssl: str

    @property
    def reason(self) -> str:
        """The reason; RFC 5280 section 5.3.1 asks that `unspecified` is told by saying nothing."""
        told = [one.value for one in self.entry.extensions if isinstance(one.value, x509.CRLReason)]
        return told[0].reason.value if told else "unspecified"


async def judged(shop: Shop, signer: Signer, folder: Path) -> Revoked:
    """Return how outsiders see a revoked key, once the worker went its round."""
    await worker_round(shop.world)
    judge, certificate = Judge(shop.world), await certificate_of(shop.application, signer.credential_id)
    entry = await judge.entry(certificate)
    assert entry is not None, "the certificate is not listed"
    return Revoked(entry, await judge.openssl(certificate, folder))


async def require_gone(shop: Shop, signer: Signer, state: str) -> None:
    """Assert that a key is gone from the database, and that nothing brings it back or ends it once more."""
    row = await shop.row(signer.credential_id)
    assert (row.state, row.key_blob, row.holders) == (state, b"", [])
    assert (await shop.state(signer), await shop.signs(signer)) == (state, False)
    id, keys = CredentialId(signer.credential_id), shop.world.services.keys
    for verb in (keys.suspend, keys.resume, keys.destroy):
        with pytest.raises(Conflict):
            await verb(id, OPERATOR)
    if state == "revoked":
        with pytest.raises(Conflict):
            await keys.revoke(id, Reason.KEY_COMPROMISE, OPERATOR)
    for action, about in {"resume": {}, "destroy": {}, "revoke": {"reason": "superseded"}, "password": {}}.items():
        assert (await refused_change(signer, action, **about))[0] == 409
    with pytest.raises(Refused) as refusal:
        await signer.phone.suspend(signer.credential_id)
    assert refusal.value.status == 409


async def test_a_key_that_its_signer_revokes_is_erased_and_listed(shop: Shop, tmp_path: Path) -> None:
    """F8, F11."""
    alice = await shop.signer()
    before = await Judge(shop.world).entry(await certificate_of(shop.application, alice.credential_id))

    assert await shop.change(alice, "revoke", reason="keyCompromise") == "signed"

    found = await judged(shop, alice, tmp_path)
    assert (before, found.reason) == (None, "keyCompromise")
    assert REVOKED in found.openssl
    await require_gone(shop, alice, "revoked")


async def test_the_list_gives_each_reason_that_a_signer_may_name(shop: Shop, tmp_path: Path) -> None:
    """RFC 5280 section 5.3.1."""
    alice = await shop.signer()
    named = {await shop.new_key(alice): reason.value for reason in sorted(SIGNERS_REASONS)}
    for id, reason in named.items():
        assert await shop.change(alice, "revoke", credential=id, reason=reason) == "signed"

    keys = [replace(alice, credential_id=id) for id in named]
    assert [(await judged(shop, key, tmp_path)).reason for key in keys] == list(named.values())


@pytest.mark.parametrize("reason", [Reason.PRIVILEGE_WITHDRAWN, Reason.KEY_COMPROMISE])
async def test_a_key_that_an_operator_revokes_is_erased_and_listed_with_its_reason(
    shop: Shop, tmp_path: Path, reason: Reason
) -> None:
    alice = await shop.signer()

    await shop.world.services.keys.revoke(CredentialId(alice.credential_id), reason, OPERATOR)

    found = await judged(shop, alice, tmp_path)
    assert (found.reason, REVOKED in found.openssl) == (reason.value, True)
    await require_gone(shop, alice, "revoked")


async def test_a_key_is_revoked_while_it_is_blocked(shop: Shop, tmp_path: Path) -> None:
    """F11: first the block, then the end."""
    alice = await shop.signer()
    await shop.world.services.keys.suspend(CredentialId(alice.credential_id), OPERATOR)

    assert await shop.change(alice, "revoke", reason="keyCompromise") == "signed"

    assert (await judged(shop, alice, tmp_path)).reason == "keyCompromise"
    await require_gone(shop, alice, "revoked")


async def test_a_revocation_that_its_signer_declines_revokes_nothing(shop: Shop, tmp_path: Path) -> None:
    alice = await shop.signer()
    id = await alice.phone.change("revoke", credential=alice.credential_id, reason="keyCompromise")
    await alice.phone.decline(await alice.phone.show(id), "a mistake")
    await shop.world.settle()

    await worker_round(shop.world)
    certificate = await certificate_of(shop.application, alice.credential_id)
    assert await Judge(shop.world).openssl(certificate, tmp_path) == f"{tmp_path}/signer.pem: OK\n"
    assert await shop.signs(alice)


async def test_one_revocation_touches_no_other_key_of_its_owner(shop: Shop) -> None:
    alice = await shop.signer()
    other = await shop.new_key(alice)
    assert await shop.change(alice, "revoke", credential=other, reason="superseded") == "signed"

    assert await shop.signs(alice)
    states = {one.id: (one.state, one.held) for one in await alice.phone.credentials()}
    assert states == {alice.credential_id: ("active", True), other: ("revoked", False)}


# --- destroyed ---


async def test_a_destroyed_key_is_erased_and_its_certificate_stands_for_what_it_signed(
    shop: Shop, tmp_path: Path
) -> None:
    alice, judge = await shop.signer(), Judge(shop.world)
    pdf = await shop.signed_pdf(alice)

    assert await shop.change(alice, "destroy") == "signed"
    await worker_round(shop.world)

    certificate = await certificate_of(shop.application, alice.credential_id)
    assert await judge.entry(certificate) is None
    assert await judge.openssl(certificate, tmp_path) == f"{tmp_path}/signer.pem: OK\n"
    status = await judge.pyhanko(pdf)
    assert (status.bottom_line, status.trusted, status.revoked) == (True, True, False)
    await require_gone(shop, alice, "destroyed")


async def test_what_a_key_signed_is_no_longer_trusted_once_it_is_revoked(shop: Shop) -> None:
    """A signature of level B-B proves no time: nobody can tell that it was made before."""
    alice, judge = await shop.signer(), Judge(shop.world)
    pdf = await shop.signed_pdf(alice)
    before = await judge.pyhanko(pdf)

    shop.world.clock.move(1)
    await shop.change(alice, "revoke", reason="keyCompromise")
    shop.world.clock.move(1)
    await worker_round(shop.world)

    after = await judge.pyhanko(pdf)
    assert (before.bottom_line, before.revoked) == (True, False)
    assert (after.intact, after.valid, after.bottom_line, after.revoked) == (True, True, False, True)


# --- who is told ---


async def test_the_owner_is_written_to_whoever_changes_the_state_of_a_key(shop: Shop) -> None:
    alice, keys = await shop.signer(), shop.world.services.keys
    id = CredentialId(alice.credential_id)
    before = set(await shop.world.letters())

    await keys.suspend(id, OPERATOR)
    await keys.resume(id, OPERATOR)
    await shop.change(alice, "revoke", reason="superseded")

    letters = [letter.read_bytes() for letter in await shop.world.letters() if letter not in before]
    assert len(letters) == 3
    assert all(alice.user.email.encode() in letter and id.encode() in letter for letter in letters)


async def test_a_phone_and_a_relying_application_read_where_each_key_stands(shop: Shop) -> None:
    alice = await shop.signer()
    ids = [alice.credential_id, *[await shop.new_key(alice) for _ in range(3)]]
    keys = shop.world.services.keys
    await keys.suspend(CredentialId(ids[1]), OPERATOR)
    await keys.revoke(CredentialId(ids[2]), Reason.SUPERSEDED, OPERATOR)
    await keys.destroy(CredentialId(ids[3]), OPERATOR)

    expected = list(zip(ids, ["active", "suspended", "revoked", "destroyed"], strict=True))
    on_phone = await alice.phone.credentials()
    assert [(one.id, one.state) for one in on_phone] == expected
    assert [one.held for one in on_phone] == [True, True, False, False]
    listed = await shop.application.get(f"/v1/credentials?user={alice.user.login}")
    assert [(one["id"], one["state"]) for one in listed["items"]] == expected
