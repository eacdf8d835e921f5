"""The demo's step in a browser: the signer signs in, allows one signature, and confirms it on the phone."""

from pathlib import Path

from deploy.demo import referees
from deploy.demo.browser import Browser
from deploy.demo.code_client import CodeClient
from deploy.demo.programs import ProgramFailed
from deploy.demo.relying_application import RelyingApplication
from deploy.demo.story import TEXT, Story, newest

PASSWORD = "Linden-Street-14"  # noqa: S105  the demo's own


class BrowserWay:
    """How an application that knows no key and no login of the signer gets a signature."""

    def __init__(self, story: Story, application: RelyingApplication) -> None:
        self._story = story
        self.screen = story.screen
        self._phone = story.phone
        self._application = application
        self._code = CodeClient(application.client)
        self._browser = Browser(story.installation.url)

    def set_password(self) -> None:
        """Let the signer set a password by the link of a letter. Raises ProgramFailed."""
        link = self._story.ask_for_password()
        self._browser.open(link).press("Set the password", password=PASSWORD, repeated=PASSWORD)
        self.screen.fact("the signer set a password by the link of a letter")

    def sign(self, pdf: Path) -> Path:
        """Have a document signed by way of the signer's browser; return the file. Raises ProgramFailed, Refused."""
        document = self._application.upload(pdf)
        named = {"id": document["id"], "sha256": document["sha256"]}
        detail = {"type": "signature", "text": TEXT, "verification": "choose", "documents": [named]}
        address = self._code.push(detail)
        self.screen.fact(f"the application pushed its request, and sends the signer's browser to {address[:60]}…")
        self._sign_in(address)
        self._allow()
        id = self._code.redeem(self._browser.answer)
        self.screen.fact("the browser came back with a code; the token for it is bound to the application's key (DPoP)")
        signed = self._story.folder / f"{pdf.stem}-by-browser.pdf"
        signed.write_bytes(self._code.collect(id).raise_for_status().content)
        refused = self._code.collect_without_key(id).status_code
        if refused != 401:
            raise ProgramFailed(f"a token without its key was answered by {refused}")
        self.screen.fact(f"collected {signed.name} by it; the token without the key is refused: HTTP {refused}")
        return signed

    def judge(self, signed: Path) -> None:
        """Let pdfsig judge. Raises ProgramFailed unless it says valid and trusted."""
        verdict = referees.ask_pdfsig(signed, self._story.installation.home / "root.pem", self._story.folder / "nss")
        if not verdict.is_good:
            raise ProgramFailed(f"pdfsig does not accept {signed}:\n{verdict.words}")
        self.screen.fact("pdfsig: valid and trusted")

    def _sign_in(self, address: str) -> None:
        """Sign in by password and phone, on the way to what the application asks for."""
        listening = self._story.listen(self._phone)
        self._browser.open(address).press("Continue", login=self._story.login, password=PASSWORD)
        self.screen.fact(f"signed in by the password; the page says “{self._browser.page.title}”")
        self.screen.phone(self._phone.title, self._phone.run("confirm", newest(listening)))
        self._browser.wait()

    def _allow(self) -> None:
        """Consent to the signature, and choose on the phone the number that the page shows."""
        self.screen.fact(f"the page asks “{self._browser.page.title}” and shows the document; the signer consents")
        listening = self._story.listen(self._phone)
        page = self._browser.press("Ask my phone").page
        chosen = ("--number", page.number)
        self.screen.fact(f"the page says “{page.title}” and shows the number {page.number}")
        self.screen.phone(self._phone.title, self._phone.run("confirm", newest(listening), *chosen))
        self._browser.wait()
