"""The demo's first six steps, from an empty folder to a signed PDF that outside referees trust."""

import json
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from joserfc.jwk import ECKey, KeySet

from deploy.demo import referees
from deploy.demo.code_client import CALLBACK
from deploy.demo.letters import Invitation, Mailbox
from deploy.demo.programs import SERVE_PORT, Installation, Phone, ProgramFailed
from deploy.demo.relying_application import ClientKey, RelyingApplication
from deploy.demo.screen import Screen

GIVEN_NAME, SURNAME = "Anna", "Jensen"
SIGNER = f"{GIVEN_NAME} {SURNAME}"
TEXT = "Please read this document, and sign it if you agree."
REASON = "not the rent we agreed on"
PIN = "271828"
GRANTS = ("client_credentials", "authorization_code")
SCOPES = ("signatures", "credentials", "credential")  # its own, and that of one signature which a signer authorized


@dataclass(frozen=True)
class Signed:
    """A signature by its id, and the signed file; index: which of a batch it is."""

    id: str
    file: Path
    index: int | None = None


class Story:
    """Tells the demo; each method is a step or a part of one.

    Every run has an application and a signer of its own, and a new folder for what comes of it.
    """

    def __init__(self, installation: Installation, screen: Screen) -> None:
        self.installation = installation
        self.screen = screen
        run = f"{datetime.now(UTC):%y%m%d-%H%M%S}"
        self.login, self._application = f"anna-{run}", f"Northern Homes {run}"
        self.folder = installation.home / "demo" / self.login
        self.phone = Phone("the phone", self.folder / "phone", PIN)
        self._mailbox = Mailbox(installation.home / "spool", f"{self.login}@example.com")
        self.background = ThreadPoolExecutor(2)

    def set_up(self) -> None:
        """Make what is missing of the server's folder: settings, tokens, keys, database and CA."""
        # Lasting settings are those of `make serve`, whichever port this demo's server finds free.
        for line in self.installation.dss("init", "--public-url", f"http://127.0.0.1:{SERVE_PORT}").splitlines():
            if line:
                self.screen.fact(line)
        self.folder.mkdir(parents=True)

    def register(self) -> tuple[RelyingApplication, Invitation]:
        """Register a relying application by its public key, and a signer, who is sent two letters."""
        here = self.installation
        key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
        jwks = self.folder / "application-jwks.json"
        jwks.write_text(json.dumps(KeySet([key]).as_dict(private=False)))
        ways = [part for grant in GRANTS for part in ("--grant", grant)]
        scopes = [part for scope in SCOPES for part in ("--scope", scope)]
        who = ("--name", self._application, "--jwks", str(jwks), "--redirect-uri", CALLBACK, "--par")
        client = here.dss_json("client", "register", *who, *ways, *scopes)
        self.screen.fact(f"relying application {self._application}: OAuth client {client['id']}, private_key_jwt")
        email = self._mailbox.recipient
        person = ("--login", self.login, "--email", email, "--given-name", GIVEN_NAME, "--surname", SURNAME)
        here.dss("user", "register", *person, "--country", "NL")
        invitation = self.invite("letter.pdf")
        self.screen.fact(f"signer {SIGNER}, login {self.login}, and two letters to {email}:")
        self.screen.fact(f"  the QR        {invitation.qr_letter.name}")
        self.screen.fact(f"  the code      {invitation.code_letter.name}")
        return RelyingApplication(ClientKey(here.url, client["id"], key)), invitation

    def invite(self, sheet: str) -> Invitation:
        """Send the signer the two letters of an enrolment. Raises ProgramFailed.

        sheet: the name of the file for the QR's sheet.
        """
        self.installation.dss("user", "enrol", self.login)
        return self._mailbox.wait_for_invitation(self.folder / sheet)

    def ask_for_password(self) -> str:
        """Send the signer the letter by which a password is set, and return its link. Raises ProgramFailed."""
        self.installation.dss("user", "letter-password", self.login)
        return self._mailbox.wait_for_link()

    def enrol(self, invitation: Invitation) -> None:
        """Let the phone read the QR from the printed sheet and the code from the other letter, and enrol."""
        letters = ("--qr", str(invitation.qr_sheet), "--code-letter", str(invitation.code_letter))
        self.phone.run("enrol", *letters, "--name", "Anna's phone")
        self.screen.fact("the phone read the QR from the PDF letter and the code from the other one, and enrolled")

    def make_credential(self, application: RelyingApplication) -> str:
        """Let the phone confirm a new key, and return the credential that came of it. Raises ProgramFailed."""
        credential = self.request_key(application, self.phone)
        self.screen.fact(f"key made in the HSM, wrapped, locked under the phone's share: {credential['key_type']}")
        self.screen.fact(f"certificate for {credential['subject']}, until {credential['not_after']}")
        return str(credential["id"])

    def request_key(self, application: RelyingApplication, phone: Phone) -> dict[str, Any]:
        """Ask for a new key while a phone listens, let it confirm, and return the credential. Raises ProgramFailed."""
        listening = self.listen(phone)
        wanted = application.request_credential(self.login)
        transaction = newest(listening)
        waiting = self.background.submit(application.wait_for_credential, wanted["id"])
        self.screen.phone(phone.title, phone.run("confirm", transaction))
        credential = waiting.result()
        if credential["state"] != "active":
            raise ProgramFailed(f"the credential is {credential['state']}: {credential.get('reason')}")
        return credential

    def sign(self, application: RelyingApplication, credential_id: str, pdf: Path) -> Signed:
        """Let the phone confirm a document, and return what came of it. Raises ProgramFailed."""
        document = application.upload(pdf)
        self.screen.fact(f"uploaded {document['name']}: {document['size']} bytes, SHA-256 {document['sha256']}")
        signature = self.ask(application, credential_id, document["id"], ("confirm",), self.phone)
        if signature["state"] != "signed":
            raise ProgramFailed(f"the signature is {signature['state']}: {signature.get('reason')}")
        signed = self.folder / f"{pdf.stem}-signed.pdf"
        signed.write_bytes(application.collect(signature["id"]).raise_for_status().content)
        self.screen.fact(f"confirmed with the PIN; collected {signed.name}, {signed.stat().st_size} bytes")
        return Signed(signature["id"], signed)

    def judge(self, signed: Path) -> None:
        """Let the outside referees judge. Raises ProgramFailed unless both say valid and trusted."""
        root = self.installation.home / "root.pem"
        for name, verdict in (
            ("pdfsig", referees.ask_pdfsig(signed, root, self.folder / "nss")),
            ("pyHanko", referees.ask_pyhanko(signed, root)),
        ):
            if not verdict.is_good:
                raise ProgramFailed(f"{name} does not accept {signed}:\n{verdict.words}")
            self.screen.fact(f"{name}: valid and trusted")
            self.screen.quote(verdict.words)

    def decline(self, application: RelyingApplication, credential_id: str, pdf: Path) -> None:
        """Decline the same document: no signature comes of it, and the application is told. Raises ProgramFailed."""
        document = application.upload(pdf)
        answer = ("decline", "--reason", REASON)
        signature = self.ask(application, credential_id, document["id"], answer, self.phone)
        collected = application.collect(signature["id"])
        if signature["state"] != "declined" or collected.is_success:
            raise ProgramFailed(f"a declined document came to {signature['state']}, HTTP {collected.status_code}")
        told = f"the application is told “{signature['reason']}”, and HTTP {collected.status_code} where it collects"
        self.screen.fact(f"declined on the phone: no signature; {told}")

    def ask(
        self,
        application: RelyingApplication,
        credential_id: str,
        document_id: str,
        answer: tuple[str, ...],
        phone: Phone,
    ) -> dict[str, Any]:
        """Open a signature while a phone listens, answer it there while the application waits."""
        listening = self.listen(phone)
        opened = application.open_signature(credential_id, TEXT, document_id)
        waiting = self.background.submit(application.wait_for_signature, opened["id"])
        transaction = newest(listening)
        verb, *options = answer
        self.screen.phone(phone.title, phone.run(verb, transaction, *options))
        return waiting.result()

    def listen(self, phone: Phone) -> "Future[Any]":
        """Let a phone wait for a request."""
        return self.background.submit(phone.run_json, "list", "--wait", "30")


def newest(listening: "Future[Any]") -> str:
    """Return the request that a phone waited for. Raises ProgramFailed."""
    return str(listening.result()["id"])
