"""Asking for signatures, waiting for them, and collecting them."""

import hashlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

import msgspec
import structlog
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import StreamingResponse

from dss.devices.items import MOST
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
    Forbidden,
    IdempotencyConflict,
    NotFound,
    TooMany,
    Unavailable,
)
from dss.kernel.ids import ClientId, CredentialId, DocumentId, TransactionId
from dss.kernel.keyspec import Scheme
from dss.kernel.policy import Mode
from dss.transactions.model import Idempotency, OpenSigning
from dss.transactions.results import Result
from dss.web.http import paging
from dss.web.http.fields import Browser, From, Id, IdempotencyKey, Index, Sha256, Wait
from dss.web.http.files import WholeFile
from dss.web.http.op import NDJSON, Created, op
from dss.web.http.services import services_of
from dss.web.rest.calling import READS_SIGNATURES, client_of, signature_of
from dss.web.rest.forms import Signature, SignatureList, Summary, signature, signed_item, summary

log = structlog.get_logger(__name__)
Many = Annotated[int, Meta(ge=1, le=MOST, description="How many things to tell of at most.")]
OPENING = (TooMany, BadDigest, BadDocument, DeceptiveText, Conflict, IdempotencyConflict, Expired, Forbidden)

LARGEST = 2 * 1024 * 1024  # as many SHA-512 hashes as one signature takes


class DocumentRef(msgspec.Struct, forbid_unknown_fields=True):
    """An uploaded document.

    sha256: of its bytes, by which another one that lies in its place is refused. In a session it must be told: there
    nobody is shown what is signed.
    """

    id: Id
    sha256: Sha256 | None = None


class SignatureRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be signed: documents, or hashes (base64) made by hash_algorithm; and what the signer is told.

    verification: how the signer makes sure that it is theirs, at least; policies may ask for more, never for less.
    """

    credential_id: Id
    text: Annotated[str, Meta(max_length=500)] = ""
    documents: Annotated[list[DocumentRef], Meta(max_length=MOST)] = []
    hashes: Annotated[list[Annotated[str, Meta(max_length=128)]], Meta(max_length=MOST)] = []
    hash_algorithm: Annotated[str, Meta(max_length=16)] = "sha256"
    scheme: Annotated[str, Meta(max_length=16)] | None = None
    verification: Mode = Mode.NONE
    browser: Browser | None = None
    session_id: Id | None = None
    expires_in: Annotated[int, Meta(ge=10, le=3600)] | None = None


@op("POST", "/v1/signatures", 201, scope="signatures", errors=(*OPENING, NotFound), limit=LARGEST)
async def open_signature(
    request: Request, body: SignatureRequest, idempotency_key: IdempotencyKey | None = None
) -> Created[Signature]:
    """Ask a signer to sign.

    The signer's phone is shown the text, and each document's name, size and SHA-256; the signature is made once the
    phone has confirmed exactly that. More than 100 documents are prepared first: the signature is `preparing`, and the
    time to answer begins when the signer is asked. In a session nobody is asked or shown anything: it takes up to 100
    documents, each with its `sha256`.
    """
    client, services = client_of(request), services_of(request)
    told = signature(await services.signatures.open(_wish(client, body, idempotency_key)))
    told.page = await services.linking.page(TransactionId(told.id))
    return Created(told, location=f"/v1/signatures/{told.id}")


@op("GET", "/v1/signatures", scope="signatures")
async def list_signatures(
    request: Request, limit: paging.Limit = paging.DEFAULT, cursor: paging.Cursor | None = None
) -> SignatureList:
    """List the caller's signatures, newest first, by page."""
    after = paging.after(cursor)
    older = TransactionId(after) if after else None
    found = await services_of(request).signatures.page(client_of(request), older, limit)
    items: list[Summary] = [summary(asked) for asked in found]
    return SignatureList(items, paging.next_link(request, [asked.id for asked in found], limit))


@op("GET", "/v1/signatures/{id}", scope=READS_SIGNATURES)
async def read_signature(request: Request, id: Id, wait: Wait = 0) -> Signature:
    """Read a signature.

    With `wait`, once it has come to its end or the wait is over.
    """
    signature_id = signature_of(request, id)
    return signature(await services_of(request).signatures.of_client(client_of(request), signature_id, wait))


@op("GET", "/v1/signatures/{id}/results", scope=READS_SIGNATURES, gives=(NDJSON,))
async def read_results(
    request: Request, id: Id, after: From = 0, limit: Many = MOST, wait: Wait = 0
) -> StreamingResponse:
    """Read what became of each thing to sign, one line of JSON each, in the order of the request, as it comes.

    Each line has the form of one of the signature's `documents`. It ends before the first that is not signed or
    declined yet; with `wait`, it goes on until all are, the signature has ended, or the wait is over.
    """
    client, services, signature_id = client_of(request), services_of(request), signature_of(request, id)
    await services.signatures.of_client(client, signature_id)
    pages = services.results.follow(client, signature_id, range(after, after + limit), wait)
    return StreamingResponse(_lines(signature_id, pages), media_type=NDJSON)


@op("POST", "/v1/signatures/{id}/cancel", scope="signatures", errors=(Conflict,))
async def cancel_signature(request: Request, id: Id) -> Signature:
    """Cancel a signature that is not being made yet; a second time changes nothing."""
    return signature(await services_of(request).signatures.cancel(client_of(request), TransactionId(id)))


@op("GET", "/v1/signatures/{id}/documents/{index}", scope=READS_SIGNATURES, errors=(Conflict, Expired), gives=(PDF,))
async def collect_document(request: Request, id: Id, index: Index) -> WholeFile:
    """Collect a signed document."""
    services = services_of(request)
    signed = await services.transactions.signed_file(client_of(request), signature_of(request, id), index)
    return WholeFile(services.documents.product(signed.digest), media_type=PDF, filename=signed.name)


async def _lines(id: TransactionId, pages: AsyncIterator[tuple[Result, ...]]) -> AsyncIterator[bytes]:
    """Give the lines; without a database they end, and the reader asks again from the last on."""
    try:
        async for page in pages:
            yield b"".join(msgspec.json.encode(signed_item(id, result)) + b"\n" for result in page)
    except Unavailable as fault:
        log.warning("results ended", signature=id, error_code=fault.code)


def _wish(client_id: ClientId, body: SignatureRequest, idempotency_key: str | None) -> OpenSigning:
    body_sha256 = hashlib.sha256(msgspec.json.encode(body)).digest()
    return OpenSigning(
        client_id=client_id,
        credential_id=CredentialId(body.credential_id),
        text=body.text,
        documents=tuple(DocumentId(document.id) for document in body.documents),
        meant=tuple(bytes.fromhex(document.sha256 or "") for document in body.documents),
        hashes=tuple(_hash(index, text) for index, text in enumerate(body.hashes)),
        hash_algorithm=algorithm_named(body.hash_algorithm),
        scheme=None if body.scheme is None else Scheme.named(body.scheme),
        mode=body.verification,
        browser=body.browser or "",
        session_id=None if body.session_id is None else TransactionId(body.session_id),
        expires_in=None if body.expires_in is None else timedelta(seconds=body.expires_in),
        idempotency=None if idempotency_key is None else Idempotency(idempotency_key, body_sha256),
    )


def _hash(index: int, text: str) -> bytes:
    try:
        return b64.decode(text)
    except BadRequest as fault:
        raise BadRequest(f"hashes[{index}]: {fault.detail}") from fault
