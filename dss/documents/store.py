"""Queries of the documents."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from dss.documents.model import Document
from dss.documents.tables import documents
from dss.infra.inserting import insert
from dss.kernel.digest import SHA256, Digest
from dss.kernel.ids import ClientId, DocumentId


async def add(connection: AsyncConnection, document: Document, idempotency_key: str | None) -> bool:
    """Add a document. Return False, and add nothing, if the client used the key before."""
    row = {
        "id": document.id,
        "client_id": document.client_id,
        "name": document.name,
        "media_type": document.media_type,
        "sha256": document.digest.value,
        "size": document.size,
        "created_at": document.created_at,
        "idempotency_key": idempotency_key,
    }
    unless_used = ["client_id", "idempotency_key"]
    result = await connection.execute(
        insert(connection, documents).values(row).on_conflict_do_nothing(index_elements=unless_used)
    )
    return result.rowcount == 1


async def get(connection: AsyncConnection, client_id: ClientId, id: DocumentId) -> Document | None:
    """Return a client's document, if there is one."""
    query = sa.select(documents).where(documents.c.client_id == client_id, documents.c.id == id)
    row = (await connection.execute(query)).one_or_none()
    return _document(row) if row else None


async def among(connection: AsyncConnection, client_id: ClientId, ids: Collection[DocumentId]) -> list[Document]:
    """Return a client's documents of some ids."""
    query = sa.select(documents).where(documents.c.client_id == client_id, documents.c.id.in_(ids))
    return [_document(row) for row in await connection.execute(query)]


async def by_key(connection: AsyncConnection, client_id: ClientId, idempotency_key: str | None) -> Document:
    """Return the document that `add` found the client's key used for."""
    query = sa.select(documents).where(
        documents.c.client_id == client_id, documents.c.idempotency_key == idempotency_key
    )
    return _document((await connection.execute(query)).one())


async def page(
    connection: AsyncConnection, client_id: ClientId, after: DocumentId | None, limit: int
) -> Sequence[Document]:
    """Return up to `limit` of a client's documents whose ids are greater than `after`, oldest first."""
    query = sa.select(documents).where(documents.c.client_id == client_id).order_by(documents.c.id).limit(limit)
    if after is not None:
        query = query.where(documents.c.id > after)
    return [_document(row) for row in await connection.execute(query)]


def names_of(client_id: str) -> sa.Select[Any]:
    """Return the query of a relying application's documents, as the log names them."""
    return sa.select(sa.literal("document:") + documents.c.id).where(documents.c.client_id == client_id)


def _document(row: sa.Row[Any]) -> Document:
    return Document(
        id=DocumentId(row.id),
        client_id=ClientId(row.client_id),
        name=row.name,
        media_type=row.media_type,
        digest=Digest(SHA256, row.sha256),
        size=row.size,
        created_at=row.created_at,
    )
