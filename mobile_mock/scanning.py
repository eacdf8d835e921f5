"""Scanning what a requester's page shows: the text out of a picture, and opening the transaction that it names.

Source: docs/device-protocol.md sections 10 and 12.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from mobile_mock import link_code, offline_code, pictures
from mobile_mock.enrolled import Enrolled
from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import b64url, read_b64url
from mobile_mock.link_code import LinkCode, read_link_code
from mobile_mock.members import Members

LINKS = "/device/v1/links"
PREFIXES = (link_code.PREFIX, offline_code.PREFIX)


def text_in(source: str) -> str:
    """Return what a source says: the text of a code itself, or of the one code in a picture's file. Raises BadInput."""
    if source.startswith(PREFIXES):
        return source
    return text_of(pictures.read_file(Path(source)))


def text_of(content: bytes) -> str:
    """Return the text of the one code in a picture, or the text itself, on one line. Raises BadInput."""
    if not pictures.is_picture(content):
        return content.decode("utf-8", errors="replace").strip()
    wanted = {text for text in pictures.qr_texts(pictures.read_picture(content)) if text.startswith(PREFIXES)}
    if len(wanted) != 1:
        raise BadInput(f"the picture shows {len(wanted)} codes of a requester's page instead of one")
    return wanted.pop()


@dataclass(frozen=True, slots=True)
class Mischief:
    """What a tester wants done wrong with a scanned code.

    after: seconds to wait before it is sent. forge: send another code in its place. again: seconds after which the
    same code is sent a second time, None where it is not.
    """

    after: float = 0.0
    forge: bool = False
    again: float | None = None

    def says(self) -> list[str]:
        """Return what it does, a sentence each."""
        sentences = {
            f"sends the code {self.after:g} s late": self.after > 0,
            "sends a forged code": self.forge,
            f"sends the code a second time after {self.again or 0:g} s": self.again is not None,
        }
        return [sentence for sentence, done in sentences.items() if done]


PROMPT = Mischief()


class Scanner(Enrolled):
    """The verb that opens a transaction by a code of the requester's page."""

    async def scan(self, text: str, wrong: Mischief = PROMPT) -> str:
        """Open the transaction of a link code on this phone, and return its id: to be shown like any other."""
        code = read_link_code(text)
        if code.server != self._store.load().server:
            raise BadInput("the QR is of another server than this phone's")
        if wrong.forge:
            code = _forged(code)
        if wrong.after:
            await self._sleep(wrong.after)
        id = await self._send(code)
        if wrong.again is not None:
            await self._sleep(wrong.again)
            await self._send(code)
        return id

    async def _send(self, code: LinkCode) -> str:
        reply = Members(await self._link.server.post(LINKS, code.body()), "the reply", ("transaction",))
        if reply.id("transaction") != code.transaction:
            raise Difference("the server opens another transaction than the one that was scanned")
        return code.transaction


def _forged(code: LinkCode) -> LinkCode:
    right = read_b64url(code.code)
    return replace(code, code=b64url(bytes([right[0] ^ 1]) + right[1:]))
