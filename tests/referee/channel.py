"""The server's word for its channel key (docs/evidence.md sections 1a and 2, step 6)."""

from tests.referee.notes import LogKey, Note
from tests.referee.refusing import require

FIRST_LINE = "dss-channel-key/v1"


def require_stated(written: str, key: LogKey, server: str, thumbprint: str) -> None:
    """Check that the log's key signed that this channel key is this server's; server: its base URL."""
    note = Note.read(written)
    require(len(note.lines) == 1, "the statement of the channel key has lines of others")
    note.require_signed_by(key)
    lines = note.text.split("\n")
    require(lines == [FIRST_LINE, key.name, server, thumbprint, ""], "the statement is of another channel key")
