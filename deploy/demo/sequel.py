"""The demo's last two steps: a second phone, and a key that its owner revokes."""

import time
from pathlib import Path

from deploy.demo import referees
from deploy.demo.programs import NEW_PHONE_WAIT_S, Phone, ProgramFailed
from deploy.demo.relying_application import RelyingApplication
from deploy.demo.story import Story

SECOND_PIN = "314159"
SOON_S = 30


class Sequel:
    """Goes on where the story's document was signed: with the same signer and the same relying application."""

    def __init__(self, story: Story, application: RelyingApplication) -> None:
        self._story = story
        self.screen = story.screen
        self._application = application
        self._second = Phone("the second phone", story.folder / "second-phone", SECOND_PIN)

    def enrol_second_phone(self) -> None:
        """Enrol a second phone: the first one is told, and it waits. Raises ProgramFailed."""
        invitation = self._story.invite("second-letter.pdf")
        letters = ("--qr", str(invitation.qr_sheet), "--code-letter", str(invitation.code_letter))
        self._second.run("enrol", *letters, "--name", "Anna's tablet")
        told = self._story.phone.run("phones")
        self.screen.fact(f"two new letters; the second phone enrolled, and waits {NEW_PHONE_WAIT_S} s (else an hour)")
        self.screen.phone("the first phone", told)

    def share(self) -> None:
        """Let the first phone scan the second one's QR, and hand it what unlocks the key. Raises ProgramFailed."""
        code = self._second.run_json("share-code")["share_code"]
        self.screen.phone("the first phone", self._story.phone.run("share", code))
        self._wait_until_active()
        (credential,) = self._second.run_json("take-shares")["credentials"]
        self.screen.fact(f"its waiting time over, the second phone took its share of key {credential}")

    def sign(self, credential_id: str, pdf: Path) -> None:
        """Let the second phone confirm a document alone. Raises ProgramFailed."""
        document = self._application.upload(pdf)
        signature = self._story.ask(self._application, credential_id, document["id"], ("confirm",), self._second)
        if signature["state"] != "signed":
            raise ProgramFailed(f"the second phone's signature is {signature['state']}: {signature.get('reason')}")
        self.screen.fact("the second phone confirmed a signature with its own PIN, by the same key")

    def make_another_key(self) -> str:
        """Let the second phone confirm one more key, and return its credential. Raises ProgramFailed."""
        credential = self._story.request_key(self._application, self._second)
        self.screen.fact(f"the signer has a second key now: {credential['id']}")
        self._require(self._openssl(credential["id"]).is_good, "openssl does not accept the new certificate")
        self.screen.fact("openssl verify -crl_check: its certificate is good")
        return str(credential["id"])

    def revoke(self, credential_id: str) -> None:
        """Revoke a key on the phone that confirmed it. Raises ProgramFailed."""
        reason = ("--reason", "keyCompromise")
        revoked = self._second.run("change", "revoke", "--credential", credential_id, *reason)
        self.screen.phone(self._second.title, revoked)

    def show_it_is_dead(self, credential_id: str, pdf: Path) -> None:
        """Show that a revoked key signs nothing, and that everybody can see why. Raises ProgramFailed."""
        document = self._application.upload(pdf)
        refusal = self._application.ask_for_signature(credential_id, "One more, please.", document["id"])
        self._require(refusal.status_code == 409, f"a revoked key was answered by HTTP {refusal.status_code}")
        self.screen.fact(f"the application asks for a signature with it: HTTP 409, {refusal.json()['detail']}")
        deadline = time.monotonic() + SOON_S
        while (verdict := self._openssl(credential_id)).is_good:
            self._require(time.monotonic() < deadline, f"the certificate is not listed within {SOON_S} s")
            time.sleep(0.2)
        self._require("certificate revoked" in verdict.words, f"openssl says:\n{verdict.words}")
        self.screen.fact("openssl verify -crl_check, with the list that the certificate names:")
        self.screen.quote(verdict.words)
        self.screen.phone("the first phone", self._story.phone.run("keys"))

    def _openssl(self, credential_id: str) -> referees.Verdict:
        here, credential = self._story.installation, self._application.wait_for_credential(credential_id)
        return referees.ask_openssl(credential, here.home / "root.pem", self._story.folder)

    def _wait_until_active(self) -> None:
        deadline = time.monotonic() + NEW_PHONE_WAIT_S + SOON_S
        while not self._second.is_active():
            self._require(time.monotonic() < deadline, "the second phone still waits")
            time.sleep(0.2)

    @staticmethod
    def _require(condition: bool, otherwise: str) -> None:
        if not condition:
            raise ProgramFailed(otherwise)
