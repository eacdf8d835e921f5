"""What the server and its document child say to each other over pipes: a header in canonical JSON and a body of bytes.

Each is a frame: four bytes of length, big-endian, and the content. The server trusts nothing in an answer.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, BinaryIO

from dss.documents.model import Completing, Place, PrepareFor
from dss.kernel import b64, canonical
from dss.kernel.keyspec import KeySpec, Padding, Scheme

Header = Mapping[str, Any]

PREFIX = 4  # bytes of a frame's length
LONGEST_ANSWER = 8 * 1024 * 1024


def write_prepare(how: PrepareFor) -> Header:
    """Return the header of a question to prepare the PDF in the body."""
    return {
        "verb": "prepare",
        "chain": [b64.encode(der) for der in how.chain],
        "spec": how.spec.value,
        "padding": how.scheme.padding.value,
        "salt_length": how.scheme.salt_length,
        "signer_name": how.signer_name,
        "signed_at": int(how.signed_at.timestamp()),
        "reason": how.reason,
    }


def read_prepare(header: Header) -> PrepareFor:
    """Read what `write_prepare` returned."""
    return PrepareFor(
        tuple(b64.decode(der) for der in header["chain"]),
        KeySpec(header["spec"]),
        Scheme(Padding(header["padding"]), header["salt_length"]),
        header["signer_name"],
        datetime.fromtimestamp(header["signed_at"], UTC),
        header["reason"],
    )


def write_complete(how: Completing) -> Header:
    """Return the header of a question to complete the prepared PDF in the body."""
    return {
        "verb": "complete",
        "place": how.place.write(),
        "attributes": b64.encode(how.attributes),
        "signature": b64.encode(how.signature),
        "chain": [b64.encode(der) for der in how.chain],
    }


def read_complete(header: Header) -> Completing:
    """Read what `write_complete` returned."""
    return Completing(
        Place.read(header["place"]),
        b64.decode(header["attributes"]),
        b64.decode(header["signature"]),
        tuple(b64.decode(der) for der in header["chain"]),
    )


def prefix(length: int) -> bytes:
    """Return what goes before a frame's content."""
    return length.to_bytes(PREFIX)


def read_message(source: BinaryIO) -> tuple[Header, bytes] | None:
    """Read a header and a body; None at the end of the pipe."""
    header, body = _read_frame(source), _read_frame(source)
    if header is None or body is None:
        return None
    return canonical.decode(header), body


def write_message(sink: BinaryIO, header: Header, body: bytes = b"") -> None:
    """Write a header and a body."""
    for content in (canonical.encode(dict(header)), body):
        sink.write(prefix(len(content)))
        sink.write(content)
    sink.flush()


def _read_frame(source: BinaryIO) -> bytes | None:
    length = source.read(PREFIX)
    if len(length) < PREFIX:
        return None
    content = source.read(int.from_bytes(length))
    return content if len(content) == int.from_bytes(length) else None
