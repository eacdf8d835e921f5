"""The demo's last step: evidence that a stranger checks with the server switched off, and the log against a copy."""

import time
from pathlib import Path

import httpx

from deploy.demo.programs import ProgramFailed
from deploy.demo.relying_application import RelyingApplication
from deploy.demo.story import Signed, Story

SOON_S = 15


class Proof:
    """What is kept while the server runs, and checked when it does not."""

    def __init__(self, story: Story, application: RelyingApplication, signed: Signed) -> None:
        self._story = story
        self._screen = story.screen
        self._application = application
        self.signed = signed
        self._checkpoint = story.folder / "checkpoint.txt"
        self.evidence = _record_of(signed)
        self._log_key = signed.file.with_name("log.key")
        self._report = signed.file.with_suffix(".report.pdf")

    @property
    def command(self) -> tuple[str, ...]:
        """What a stranger types to verify the record, after `dss`; the log's key lies beside it."""
        return ("evidence", "verify", str(self.evidence), *self._trust, "--document", str(self.signed.file))

    def keep_checkpoint(self) -> None:
        """Keep the log's newest checkpoint, as an auditor would who reads it by mail each morning."""
        answer = httpx.get(f"{self._story.installation.url}/log/checkpoint").raise_for_status()
        self._checkpoint.write_bytes(answer.content)

    def collect(self, leaf: Signed) -> None:
        """Collect the record and the report, and the record of one document of a batch. Raises ProgramFailed."""
        self._collect(self.signed)
        self._report.write_bytes(self._application.report(self.signed.id).raise_for_status().content)
        self._screen.fact(f"and the same for people, {self._report.name}")
        self._collect(leaf)

    def verify(self, leaf: Signed) -> None:
        """Verify the records offline, with the kept checkpoint; and see that one changed byte is refused."""
        here = self._story.installation
        self._log_key.write_text(here.dss("audit", "log-key"))
        words = here.dss(*self.command)
        self._screen.fact("dss evidence verify, the server being off, says (also in ru, uk, ro):")
        self._screen.quote(words.strip())
        self._verify_leaf(leaf)
        forged = self._story.folder / "forged.evidence.json"
        forged.write_bytes(_with_one_byte_changed(self.evidence.read_bytes()))
        try:
            here.dss("evidence", "verify", str(forged), *self._trust)
        except ProgramFailed as refusal:
            self._screen.fact(f"one byte changed: {str(refusal).splitlines()[-1]}")
        else:
            raise ProgramFailed("a record with one byte changed was accepted")
        whole = here.dss("audit", "verify", "--log-key", str(self._log_key), "--checkpoint", str(self._checkpoint))
        self._screen.fact("dss audit verify, against the checkpoint that was kept:")
        self._screen.quote(whole.strip())

    def _collect(self, signed: Signed) -> None:
        kept = int(self._checkpoint.read_text().splitlines()[1])
        began = time.monotonic()
        while (answer := self._application.evidence(signed.id, kept, signed.index)).status_code == 202:
            if time.monotonic() > began + SOON_S:
                raise ProgramFailed(f"the log has not sealed the signature within {SOON_S} s")
            time.sleep(int(answer.headers["Retry-After"]))
        record = _record_of(signed)
        record.write_bytes(answer.raise_for_status().content)
        self._screen.fact(f"collected {record.name}, {record.stat().st_size} bytes")

    def _verify_leaf(self, leaf: Signed) -> None:
        command = ("evidence", "verify", str(_record_of(leaf)), *self._trust, "--document", str(leaf.file))
        words = self._story.installation.dss(*command).strip().splitlines()
        self._screen.fact(
            f"the same for {leaf.file.name} of the batch, which needs none of the others; its last words:"
        )
        self._screen.quote(words[-1])

    @property
    def _trust(self) -> tuple[str, ...]:
        root = self._story.installation.home / "root.pem"
        return ("--root", str(root), "--log-key", str(self._log_key), "--checkpoint", str(self._checkpoint))


def _record_of(signed: Signed) -> Path:
    return signed.file.with_suffix(".evidence.json")


def _with_one_byte_changed(record: bytes) -> bytes:
    middle = len(record) // 2
    return record[:middle] + bytes([record[middle] ^ 1]) + record[middle + 1 :]
