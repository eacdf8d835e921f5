"""The text of the QR on the requester's page, by which a phone opens a transaction.

Source: docs/device-protocol.md section 10.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import LARGEST_INTEGER, read_b64url

PREFIX = "dss-link:"
TEXT = re.compile(
    r"dss-link:v1\?u=(?P<u>[^&]{1,1000})&t=(?P<t>[0-9A-HJKMNP-TV-Z]{26})"
    r"&s=(?P<s>0|[1-9][0-9]{0,15})&a=(?P<a>[A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True, slots=True)
class LinkCode:
    """What the QR says: the server, the transaction, when the code was made, and the code.

    server: base URL without a slash at the end. time: whole seconds since 1970. code: base64url of 32 bytes, which
    only the server can check.
    """

    server: str
    transaction: str
    time: int
    code: str

    def text(self) -> str:
        """Return the QR's text."""
        return f"dss-link:v1?u={quote(self.server, safe='')}&t={self.transaction}&s={self.time}&a={self.code}"

    def body(self) -> dict[str, str | int]:
        """Return the body of the call that opens the transaction."""
        return {"transaction": self.transaction, "time": self.time, "code": self.code}


def read_link_code(text: str) -> LinkCode:
    """Read the text of a QR. Raises BadInput on every text that is not written exactly so."""
    match = TEXT.fullmatch(text)
    if match is None:
        raise BadInput("this is not the QR of a page that asks for a signature")
    try:
        code = LinkCode(unquote(match["u"], errors="strict"), match["t"], int(match["s"]), match["a"])
        read_b64url(code.code)
    except (UnicodeDecodeError, Difference) as fault:
        raise BadInput("the QR is damaged") from fault
    if code.text() != text or code.time > LARGEST_INTEGER:
        raise BadInput("the QR is not written in its one form")
    return code
