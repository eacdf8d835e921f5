"""A whole flow with canaries in it: all that a signer, an application and a witness do, mistakes among it.

Each secret is planted where it is made: what phones seal, the proofs and tokens that calls carry, codes and links from
the letters. What the server answers to a call that it refuses is noted, whoever made it.
"""

import base64
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from dss.audit.checkpoint import cosigned_message
from dss.audit.note import COSIGNATURE, Note, SignatureLine, VerifierKey
from dss.devices import enrolment as rules
from dss.kernel.ids import EnrolmentId
from mobile_mock import jose
from mobile_mock.errors import PhoneError
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.phone import Phone
from mobile_mock.showing import Shown
from tests.stories.canaries import Canaries, readable
from tests.world.owners import HASH, HOUR
from tests.world.pdfs import raw_pdf
from tests.world.world import Application, Signer, World

PIN, NEW_PIN, GUESSED_PIN = "83014692750386", "59263014870291", "70419283560417"
PASSWORD, NEW_PASSWORD, GUESSED_PASSWORD = "Kanärie-of-a-key-7", "Kanärie-that-follows-8", "Kanärie-that-is-wrong-9"
GUESSED_CODE = "C4NA-RY0F-AC0D-E000"
IN_DOCUMENT = "canary-in-the-text-of-a-document"
FILE_NAME, TEXT, REASON = "canary-in-a-name.pdf", "canary-in-a-request", "canary-in-a-reason"
WITNESS = "witness.example/w1"
STOP_LINK = re.compile(r"/stop/[0-9A-Z]{26}/[A-Za-z0-9_-]{43}")


@dataclass
class WatchedWorld(World):
    """A world whose callers plant what they prove themselves by, and note how they are refused."""

    canaries: Canaries = field(kw_only=True)

    def http(self) -> httpx.AsyncClient:
        """A client on the network; a fault of the server is an answer to it, as it is there."""
        client = super().http()
        client._transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        client.event_hooks = {"request": [self._called], "response": [self._answered]}
        return client

    async def _called(self, request: httpx.Request) -> None:
        for name, header in (("the DPoP proofs", "DPoP"), ("the access tokens", "Authorization")):
            signed, _, signature = request.headers.get(header, "").rpartition(".")
            if signed:
                self.canaries.plant_all(name, signature)

    async def _answered(self, response: httpx.Response) -> None:
        if response.status_code >= 400:
            told = "\n".join(f"{name}: {value}" for name, value in response.headers.items())
            self.canaries.note("refusals", told.encode() + b"\n\n" + await response.aread())


@contextmanager
def planted_by_phones(canaries: Canaries) -> Iterator[None]:
    """Let phones plant all that they seal: proofs of PINs, shares of keys, what is made of passwords."""
    seal = jose.seal

    def seal_planted(plaintext: dict[str, Any], *more: Any) -> str:
        for name, value in [*plaintext.items(), *plaintext.get("shares", {}).items()]:
            if isinstance(value, str):
                canaries.plant(f"sealed {name}: {value[:8]}", base64.urlsafe_b64decode(value + "=="))
        return seal(plaintext, *more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jose, "seal", seal_planted)
        yield


class Flow:
    """The flow; its verbs are called in their order. ended: the transactions of which there is evidence."""

    def __init__(self, world: WatchedWorld, witness: Ed25519PrivateKey) -> None:
        self.world = world
        self.canaries = world.canaries
        self.pin = PIN
        self.witness = witness
        self.ended: list[str] = []
        self.for_application: list[str] = []
        self.application: Application
        self.alice: Signer
        self.second: Phone

    async def run(self) -> None:
        """All of it."""
        for name, value in (("PIN", PIN), ("new PIN", NEW_PIN), ("PIN that was guessed", GUESSED_PIN)):
            self.canaries.plant(f"the {name}", value)
        for name, value in (("", PASSWORD), (", the new one", NEW_PASSWORD), (", guessed", GUESSED_PASSWORD)):
            self.canaries.plant(f"the key's password{name}", value)
        self.application = await self.world.application()
        self.canaries.plant("the client secret", self.application.secret)
        await self.enrol_and_make_a_key()
        await self.join_a_second_phone()
        await self.sign_and_decline()
        await self.change_what_opens_the_key()
        await self.lock_a_phone()
        await self.cosign()
        await self._plant_stop_links()

    async def enrol_and_make_a_key(self) -> None:
        user = await self.world.user(email="canary-of-a-mailbox@example.org")
        phone = await self._phone(user, wrong=True)
        asked = await self.application.post("/v1/credentials", {"user": user.login, "key_type": "P-256"})
        self.alice = Signer(user, phone, asked["id"], asked)
        await self._confirm(await phone.show(asked["transaction_id"]))

    async def join_a_second_phone(self) -> None:
        self.second = await self._phone(self.alice.user)
        phone = self.alice.phone
        await self._confirm(await phone.show(await phone.share(await self.second.share_code())))
        self.world.clock.move(HOUR)
        await self.application.log_in()
        assert await self.second.take_shares() == [self.alice.credential_id]

    async def sign_and_decline(self) -> None:
        shown = await self._asked()
        await self._refused(shown, misbehave=Misbehaviour(wrong_share=True))
        await self._refused(await self._asked(), pin=GUESSED_PIN)
        await self._confirm(await self._asked())
        await self._confirm(await self.alice.phone.show((await self.application.ask_hashes(self.alice, HASH))["id"]))
        declined = await self._asked()
        assert await self.alice.phone.decline(declined, REASON) == "declined"
        self.ended.append(declined.id)
        self.for_application = [self.ended[-3], declined.id]

    async def change_what_opens_the_key(self) -> None:
        key = {"credential": self.alice.credential_id}
        await self._change("password", key, new_key_password=PASSWORD)
        await self._refused(await self._asked(), key_password=GUESSED_PASSWORD)
        await self._confirm(await self._asked(), key_password=PASSWORD)
        await self._change("password", key, key_password=PASSWORD, new_key_password=NEW_PASSWORD)
        await self._change("relock", key, key_password=NEW_PASSWORD)
        await self._change("pin", {}, new_pin=NEW_PIN)
        self.pin = NEW_PIN

    async def revoke(self) -> None:
        """Give the key up."""
        await self._change("revoke", {"credential": self.alice.credential_id, "reason": "superseded"}, self.pin)
        await self._plant_stop_links()

    async def lock_a_phone(self) -> None:
        """Three wrong PINs in a row, and then the right one: too late."""
        for pin in (GUESSED_PIN, GUESSED_PIN, GUESSED_PIN, PIN):
            wish = await self.second.change("pin") if pin == GUESSED_PIN else None
            with pytest.raises(PhoneError):
                await self.second.confirm(await self.second.show(wish or ""), pin, new_pin=NEW_PIN)
        assert "device.locked" in await self.world.tells(f"device:{self.second.kept().device}")

    async def cosign(self) -> None:
        """A witness sees the log's newest checkpoint."""
        await self.world.seal()
        note, now = Note.read(await self.world.services.log.checkpoint()), self.world.clock.now()
        key = witness_key(self.witness)
        value = int(now.timestamp()).to_bytes(8) + self.witness.sign(cosigned_message(now, note.text))
        line = SignatureLine(key.name, key.id, value)
        async with self.world.http() as http:
            seen = Note(note.text, (line,)).written
            told = await http.post("/log/cosignatures", content=seen, headers={"Content-Type": "text/plain"})
        assert told.json()["witnesses"] == [WITNESS]

    async def _phone(self, user: Any, *, wrong: bool = False) -> Phone:
        """Invite and enrol a phone, after somebody guessed the code."""
        qr, code = await self.world.invite(user)
        letter = next(path for path in await self.world.letters() if code.encode() in readable(path))
        self._plant_code(code, EnrolmentId(qr.partition("&e=")[2].partition("&")[0]), letter.name)
        if wrong:
            self.canaries.plant("a code that was guessed", GUESSED_CODE)
            with pytest.raises(PhoneError):
                await self.world.new_phone().enrol(qr, GUESSED_CODE, GUESSED_PIN)
        phone = self.world.new_phone()
        await phone.enrol(qr, code, PIN)
        return phone

    def _plant_code(self, code: str, id: EnrolmentId, letter: str) -> None:
        plain = code.replace("-", "")
        self.canaries.plant(f"an activation code of {id}", code, letter)
        self.canaries.plant(f"an activation code of {id} without hyphens", plain)
        self.canaries.plant(f"what is made of the activation code of {id}", rules.secret_of(plain, id))

    async def _plant_stop_links(self) -> None:
        """Plant what each letter about a phone may be answered by."""
        for letter in await self.world.letters():
            for link in stop_links(letter):
                name = f"the stop link {link[:40]}"
                self.canaries.plant(name, link.rpartition("/")[2], letter.name, *self.canaries.home.get(name, ()))

    async def _asked(self) -> Shown:
        """Be asked to sign a document."""
        pdf = raw_pdf(more=b"4 0 obj\n<</Canary(%s)>>\nendobj\n" % IN_DOCUMENT.encode())
        document = await self.application.upload(pdf, FILE_NAME)
        wish = {"credential_id": self.alice.credential_id, "text": TEXT, "documents": [{"id": document["id"]}]}
        return await self.alice.phone.show((await self.application.post("/v1/signatures", wish))["id"])

    async def _change(self, action: str, about: dict[str, str], pin: str = PIN, **typed: Any) -> None:
        phone = self.alice.phone
        await self._confirm(await phone.show(await phone.change(action, **about)), pin, **typed)

    async def _confirm(self, shown: Shown, pin: str = PIN, **typed: Any) -> None:
        await self.alice.phone.confirm(shown, pin, **typed)
        await self.world.settle()
        assert await self.alice.phone.state(shown.id) == "signed"
        self.ended.append(shown.id)

    async def _refused(self, shown: Shown, pin: str = PIN, **wrong: Any) -> None:
        with pytest.raises(PhoneError):
            await self.alice.phone.confirm(shown, pin, **wrong)
        await self.world.settle()


def stop_links(letter: Path) -> list[str]:
    """The paths of the links in a letter that stop a phone."""
    body = message_from_bytes(letter.read_bytes(), policy=default).get_body()
    return STOP_LINK.findall(str(body.get_content())) if body else []


def witness_key(witness: Ed25519PrivateKey) -> VerifierKey:
    """A witness as the operator names it."""
    return VerifierKey(WITNESS, COSIGNATURE, witness.public_key().public_bytes_raw())
