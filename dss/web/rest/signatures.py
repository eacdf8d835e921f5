"""Asking for signatures, waiting for them, and collecting them."""

import hashlib
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import FileResponse

from dss.kernel import b64
from dss.kernel.digest import algorithm_named
from dss.kernel.errors import BadDigest, BadDocument, Conflict, DeceptiveText, Expired, IdempotencyConflict, NotFound
from dss.kernel.ids import ClientId, CredentialId, DocumentId, TransactionId
from dss.kernel.keyspec import Scheme
from dss.transactions.model import Idempotency, OpenSigning
from dss.web.http import paging
from dss.web.http.fields import Id, IdempotencyKey
from dss.web.http.op import Created, op
from dss.web.rest.documents import PDF
from dss.web.rest.forms import Signature, SignatureList, Summary, signature, summary

Wait = Annotated[int, Meta(ge=0, le=60, description="seconds to wait for the end")]
OPENING = (BadDigest, BadDocument, DeceptiveText, Conflict, IdempotencyConflict)


class DocumentRef(msgspec.Struct, forbid_unknown_fields=True):
    """An uploaded document."""

    id: Id


class SignatureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be signed: documents, or hashes (base64) made by hash_algorithm; and what the signer is told."""

    credential_id: Id
    text: Annotated[str, Meta(max_length=500)] = ""
    documents: Annotated[list[DocumentRef], Meta(max_length=1000)] = []
    hashes: Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=1000)] = []
    hash_algorithm: Annotated[str, Meta(max_length=16)] = "sha256"
    scheme: Annotated[str, Meta(max_length=16)] | None = None
    expires_in: Annotated[int, Meta(ge=10, le=3600)] | None = None


@op("POST", "/v1/signatures", 201, scope="signatures", errors=(*OPENING, NotFound))
async def open_signature(
    request: Request, body: SignatureRequest, idempotency_key: IdempotencyKey | None = None
) -> Created[Signature]:
    """Ask a signer to sign.

    The signer's phone is shown the text, and each document's name, size and SHA-256; the signature is made once the
    phone has confirmed exactly that.
    """
    caller, services = request.state.caller, request.state.services
    opened = await services.opening.open_signing(_wish(caller.client_id, body, idempotency_key))
    details = await services.transactions.of_client(ClientId(caller.client_id), opened.id)
    return Created(signature(details), location=f"/v1/signatures/{opened.id}")


@op("GET", "/v1/signatures", scope="signatures")
async def list_signatures(
    request: Request, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> SignatureList:
    """List the caller's signatures, newest first, by page."""
    caller, services = request.state.caller, request.state.services
    after = paging.after(cursor)
    found = await services.transactions.page(ClientId(caller.client_id), TransactionId(after) if after else None, limit)
    items: list[Summary] = [summary(transaction) for transaction in found]
    return SignatureList(items, paging.next_link(request, [transaction.id for transaction in found], limit))


@op("GET", "/v1/signatures/{id}", scope="signatures")
async def read_signature(request: Request, id: Id, wait: Wait = 0) -> Signature:
    """Read a signature; with `wait`, once it has come to its end or the wait is over."""
    caller, services = request.state.caller, request.state.services
    return signature(await services.transactions.of_client(ClientId(caller.client_id), TransactionId(id), wait))


@op("POST", "/v1/signatures/{id}/cancel", scope="signatures", errors=(Conflict,))
async def cancel_signature(request: Request, id: Id) -> Signature:
    """Cancel a signature that is not being made yet; a second time changes nothing."""
    caller, services = request.state.caller, request.state.services
    return signature(await services.transactions.cancel(ClientId(caller.client_id), TransactionId(id)))


@op("GET", "/v1/signatures/{id}/documents/{index}", scope="signatures", errors=(Conflict, Expired), gives=(PDF,))
async def collect_document(request: Request, id: Id, index: Annotated[int, Meta(ge=0, le=999)]) -> FileResponse:
    """Collect a signed document."""
    caller, services = request.state.caller, request.state.services
    client = ClientId(caller.client_id)
    entry, file = await services.transactions.signed_file(client, TransactionId(id), index)
    path = services.documents.product(file.digest)
    return FileResponse(path, media_type=PDF, filename=entry.item.document.name)


def _wish(client_id: str, body: SignatureRequest, idempotency_key: str | None) -> OpenSigning:
    body_sha256 = hashlib.sha256(msgspec.json.encode(body)).digest()
    return OpenSigning(
        client_id=ClientId(client_id),
        credential_id=CredentialId(body.credential_id),
        text=body.text,
        documents=tuple(DocumentId(document.id) for document in body.documents),
        hashes=tuple(b64.decode(value) for value in body.hashes),
        hash_algorithm=algorithm_named(body.hash_algorithm),
        scheme=None if body.scheme is None else Scheme.named(body.scheme),
        expires_in=None if body.expires_in is None else timedelta(seconds=body.expires_in),
        idempotency=None if idempotency_key is None else Idempotency(idempotency_key, body_sha256),
    )
