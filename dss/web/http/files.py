"""Downloads: a file, whole."""

from starlette.responses import FileResponse
from starlette.types import Receive, Scope, Send

PARTIAL = {b"range", b"if-range"}


class WholeFile(FileResponse):
    """A file that is given whole: a server may ignore a range that is asked for (RFC 9110 section 14.2).

    What a phone hashes and an application keeps is the file, and partial answers would be forms beyond the contract.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as if no range had been asked for."""
        headers = [(name, value) for name, value in scope["headers"] if name not in PARTIAL]
        await super().__call__({**scope, "headers": headers}, receive, send)
