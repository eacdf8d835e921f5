"""The demo's step of many documents: two of them declined, the others signed, by one confirmation."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from deploy.demo import referees
from deploy.demo.contract import write_receipts
from deploy.demo.programs import ProgramFailed
from deploy.demo.relying_application import RelyingApplication
from deploy.demo.story import SIGNER, Signed, Story

COUNT, TOGETHER = 120, 8
DECLINED = (6, 41)
TEXT = "The receipts of all keys that were handed over. Leave out what is not right."
HEAD, TAIL = 14, 3  # lines of what the phone shows


class Batch:
    """A batch of receipts, from their upload to the signed files."""

    def __init__(self, story: Story, application: RelyingApplication, credential_id: str) -> None:
        self._story = story
        self.screen = story.screen
        self._application = application
        self._credential_id = credential_id
        self._folder = story.folder / "receipts"
        self._many = ThreadPoolExecutor(TOGETHER)

    def ask(self) -> str:
        """Upload the receipts and ask for all of them at once; return the signature. Raises Refused."""
        receipts = write_receipts(self._folder, COUNT, SIGNER)
        documents = list(self._many.map(self._application.upload, receipts))
        self.screen.fact(
            f"uploaded {COUNT} receipts, {TOGETHER} at a time; the application asks for all of them at once"
        )
        ids = [document["id"] for document in documents]
        opened = self._application.open_signature(self._credential_id, TEXT, *ids)
        asked = self._application.wait_until_asked(opened["id"])
        self.screen.fact(f"each was prepared ({opened['state']}), then the signer was asked ({asked['state']})")
        return str(opened["id"])

    def confirm(self, id: str) -> None:
        """Let the phone check all receipts, and confirm them but two. Raises ProgramFailed."""
        declined = ",".join(map(str, DECLINED))
        shown = self._story.phone.run("confirm", id, "--decline-document", declined)
        self.screen.phone(self._story.phone.title, _shortened(shown))

    def collect(self, id: str) -> Signed:
        """Collect the signed receipts and let pdfsig judge some; return one of them. Raises ProgramFailed, Refused."""
        results = self._application.results(id)
        signed = [result for result in results if result["state"] == "signed"]
        declined = [result for result in results if result["state"] == "declined"]
        if [result["index"] for result in declined] != list(DECLINED) or len(signed) != COUNT - len(DECLINED):
            raise ProgramFailed(f"of {COUNT} receipts {len(signed)} were signed, and {len(declined)} declined")
        files = list(self._many.map(partial(self._save, id), signed))
        left_out = " and ".join(result["name"] for result in declined)
        self.screen.fact(f"collected {len(files)} signed receipts; {left_out} were declined")
        middle = len(files) // 2
        self._judge(files[0], files[middle], files[-1])
        return Signed(id, files[middle], signed[middle]["index"])

    def _save(self, id: str, result: dict[str, Any]) -> Path:
        file = self._folder / f"{Path(result['name']).stem}-signed.pdf"
        file.write_bytes(self._application.collect(id, result["index"]).raise_for_status().content)
        return file

    def _judge(self, *files: Path) -> None:
        for file in files:
            verdict = referees.ask_pdfsig(file, self._story.installation.home / "root.pem", self._story.folder / "nss")
            if not verdict.is_good:
                raise ProgramFailed(f"pdfsig does not accept {file}:\n{verdict.words}")
        self.screen.fact(f"pdfsig: {', '.join(file.name for file in files)} are valid and trusted")


def _shortened(shown: str) -> str:
    lines = shown.splitlines()
    between = f"  ... {len(lines) - HEAD - TAIL} lines more of the other receipts ..."
    return "\n".join([*lines[:HEAD], between, *lines[-TAIL:]])
