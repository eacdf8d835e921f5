"""A document, its place for a signature, and the pure rules over them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self

from dss.infra.files import StoredFile
from dss.kernel import canonical
from dss.kernel.digest import BY_NAME, Digest
from dss.kernel.errors import DeceptiveText, DssError, IdempotencyConflict, UnsupportedMedia
from dss.kernel.ids import ClientId, DocumentId
from dss.kernel.keyspec import KeySpec, Padding, Scheme
from dss.kernel.text import require_plain

LONGEST_NAME = 255
PDF = "application/pdf"


class NotVerified(DssError):
    """A finished file that would not verify: a fault of the server, and the file is not released."""

    code, title = "not_verified", "The finished signature did not verify"


@dataclass(frozen=True, slots=True)
class NewDocument:
    """What a relying application says of a document it uploads.

    name:            the file's name, as the signer will read it.
    idempotency_key: the application's own name for this upload, or None.
    """

    client_id: ClientId
    name: str
    media_type: str
    idempotency_key: str | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """An uploaded document.

    digest: SHA-256 of the bytes as they came; names the file in the store.
    size:   in bytes.
    """

    id: DocumentId
    client_id: ClientId
    name: str
    media_type: str
    digest: Digest
    size: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PrepareFor:
    """Who will sign, with what, and when.

    chain:       certificates in DER, the signer's first, the trust anchor last.
    signer_name: for the signature dictionary's /Name.
    signed_at:   the claimed time, for its /M.
    reason:      for its /Reason; may be empty.
    """

    chain: tuple[bytes, ...]
    spec: KeySpec
    scheme: Scheme
    signer_name: str
    signed_at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child that reads PDFs may use.

    memory: address space, in bytes.
    cpu_s:  processor time for one document, in seconds.
    wall_s: time for one document, waiting included, in seconds; longer than cpu_s.
    """

    memory: int = 1024 * 1024 * 1024
    cpu_s: int = 10
    wall_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where and how a signature goes into a prepared file.

    start, end: the byte range's gap: from the `<` of /Contents to after its `>`.
    hash_name:  of the byte range and of the signed attributes.
    signed_at:  the claimed time, in whole seconds.
    """

    start: int
    end: int
    hash_name: str
    scheme: Scheme
    signed_at: datetime

    @property
    def algorithm(self) -> str:
        """The OID of the hash."""
        return BY_NAME[self.hash_name]

    def write(self) -> dict[str, Any]:
        """Return the JSON object that `read` takes."""
        return {
            "start": self.start,
            "end": self.end,
            "hash": self.hash_name,
            "padding": self.scheme.padding.value,
            "salt_length": self.scheme.salt_length,
            "signed_at": int(self.signed_at.timestamp()),
        }

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Self:
        """Read what `write` returned."""
        scheme = Scheme(Padding(value["padding"]), value["salt_length"])
        signed_at = datetime.fromtimestamp(value["signed_at"], UTC)
        return cls(value["start"], value["end"], value["hash"], scheme, signed_at)


@dataclass(frozen=True, slots=True)
class Completing:
    """What completing a prepared file takes, beside the file.

    attributes: the signed attributes, DER.
    signature:  over the attributes; DER for ECDSA.
    chain:      as in PrepareFor.
    """

    place: Place
    attributes: bytes
    signature: bytes
    chain: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A document with an empty place for a signature: all that completing it needs, also after a restart.

    document_digest: of the original, which a person is shown.
    prepared:        the file with the place.
    attributes:      the signed attributes, DER, as a SET OF.
    to_sign:         the hash of the attributes, which the key signs.
    place:           a `Place` as canonical JSON.
    """

    document_digest: Digest
    prepared: StoredFile
    attributes: bytes
    to_sign: Digest
    place: str


def prepared_with(document: Document, stored: StoredFile, attributes: bytes, place: Place) -> Prepared:
    """Put together what `prepare` returns."""
    to_sign = Digest.of(attributes, place.algorithm)
    return Prepared(document.digest, stored, attributes, to_sign, canonical.encode(place.write()).decode())


def place_of(prepared: Prepared) -> Place:
    """Read the place of a prepared file."""
    return Place.read(canonical.decode(prepared.place.encode()))


def require_acceptable(new: NewDocument) -> None:
    """Raise DeceptiveText, Invalid or UnsupportedMedia unless the document may be uploaded under this name."""
    require_plain(new.name, LONGEST_NAME, "the file name")
    if new.name in {"", ".", ".."} or "/" in new.name or "\\" in new.name:
        raise DeceptiveText("the file name is empty, or names a folder")
    if new.media_type != PDF:
        raise UnsupportedMedia(f"documents of {PDF} are signed here, and no others")
    if new.idempotency_key is not None:
        require_plain(new.idempotency_key, LONGEST_NAME, "the Idempotency-Key")


def same_upload(earlier: Document, now: Document) -> Document:
    """Return the earlier document of an Idempotency-Key. Raises IdempotencyConflict unless it is the same again."""
    if (earlier.name, earlier.media_type, earlier.digest) != (now.name, now.media_type, now.digest):
        raise IdempotencyConflict("the Idempotency-Key was used for another document")
    return earlier
