"""T53: canaries. Each secret of a story, refusals and faults included, is found where it must be and nowhere else."""

import base64
import io
from collections.abc import Iterator
from typing import Any

import pytest

from dss.devices import enrolment as rules
from dss.hsm.userkeys import UserKeys
from dss.kernel.ids import EnrolmentId
from mobile_mock import pins
from mobile_mock.errors import PhoneError
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.phone import Phone
from tests.stories.canaries import Canaries, everything_logged, readable
from tests.stories.test_answers import HASH
from tests.stories.witness import tamper
from tests.world.owners import quick_proofs
from tests.world.pdfs import raw_pdf
from tests.world.softhsm import SoftHsm
from tests.world.world import Application, Signer, World

__all__ = ["everything_logged"]

CANARY_PIN = "83014692750386"
TYPED = "canary-typed-into-a-wrong-place"
IN_DOCUMENT = b"canary-in-the-text-of-a-document"
IN_NAME = "canary-in-a-name.pdf"


@pytest.fixture
def quick() -> Iterator[None]:
    """Phones prove PINs without the work of doing so."""
    with quick_proofs():
        yield


@pytest.fixture
async def canaries(world: World, everything_logged: io.StringIO, softhsm: SoftHsm, quick: None) -> Canaries:
    made = Canaries(world, everything_logged)
    for name in ("user", "ca", "service"):
        made.plant(f"the HSM's PIN of {name}", softhsm.spec(name).pin)
    made.plant("what was typed into a wrong place", TYPED)
    made.plant("the text of a document", IN_DOCUMENT, "documents")
    return made


async def enrolled(canaries: Canaries) -> tuple[Any, Phone]:
    """A signer with a phone; somebody guesses the code before."""
    world = canaries.world
    alice = await world.user()
    qr, code = await world.invite(alice)
    letter = next(path for path in await world.letters() if code.encode() in readable(path))
    id = EnrolmentId(qr.partition("&e=")[2].partition("&")[0])
    canaries.plant("the activation code", code, letter.name)
    canaries.plant("the activation code without hyphens", code.replace("-", ""))
    canaries.plant("what is made of the activation code", rules.secret_of(code.replace("-", ""), id))
    with pytest.raises(PhoneError):
        await world.new_phone().enrol(qr, "0000-0000-0000-0000", CANARY_PIN)
    phone = world.new_phone()
    await phone.enrol(qr, code, CANARY_PIN)
    kept = phone.kept()
    canaries.plant("the PIN", CANARY_PIN)
    canaries.plant("the PIN proof", pins.proof(CANARY_PIN, kept.salt, kept.iterations))
    canaries.plant("the phone's signature key", base64.urlsafe_b64decode(str(kept.signature_key["d"]) + "=="))
    return alice, phone


async def with_credential(canaries: Canaries) -> tuple[Application, Signer]:
    """An application, and a signer whose phone holds a share of a key."""
    world = canaries.world
    alice, phone = await enrolled(canaries)
    application = await world.application()
    canaries.plant("the client secret", application.secret)
    canaries.plant("the access token", application.http.headers["Authorization"].removeprefix("Bearer "))
    asked = await application.post("/v1/credentials", {"user": alice.login, "key_type": "P-256"})
    (notice,) = await phone.waiting()
    await phone.confirm(await phone.show(notice.id), CANARY_PIN)
    canaries.plant("the share of the key", phone.kept().shares[asked["id"]].k_act)
    assert await canaries.misplaced() == {}
    await world.settle()
    return application, Signer(alice, phone, asked["id"], asked)


async def asked(application: Application, alice: Signer) -> str:
    """A request to sign a document with canaries in it."""
    pdf = raw_pdf(more=b"4 0 obj\n<</Canary(%s)>>\nendobj\n" % IN_DOCUMENT)
    document = await application.upload(pdf, IN_NAME)
    wish = {"credential_id": alice.credential_id, "documents": [{"id": document["id"]}]}
    return str((await application.post("/v1/signatures", wish))["id"])


async def test_t53_secrets_are_where_they_must_be_and_nowhere_else_after_a_whole_story(canaries: Canaries) -> None:
    world = canaries.world
    application, alice = await with_credential(canaries)
    id = await asked(application, alice)
    shown = await alice.phone.show(id)
    with pytest.raises(PhoneError):
        await alice.phone.confirm(shown, CANARY_PIN, misbehave=Misbehaviour(wrong_pin=True))
    assert await canaries.misplaced() == {}
    await alice.phone.confirm(shown, CANARY_PIN)
    assert await canaries.misplaced() == {}, "while a box is kept"
    await world.settle()
    assert (await application.http.get(f"/v1/signatures/{id}/documents/0")).content.count(IN_DOCUMENT) == 1
    declined = await alice.phone.show(await asked(application, alice))
    await alice.phone.decline(declined, "no")
    await world.letters()

    found = await canaries.look()
    assert found == canaries.home
    assert canaries.log.getvalue().count("\n") > 20, "the log was not taken"


async def test_t53_secrets_that_are_typed_into_a_wrong_place_are_told_nowhere(canaries: Canaries) -> None:
    world = canaries.world
    application, _ = await with_credential(canaries)
    bearer = {"Authorization": f"Bearer {TYPED}"}
    async with world.http() as http:
        replies = [
            await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(application.id, TYPED)),
            await http.post("/oauth/token", data={"grant_type": TYPED, "client_id": TYPED, "client_secret": TYPED}),
            await http.post("/oauth/token", data={"grant_type": "client_credentials", "client_assertion": TYPED}),
            await http.get("/v1/signatures", headers=bearer),
            await http.get(f"/v1/signatures?access_token={TYPED}"),
            await http.get("/device/v1/transactions", headers={"DPoP": TYPED}),
            await http.get("/device/v1/transactions", headers=bearer | {"Cookie": f"token={TYPED}"}),
            await http.post(f"/device/v1/enrolments/{HASH[:26]}", json={"code": TYPED}),
            await application.http.post("/v1/signatures", json={"pin": TYPED, "credential_id": TYPED}),
            await application.http.post("/v1/signatures", json={"hashes": [TYPED], "credential_id": "0" * 26}),
            await application.http.post("/v1/signatures", content=f'{{"password": "{TYPED}"'),
            await application.http.get(f"/v1/signatures?cursor={TYPED}"),
        ]
    assert {reply.status_code // 100 for reply in replies} == {4}
    assert [reply.text for reply in replies if TYPED in reply.text] == []
    assert await canaries.misplaced() == {}


async def test_t53_faults_of_the_server_s_own_tell_no_secret_in_their_tracebacks(
    canaries: Canaries, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = canaries.world
    application, alice = await with_credential(canaries)

    async def fail(_: object, key: Any, *more: Any) -> bytes:
        raise RuntimeError("a fault that nobody thought of")

    monkeypatch.setattr(UserKeys, "sign_all", fail)
    id = await asked(application, alice)
    await alice.phone.confirm(await alice.phone.show(id), CANARY_PIN)
    await world.settle()
    assert "a fault that nobody thought of" in canaries.log.getvalue()

    id = await asked(application, alice)
    await tamper(world, id, request=b"{}")
    with pytest.raises(PhoneError):
        await alice.phone.confirm(await alice.phone.show(id), CANARY_PIN)
    assert await canaries.misplaced() == {}


async def test_t53_a_log_that_tells_everything_repeats_no_rows(canaries: Canaries) -> None:
    world = canaries.world
    application, alice = await with_credential(canaries)
    await asked(application, alice)
    canaries.plant("the wrapped key", (await world.services.credentials.get(alice.credential["id"])).key_blob)
    canaries.plant("the name of a document", IN_NAME)
    found = await canaries.look()
    assert "database" in found["the wrapped key"] & found["the name of a document"]
    assert "log" not in found["the wrapped key"] | found["the name of a document"]
