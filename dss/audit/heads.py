"""The heads that a log's tree must have: those that its key signed, and those that witnesses cosigned."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncConnection

from dss.audit import log_pages, log_store
from dss.audit.checkpoint import cosigned_at, read_signed
from dss.audit.findings import Finding
from dss.audit.log_pages import CosignedNote
from dss.audit.merkle import Head
from dss.audit.note import Note, NoteRefused, VerifierKey

NEWEST, KEPT = "the newest checkpoint", "the kept checkpoint"


@dataclass(slots=True)
class Known:
    """Signed heads by what they are, and what is said to be one and is none.

    newest: the size of the newest checkpoint, None where there is no good one. cosigned: the newest size by witness.
    """

    heads: dict[str, Head] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    newest: int | None = None
    cosigned: dict[str, int] = field(default_factory=dict)

    def take(self, name: str, note: str, key: VerifierKey) -> None:
        """Take a checkpoint that the key signed; what is none is a finding."""
        try:
            self.heads[name] = read_signed(note, key).head
        except NoteRefused as fault:
            self.findings.append(Finding("checkpoint_refused", name, fault.detail))

    def take_cosigned(self, found: CosignedNote, key: VerifierKey, witness: VerifierKey) -> None:
        """Take a checkpoint that a witness cosigned."""
        name = f"the checkpoint that {witness.name} cosigned"
        try:
            note = Note.read(found.note + found.line.removesuffix("\n") + "\n")
            cosigned_at(note.lines[-1], witness, note.text)
        except NoteRefused as fault:
            self.findings.append(Finding("cosignature_refused", name, fault.detail))
            return
        self.take(name, found.note, key)
        if name in self.heads:
            self.cosigned[witness.name] = self.heads[name].size


async def known_heads(
    connection: AsyncConnection, key: VerifierKey, kept: str | None, witnesses: Sequence[VerifierKey]
) -> Known:
    """Return the newest checkpoint, the one that was kept elsewhere, and the newest of each witness."""
    known = Known()
    newest = await log_store.checkpoint(connection)
    if newest is not None:
        known.take(NEWEST, newest, key)
    if kept is not None:
        known.take(KEPT, kept, key)
    for witness in witnesses:
        found = await log_pages.newest_cosigned(connection, witness.name)
        if found is not None:
            known.take_cosigned(found, key, witness)
    head = known.heads.get(NEWEST)
    known.newest = None if head is None else head.size
    return known
