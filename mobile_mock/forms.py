"""The forms of the protocol's values: base64url, canonical JSON, times and bindings; one text for one value.

Every reader raises Difference on a text that its writer would not have written.
Source: docs/device-protocol.md section 1; RFC 7515 section 2, RFC 8785, RFC 3339.
"""

import base64
import binascii
import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from mobile_mock.errors import Difference

LARGEST_INTEGER = 2**53 - 1
DEEPEST = 32
TIME = "%Y-%m-%dT%H:%M:%SZ"


def b64url(value: bytes) -> str:
    """Write bytes as base64url without padding."""
    return base64.urlsafe_b64encode(value).decode("ascii").rstrip("=")


def read_b64url(text: str) -> bytes:
    """Read base64url without padding."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        value = base64.b64decode(padded, altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as fault:
        raise Difference("not base64url") from fault
    if b64url(value) != text:
        raise Difference("not base64url in its one form")
    return value


def canonical(value: Any) -> bytes:
    """Write a JSON value in its canonical form; numbers are integers of at most 53 bits. Raises ValueError."""
    text = json.dumps(_ordered(value, DEEPEST), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8")


def read_canonical(text: bytes) -> Any:
    """Read canonical JSON."""
    try:
        value = json.loads(text.decode("utf-8"))
        again = canonical(value)
    except (ValueError, RecursionError) as fault:
        raise Difference("not canonical JSON") from fault
    if again != text:
        raise Difference("JSON, but not in its canonical form")
    return value


def _ordered(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError(f"nested deeper than {DEEPEST}")
    if isinstance(value, dict):
        # RFC 8785 section 3.2.3: members stand in the order of their UTF-16 code units.
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _ordered(value[name], depth - 1) for name in names}
    if isinstance(value, list):
        return [_ordered(item, depth - 1) for item in value]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) > LARGEST_INTEGER):
        raise ValueError("a number is an integer of at most 53 bits")
    return value


def time_text(moment: datetime) -> str:
    """Write a time in UTC, whole seconds."""
    return moment.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def read_time(text: str) -> datetime:
    """Read a time in UTC, whole seconds."""
    try:
        moment = datetime.strptime(text, TIME).replace(tzinfo=UTC)
    except ValueError as fault:
        raise Difference("not a time in UTC, whole seconds, ending in Z") from fault
    if time_text(moment) != text:
        raise Difference("not a time in its one form")
    return moment


def sha256(value: bytes) -> bytes:
    """Return the SHA-256 of bytes, raw."""
    return hashlib.sha256(value).digest()


def binding(label: str, payload: bytes) -> bytes:
    """Return the hash that ties an answer to the payload of a server's JWS, 32 bytes."""
    return sha256(label.encode("ascii") + b"\x00" + payload)
