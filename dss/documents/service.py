"""The verbs of documents."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from dss.audit.event import Event
from dss.audit.service import Audit
from dss.documents import recheck, store
from dss.documents.attributes import signed_attributes
from dss.documents.model import (
    Completing,
    Document,
    NewDocument,
    Prepared,
    PrepareFor,
    place_of,
    prepared_with,
    require_acceptable,
    same_upload,
)
from dss.documents.pool import Pool
from dss.infra.db import Database
from dss.infra.files import FolderStore, StoredFile, read
from dss.kernel.clock import Clock
from dss.kernel.digest import Digest
from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, DocumentId, Ids
from dss.kernel.keyspec import require_fit

LARGEST = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Means:
    """What documents are worked on with.

    uploads: what applications sent. made: what was prepared and finished here, which can be discarded: a finished file
             that somebody uploads to have it signed again is another file, though its bytes are the same.
    """

    database: Database
    uploads: FolderStore
    made: FolderStore
    pool: Pool
    audit: Audit
    clock: Clock
    ids: Ids


class Documents:
    """Keeps documents, and gives them a place for a signature and then the signature.

    largest: of an upload, in bytes.
    """

    def __init__(self, means: Means, largest: int = LARGEST) -> None:
        self._with = means
        self._largest = largest

    async def warm_up(self) -> None:
        """Start the children, so that the first document need not wait for them. Raises Unavailable."""
        await self._with.pool.start()

    async def upload(self, new: NewDocument, chunks: AsyncIterator[bytes]) -> Document:
        """Store a document as it comes; the same upload under the same Idempotency-Key is one document.

        Raises Invalid, DeceptiveText, UnsupportedMedia, TooLarge, IdempotencyConflict or Unavailable.
        """
        require_acceptable(new)
        stored = await self._with.uploads.put(chunks, self._largest)
        id, now = DocumentId(self._with.ids.new()), self._with.clock.now()
        document = Document(id, new.client_id, new.name, new.media_type, stored.digest, stored.size, now)
        async with self._with.database.write() as connection:
            if await store.add(connection, document, new.idempotency_key):
                await self._with.audit.record(connection, _uploaded(document))
                return document
            earlier = await store.by_key(connection, new.client_id, new.idempotency_key)
        return same_upload(earlier, document)

    async def get(self, client_id: ClientId, id: DocumentId) -> Document:
        """Return a client's document. Raises NotFound, also for another client's."""
        async with self._with.database.read() as connection:
            document = await store.get(connection, client_id, id)
        if document is None:
            raise NotFound("there is no such document")
        return document

    async def among(self, client_id: ClientId, ids: Collection[DocumentId]) -> dict[DocumentId, Document]:
        """Return those of a client's documents that are there, by their ids."""
        async with self._with.database.read() as connection:
            return {document.id: document for document in await store.among(connection, client_id, ids)}

    async def list(self, client_id: ClientId, after: DocumentId | None, limit: int) -> Sequence[Document]:
        """Return up to `limit` of a client's documents that came after one, oldest first."""
        async with self._with.database.read() as connection:
            return await store.page(connection, client_id, after, limit)

    def original(self, digest: Digest) -> Path:
        """Return where an uploaded file lies. Raises NotFound."""
        return self._with.uploads.path(digest)

    def product(self, digest: Digest) -> Path:
        """Return where a prepared or a finished file lies. Raises NotFound."""
        return self._with.made.path(digest)

    async def discard(self, digest: Digest) -> None:
        """Delete a prepared or a finished file, unless it is gone already. Raises Unavailable."""
        await self._with.made.discard(digest)

    async def sweep(self, before: datetime) -> int:
        """Delete prepared and finished files that were made before a time; return how many. Raises Unavailable.

        Whoever still needs one has made it since: this is for what a crash left behind, which no row names.
        """
        return await self._with.made.sweep(before)

    async def prepare(self, document: Document, how: PrepareFor) -> Prepared:
        """Give a document an empty place for a signature, and make what is to be signed.

        Raises BadDocument if it cannot be signed or an earlier signature in it would not hold, Invalid if the key
        cannot sign this way, Unavailable.
        """
        require_fit(how.spec, how.scheme)
        original, made = self._with.uploads.path(document.digest), self._with.made
        tail = await self._with.pool.prepare(original, how)
        place = recheck.place_in(tail, document.size, how)
        stored = await made.put(_joined(original, tail), document.size + len(tail))
        digest = await asyncio.to_thread(recheck.byte_range_digest, made.path(stored.digest), place)
        return prepared_with(document, stored, signed_attributes(digest, how.chain[0]), place)

    async def complete(self, prepared: Prepared, signature: bytes, chain: tuple[bytes, ...]) -> StoredFile:
        """Put the signature in its place; the finished file is verified before it is stored.

        signature: over the attributes; DER for ECDSA.
        chain:     as it was for `prepare`.
        Raises NotVerified if the finished file would not be valid, Unavailable.
        """
        how = Completing(place_of(prepared), prepared.attributes, signature, chain)
        recheck.require_signature(how)
        path = self._with.made.path(prepared.prepared.digest)
        content = await self._with.pool.complete(path, how)
        recheck.require_carries(content, how)
        return await self._with.made.put(_filled(path, how.place.start, content), prepared.prepared.size)


async def _joined(original: Path, tail: bytes) -> AsyncIterator[bytes]:
    async for chunk in read(original):
        yield chunk
    yield tail


async def _filled(prepared: Path, start: int, content: bytes) -> AsyncIterator[bytes]:
    """Write the contents into the zeros that follow the gap's first character."""
    written = content.hex().upper().encode()
    async for chunk in read(prepared, 0, start + 1):
        yield chunk
    yield written
    async for chunk in read(prepared, start + 1 + len(written)):
        yield chunk


def _uploaded(document: Document) -> Event:
    details = {"sha256": document.digest.hex, "size": str(document.size)}
    return Event("document.uploaded", f"client:{document.client_id}", f"document:{document.id}", details=details)
