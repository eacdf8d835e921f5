"""Asking for signatures, waiting for them, and collecting them."""

import hashlib
from datetime import timedelta
from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.documents.model import PDF
from dss.kernel import b64
from dss.kernel.digest import algorithm_named
from dss.kernel.errors import (
    BadDigest,
    BadDocument,
    BadRequest,
    Conflict,
    DeceptiveText,
    Expired,
    IdempotencyConflict,
    NotFound,
    TooMany,
)
from dss.kernel.ids import ClientId, CredentialId, DocumentId, TransactionId
from dss.kernel.keyspec import Scheme
from dss.transactions.model import Idempotency, OpenSigning
from dss.web.http import paging
from dss.web.http.fields import Id, IdempotencyKey, Index, Wait
from dss.web.http.files import WholeFile
from dss.web.http.op import Created, op
from dss.web.http.services import services_of
from dss.web.rest.calling import client_of
from dss.web.rest.forms import Signature, SignatureList, Summary, signature, summary

OPENING = (TooMany, BadDigest, BadDocument, DeceptiveText, Conflict, IdempotencyConflict)


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
    client, services = client_of(request), services_of(request)
    opened = await services.opening.open_signing(_wish(client, body, idempotency_key))
    details = await services.transactions.of_client(client, opened.id)
    return Created(signature(details), location=f"/v1/signatures/{opened.id}")


@op("GET", "/v1/signatures", scope="signatures")
async def list_signatures(
    request: Request, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> SignatureList:
    """List the caller's signatures, newest first, by page."""
    after = paging.after(cursor)
    older = TransactionId(after) if after else None
    found = await services_of(request).transactions.page(client_of(request), older, limit)
    items: list[Summary] = [summary(transaction) for transaction in found]
    return SignatureList(items, paging.next_link(request, [transaction.id for transaction in found], limit))


@op("GET", "/v1/signatures/{id}", scope="signatures")
async def read_signature(request: Request, id: Id, wait: Wait = 0) -> Signature:
    """Read a signature.

    With `wait`, once it has come to its end or the wait is over.
    """
    return signature(await services_of(request).transactions.of_client(client_of(request), TransactionId(id), wait))


@op("POST", "/v1/signatures/{id}/cancel", scope="signatures", errors=(Conflict,))
async def cancel_signature(request: Request, id: Id) -> Signature:
    """Cancel a signature that is not being made yet; a second time changes nothing."""
    return signature(await services_of(request).transactions.cancel(client_of(request), TransactionId(id)))


@op("GET", "/v1/signatures/{id}/documents/{index}", scope="signatures", errors=(Conflict, Expired), gives=(PDF,))
async def collect_document(request: Request, id: Id, index: Index) -> WholeFile:
    """Collect a signed document."""
    services = services_of(request)
    signed = await services.transactions.signed_file(client_of(request), TransactionId(id), index)
    return WholeFile(services.documents.product(signed.digest), media_type=PDF, filename=signed.name)


def _wish(client_id: ClientId, body: SignatureRequest, idempotency_key: str | None) -> OpenSigning:
    body_sha256 = hashlib.sha256(msgspec.json.encode(body)).digest()
    return OpenSigning(
        client_id=client_id,
        credential_id=CredentialId(body.credential_id),
        text=body.text,
        documents=tuple(DocumentId(document.id) for document in body.documents),
        hashes=tuple(_hash(index, text) for index, text in enumerate(body.hashes)),
        hash_algorithm=algorithm_named(body.hash_algorithm),
        scheme=None if body.scheme is None else Scheme.named(body.scheme),
        expires_in=None if body.expires_in is None else timedelta(seconds=body.expires_in),
        idempotency=None if idempotency_key is None else Idempotency(idempotency_key, body_sha256),
    )


def _hash(index: int, text: str) -> bytes:
    try:
        return b64.decode(text)
    except BadRequest as fault:
        raise BadRequest(f"hashes[{index}]: {fault.detail}") from fault
