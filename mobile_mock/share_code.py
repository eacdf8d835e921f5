"""The text of the QR by which a new phone asks an old one for its shares.

Source: docs/device-protocol.md section 7.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import read_b64url

TEXT = re.compile(
    r"dss-share:v1\?u=(?P<u>[^&]{1,1000})&p=(?P<p>[0-9A-HJKMNP-TV-Z]{26})"
    r"&s=(?P<s>[A-Za-z0-9_-]{43})&e=(?P<e>[A-Za-z0-9_-]{43})"
)


@dataclass(frozen=True, slots=True)
class ShareCode:
    """What the QR says: the server, the new phone's id, and the thumbprints of its two keys."""

    server: str
    phone: str
    signature: str
    encryption: str

    def text(self) -> str:
        """Return the QR's text."""
        address = quote(self.server, safe="")
        return f"dss-share:v1?u={address}&p={self.phone}&s={self.signature}&e={self.encryption}"


def read_share_code(text: str) -> ShareCode:
    """Read the text of a QR. Raises BadInput on every text that is not written exactly so."""
    match = TEXT.fullmatch(text)
    if match is None:
        raise BadInput("this is not the QR of a phone that asks for shares")
    try:
        code = ShareCode(unquote(match["u"], errors="strict"), match["p"], match["s"], match["e"])
        for thumbprint in (code.signature, code.encryption):
            read_b64url(thumbprint)
    except (UnicodeDecodeError, Difference) as fault:
        raise BadInput("the QR is damaged") from fault
    if code.text() != text:
        raise BadInput("the QR is not written in its one form")
    return code
