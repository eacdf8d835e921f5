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
JUDGED = (0, 77, 119)
PROVEN = 77
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
        declined = tuple(result["index"] for result in results if result["state"] == "declined")
        signed = [result for result in results if result["state"] == "signed"]
        if declined != DECLINED or len(signed) != COUNT - len(DECLINED):
            raise ProgramFailed(f"{len(signed)} of {COUNT} receipts were signed, and declined were {declined}")
        files = dict(
            zip((result["index"] for result in signed), self._many.map(partial(self._save, id), signed), strict=True)
        )
        self.screen.fact(f"collected {len(files)} signed receipts; {' and '.join(left_out)} were declined")
        for index in JUDGED:
            self._judge(files[index])
        self.screen.fact(f"pdfsig: {', '.join(files[index].name for index in JUDGED)} are valid and trusted")
        return Signed(id, files[PROVEN], PROVEN)

    def _save(self, id: str, result: dict[str, Any]) -> Path:
        file = self._folder / f"{Path(result['name']).stem}-signed.pdf"
        file.write_bytes(self._application.collect(id, result["index"]).raise_for_status().content)
        return file

    def _judge(self, file: Path) -> None:
        verdict = referees.ask_pdfsig(file, self._story.installation.home / "root.pem", self._story.folder / "nss")
        if not verdict.is_good:
            raise ProgramFailed(f"pdfsig does not accept {file}:\n{verdict.words}")


def _shortened(shown: str) -> str:
    lines = shown.splitlines()
    between = f"  ... {len(lines) - HEAD - TAIL} lines more of the other receipts ..."
    return "\n".join([*lines[:HEAD], between, *lines[-TAIL:]])
