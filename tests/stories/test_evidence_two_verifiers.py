"""What the server itself keeps as evidence is good for both verifiers, and each tells the same of it.

Source: docs/evidence.md sections 1 to 3. The referee shares no code with the server (tests.referee).
"""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dss.devices.request import Action
from dss.kernel.ids import CredentialId, TransactionId
from dss.kernel.keyspec import KeySpec
from dss.kernel.policy import Bounds, Policy
from dss.transactions.model import OpenCreation
from tests.referee.forging import Case
from tests.world.owners import HASH, Owner, Street, alice, id_of, street
from tests.world.pdfs import simple_pdf
from tests.world.stranger import proven, sealed_evidence, trust
from tests.world.verdicts import disagreement
from tests.world.world import OPERATOR

__all__ = ["alice", "street"]

module_loop = pytest.mark.asyncio(loop_scope="module")

Story = Callable[[Owner], Awaitable[str]]


async def judged(alice: Owner, id: str, kept: int | None = None) -> str | None:
    """What is wrong with the two verdicts on the evidence of a transaction; kept: the size of a kept checkpoint."""
    services = alice.world.services
    newest = await sealed_evidence(services, id)
    record = newest if kept is None else await services.evidence.of(TransactionId(id), kept)
    assert record is not None
    known = await trust(services, None if kept is None else await services.log.checkpoint(kept))
    return disagreement(Case(record.encoded(), known.root, known.log_key.text, known.kept), good=True)


# --- one of each that there is evidence of ---


async def a_signed_pdf(alice: Owner) -> str:
    id = str((await alice.application.ask(alice.signer, simple_pdf(), "Please sign\nat once"))["id"])
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    return id


async def signed_hashes(alice: Owner) -> str:
    id = str((await alice.application.ask_hashes(alice.signer, HASH, HASH))["id"])
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    return id


async def a_key_by_the_application(alice: Owner) -> str:
    wish = {"user": alice.user.login, "key_type": "P-384"}
    id = str((await alice.application.post("/v1/credentials", wish))["transaction_id"])
    assert await alice.confirms(await alice.phone.show(id)) == "signed"
    return id


async def a_key_by_the_operator_in_place_of_another(alice: Owner) -> str:
    old = (await alice.key()).id
    wish = OpenCreation(None, alice.user.login, KeySpec.P256, old, operator=OPERATOR)
    opened = await alice.world.services.opening.open_creation(wish)
    assert await alice.confirms(await alice.phone.show(opened.id)) == "signed"
    return opened.id


async def a_revocation(alice: Owner) -> str:
    shown = await alice.wishes(Action.REVOKE.value, credential=alice.credential_id, reason="keyCompromise")
    assert await alice.confirms(shown) == "signed"
    return shown.id


async def a_removed_phone(alice: Owner) -> str:
    shown = await alice.wishes(Action.REMOVE.value, phone=id_of(await alice.joined()))
    assert await alice.confirms(shown) == "signed"
    return shown.id


async def a_password(alice: Owner) -> str:
    shown = await alice.of_key(Action.PASSWORD.value)
    assert await alice.confirms(shown, new_key_password="Correct7Horse") == "signed"
    return shown.id


async def a_share(alice: Owner) -> str:
    return await alice.shares(await alice.second())


async def a_signature_by_a_further_phone(alice: Owner) -> str:
    further = await alice.joined()
    shown = await alice.asked(further)
    assert await alice.confirms(shown, further) == "signed"
    return shown.id


async def asked(alice: Owner, *hashes: str, **more: Any) -> dict[str, Any]:
    """Be asked to sign hashes; return the whole answer."""
    wish = {"credential_id": alice.credential_id, "text": "Please sign", "hashes": list(hashes or (HASH,))}
    return dict(await alice.application.post("/v1/signatures", wish | more))


async def a_compared_code(alice: Owner) -> str:
    told = await asked(alice, verification="compare")
    shown = await alice.phone.show(told["id"])
    assert await alice.confirms(shown, number=told["verification"]["number"]) == "signed"
    return shown.id


async def a_chosen_number(alice: Owner) -> str:
    told = await asked(alice, verification="choose")
    shown = await alice.phone.show(told["id"])
    assert await alice.confirms(shown, number=told["verification"]["number"]) == "signed"
    return shown.id


async def all_hashes_but_one(alice: Owner) -> str:
    shown = await alice.phone.show((await asked(alice, HASH, HASH, HASH))["id"])
    assert await alice.confirms(shown, declined_documents=(1,)) == "signed"
    return shown.id


async def a_decline_with_its_cause(alice: Owner) -> str:
    shown = await alice.phone.show((await asked(alice))["id"])
    assert await alice.phone.decline(shown, "Too much", "wrong_data") == "declined"
    return shown.id


async def asked_session(alice: Owner) -> str:
    """Be asked for a session."""
    key, bounds = CredentialId(alice.credential_id), {"signatures": 3, "minutes": 15}
    await alice.world.services.policies.change_credential(key, Policy(session=Bounds(5, 30)), OPERATOR)
    wish = {"credential_id": alice.credential_id, "text": "Today's letters", **bounds}
    return str((await alice.application.post("/v1/sessions", wish))["id"])


async def signatures_in_a_session(alice: Owner) -> str:
    session = await asked_session(alice)
    assert await alice.confirms(await alice.phone.show(session)) == "confirmed"
    await asked(alice, session_id=session)
    await alice.world.settle()
    id = str((await asked(alice, HASH, HASH, session_id=session))["id"])
    await alice.world.settle()
    return id


async def a_declined_session(alice: Owner) -> str:
    shown = await alice.phone.show(await asked_session(alice))
    assert await alice.phone.decline(shown) == "declined"
    return shown.id


async def a_declined_signature(alice: Owner) -> str:
    id = str((await alice.application.ask(alice.signer, simple_pdf()))["id"])
    assert await alice.phone.decline(await alice.phone.show(id), "No!\nNot mine.") == "declined"
    return id


async def a_declined_change(alice: Owner) -> str:
    shown = await alice.of_key(Action.DESTROY.value)
    assert await alice.phone.decline(shown) == "declined"
    return shown.id


STORIES: tuple[Story, ...] = (
    a_signed_pdf,
    signed_hashes,
    a_key_by_the_application,
    a_key_by_the_operator_in_place_of_another,
    a_revocation,
    a_removed_phone,
    a_password,
    a_share,
    a_signature_by_a_further_phone,
    a_declined_signature,
    a_declined_change,
    a_compared_code,
    a_chosen_number,
    all_hashes_but_one,
    a_decline_with_its_cause,
    signatures_in_a_session,
    a_declined_session,
)


@module_loop
@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_what_the_server_keeps_is_good_for_both_verifiers_who_tell_the_same(alice: Owner, story: Story) -> None:
    assert await judged(alice, await story(alice)) is None


@module_loop
async def test_each_document_of_a_batch_has_evidence_that_is_good_for_both(alice: Owner) -> None:
    """docs/evidence.md section 1b: but for what was declined."""
    shown = await alice.phone.show((await asked(alice, *[HASH] * 101))["id"])
    assert await alice.confirms(shown, declined_documents=(7,)) == "signed"
    services, path = alice.world.services, f"/v1/signatures/{shown.id}/evidence"
    await services.sealer.round()
    known = await trust(services)

    for index in (0, 100):
        record = await alice.application.http.get(path, params={"index": index})
        assert record.status_code == 200, record.text
        assert disagreement(Case(record.content, known.root, known.log_key.text), good=True) is None
    for query in ({"index": 7}, {}):
        assert (await alice.application.http.get(path, params=query)).status_code == 409


@module_loop
@pytest.mark.parametrize(
    ("story", "who"),
    [(a_share, "owner"), (a_declined_change, "owner"), (a_key_by_the_operator_in_place_of_another, "operator")],
)
async def test_what_the_signer_or_the_operator_asked_for_names_no_application(
    alice: Owner, story: Story, who: str
) -> None:
    """docs/evidence.md section 2, step 10."""
    assert (await proven(alice.world.services, await story(alice))).relying_application.id == who


@module_loop
@pytest.mark.parametrize("key_type", ["P-384", "RSA-2048"])
async def test_a_signature_by_every_kind_of_key_is_good_for_both(street: Street, key_type: str) -> None:
    await street.application.log_in()
    signer = await street.world.signer(street.application, f"judged-{key_type.lower()}", key_type)
    owner = Owner(street.world, street.application, signer.user, signer.phone, signer.credential_id)
    for story in (a_signed_pdf, signed_hashes):
        assert await judged(owner, await story(owner)) is None


@module_loop
async def test_what_is_consistent_with_a_kept_checkpoint_is_so_for_both(alice: Owner) -> None:
    services = alice.world.services
    id = await signed_hashes(alice)
    await services.sealer.round()
    before = await services.log.newest()
    assert before is not None
    assert await judged(alice, id, before.head.size) is None
    await signed_hashes(alice)
    assert await judged(alice, id, before.head.size) is None
