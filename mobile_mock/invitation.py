"""What the two letters of an enrolment carry: the QR's text, and the activation code.

Source: docs/device-protocol.md section 2.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from mobile_mock.errors import BadInput, Difference
from mobile_mock.forms import b64url, read_b64url

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_CHARACTERS = 16
LOOKALIKES = str.maketrans("OIL", "011")
PREFIX = "dss-enrol:"
TEXT = re.compile(r"dss-enrol:v1\?u=(?P<u>[^&]{1,1000})&e=(?P<e>[0-9A-HJKMNP-TV-Z]{26})&k=(?P<k>[A-Za-z0-9_-]{43})")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
RESERVED = (".localhost", ".test")  # names that no public server has, RFC 6761


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a QR says.

    server: base URL without a slash at the end. key_sha256: of the channel key's SubjectPublicKeyInfo, 32 bytes.
    """

    server: str
    enrolment: str
    key_sha256: bytes

    def text(self) -> str:
        """Return the QR's text."""
        return f"dss-enrol:v1?u={quote(self.server, safe='')}&e={self.enrolment}&k={b64url(self.key_sha256)}"


def read_invitation(text: str) -> Invitation:
    """Read the text of a QR. Raises BadInput on every text that is not written exactly so."""
    match = TEXT.fullmatch(text)
    if match is None:
        raise BadInput("this is not the QR of an enrolment")
    try:
        invitation = Invitation(unquote(match["u"], errors="strict"), match["e"], read_b64url(match["k"]))
    except (UnicodeDecodeError, Difference) as fault:
        raise BadInput("the QR is damaged") from fault
    if invitation.text() != text:
        raise BadInput("the QR is not written in its one form")
    _require_safe(invitation.server)
    return invitation


def normal_code(typed: str) -> str:
    """Return the 16 characters of an activation code, forgiving case, look-alikes, spaces and hyphens.

    Raises BadInput, which never repeats the code.
    """
    code = re.sub(r"[\s-]", "", typed).upper().translate(LOOKALIKES)
    if len(code) != CODE_CHARACTERS or not set(code) <= set(ALPHABET):
        raise BadInput(f"an activation code has {CODE_CHARACTERS} letters and digits, without U")
    return code


def _require_safe(server: str) -> None:
    try:
        url = urlsplit(server)
        host, _ = url.hostname, url.port
    except ValueError as fault:
        raise BadInput("the QR names no server") from fault
    if url.scheme not in {"http", "https"} or not host or url.username or url.query or url.fragment:
        raise BadInput("the QR names no server")
    if not server.isascii() or any(c.isspace() for c in server) or server.endswith("/"):
        raise BadInput("the address of the server in the QR is not in its one form")
    if url.scheme == "http" and host not in LOOPBACK and not host.endswith(RESERVED):
        # The documents that the phone fetches are not sealed to it: only TLS hides them on the way.
        raise BadInput("the QR names a server without TLS that is not on this machine")
