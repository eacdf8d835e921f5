"""Uploading what is to be signed."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.documents import model
from dss.documents.model import PDF
from dss.documents.service import LARGEST
from dss.kernel.clock import timestamp
from dss.kernel.errors import BadDocument, IdempotencyConflict
from dss.kernel.ids import DocumentId
from dss.web.http import paging
from dss.web.http.fields import Id, IdempotencyKey, Time
from dss.web.http.op import Created, op
from dss.web.http.reading import Upload
from dss.web.http.services import services_of
from dss.web.rest.calling import client_of


class Document(msgspec.Struct):
    """An uploaded document; sha256 in hexadecimal, size in bytes."""

    id: Id
    name: str
    media_type: str
    size: int
    sha256: str
    uploaded_at: Time


class DocumentList(msgspec.Struct):
    """A page of documents."""

    items: list[Document]
    next: str | None = None


@op(
    "POST",
    "/v1/documents",
    201,
    scope="signatures",
    errors=(BadDocument, IdempotencyConflict),
    takes=(PDF,),
    limit=LARGEST,
)
async def upload_document(
    request: Request,
    body: Upload,
    name: Annotated[str, Meta(min_length=1, max_length=255)],
    idempotency_key: IdempotencyKey | None = None,
) -> Created[Document]:
    """Upload a document.

    The body is the file itself. The name is what the signer's phone will show.
    """
    new = model.NewDocument(client_of(request), name, PDF, idempotency_key)
    document = await services_of(request).documents.upload(new, body.chunks)
    return Created(_document(document), location=f"/v1/documents/{document.id}")


@op("GET", "/v1/documents", scope="signatures")
async def list_documents(
    request: Request, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> DocumentList:
    """List the documents that the caller uploaded, by page."""
    after = paging.after(cursor)
    found = await services_of(request).documents.list(client_of(request), DocumentId(after) if after else None, limit)
    next_link = paging.next_link(request, [document.id for document in found], limit)
    return DocumentList([_document(document) for document in found], next_link)


@op("GET", "/v1/documents/{id}", scope="signatures")
async def read_document(request: Request, id: Id) -> Document:
    """Read what is known of a document."""
    return _document(await services_of(request).documents.get(client_of(request), DocumentId(id)))


def _document(document: model.Document) -> Document:
    return Document(
        id=document.id,
        name=document.name,
        media_type=document.media_type,
        size=document.size,
        sha256=document.digest.hex,
        uploaded_at=timestamp(document.created_at),
    )
