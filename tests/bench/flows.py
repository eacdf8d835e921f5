"""Complete flows, driven by a real phone and a real relying application."""

import base64
import hashlib
import secrets

from mobile_mock.phone import Phone
from tests.bench.meter import Steps
from tests.bench.stage import Stage
from tests.world.pdfs import simple_pdf
from tests.world.world import PIN, Signer

OPEN, LIST, SHOW, ANSWER, PERFORM, COLLECT = STEPS = ("open", "list", "show", "answer", "perform", "collect")
HASH, HASH_RSA, PDF = "one hash, P-256", "one hash, RSA-2048", "one PDF, P-256"


async def sign_hash(stage: Stage, signer: Signer) -> Steps:
    """Have one hash signed."""
    await signed_hash(stage, signer)
    return stage.meter.taken()


async def sign_pdf(stage: Stage, signer: Signer) -> Steps:
    """Have one PDF of a page signed: uploaded, shown with all that the phone recomputes, and collected."""
    await signed_pdf(stage, signer)
    return stage.meter.taken()


async def signed_hash(stage: Stage, signer: Signer) -> str:
    """Have one hash signed; return the transaction's id."""
    digest = base64.b64encode(hashlib.sha256(secrets.token_bytes(8)).digest()).decode()
    with stage.meter.step(OPEN):
        asked = await stage.shop.ask_hashes(signer, digest)
    await _confirm(stage, signer)
    with stage.meter.step(COLLECT):
        signed = await stage.shop.get(f"/v1/signatures/{asked['id']}")
    assert signed["documents"][0]["signature"], signed
    return str(asked["id"])


async def signed_pdf(stage: Stage, signer: Signer) -> str:
    """Have one PDF of a page signed; return the transaction's id."""
    with stage.meter.step(OPEN):
        asked = await stage.shop.ask(signer, simple_pdf())
    await _confirm(stage, signer)
    with stage.meter.step(COLLECT):
        signed = await stage.shop.get(f"/v1/signatures/{asked['id']}")
        file = await stage.shop.http.get(signed["documents"][0]["href"])
    assert file.content.startswith(b"%PDF")
    return str(asked["id"])


async def confirm(phone: Phone) -> None:
    """Let a phone confirm what waits for it."""
    (notice,) = await phone.waiting()
    await phone.send(await phone.prepare(await phone.show(notice.id), PIN))


async def _confirm(stage: Stage, signer: Signer) -> None:
    phone, meter = signer.phone, stage.meter
    with meter.step(LIST):
        (notice,) = await phone.waiting()
    with meter.step(SHOW):
        shown = await phone.show(notice.id)
    answer = await phone.prepare(shown, PIN)
    with meter.step(ANSWER):
        await phone.send(answer)
    with meter.step(PERFORM), meter.counting():
        await stage.world.services.performing[0].next()
