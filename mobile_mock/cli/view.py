"""A transaction as the phone shows it: as lines for a person and as members for a program. Pure."""

from typing import Any

from mobile_mock.forms import time_text
from mobile_mock.request import Credential, Document, Request
from mobile_mock.showing import Shown

UNSEEN = "content not seen"


def members(shown: Shown) -> dict[str, Any]:
    """Return what a program is told; hashes in hexadecimal, sizes in bytes."""
    request = shown.request
    return {
        "transaction": shown.id,
        "state": shown.state,
        "kind": request.kind,
        "relying_application": {"id": request.application.id, "name": request.application.name},
        "signer": {"id": request.signer.id, "login": request.signer.login, "name": request.signer.name},
        "credential": _credential_members(request),
        "text": request.text,
        "documents": [_document_members(document) for document in request.documents],
        "answer_by": sorted(request.answer_by),
        "issued": time_text(request.issued),
        "expires": time_text(request.expires),
    }


def lines(shown: Shown) -> list[str]:
    """Return what a person is shown; every check has passed by then."""
    request = shown.request
    head = [
        f"Transaction  {shown.id} ({shown.state}), to be answered until {time_text(request.expires)}",
        f"Who asks     {request.application.name}",
        f"Of whom      {request.signer.name} ({request.signer.login})",
        f"For what     {_purpose(request)}",
    ]
    said = [f"    | {line}" for line in request.text.splitlines()]
    text = ["What the relying application says:", *said] if said else []
    return [*head, *text, *(line for document in request.documents for line in _document_lines(document))]


def _credential_members(request: Request) -> dict[str, Any]:
    credential = request.credential
    if isinstance(credential, Credential):
        return {"id": credential.id, "certificate_sha256": credential.certificate_sha256.hex()}
    return {
        "id": credential.id,
        "subject": credential.subject,
        "key_type": credential.key_type,
        "validity_days": credential.validity_days,
    }


def _purpose(request: Request) -> str:
    credential = request.credential
    if isinstance(credential, Credential):
        return f"to sign with the certificate of SHA-256 {credential.certificate_sha256.hex()}"
    made = f"a {credential.key_type} key and a certificate for {credential.subject}"
    return f"to make {made}, valid for {credential.validity_days} days"


def _document_members(document: Document) -> dict[str, Any]:
    signed = {
        "index": document.index,
        "format": document.format,
        "scheme": document.scheme,
        "hash_algorithm": document.hash_algorithm,
        "to_sign": document.to_sign.hex(),
        "seen": document.content is not None,
    }
    if document.content is None:
        return signed
    content = document.content
    seen = {"name": content.name, "media_type": content.media_type, "size": content.size}
    return signed | seen | {"sha256": content.digest.hex()}


def _document_lines(document: Document) -> list[str]:
    how = f"    {document.format}, {document.scheme}, {document.hash_algorithm}"
    if document.content is None:
        return [f"Hash {document.index}: {UNSEEN}", f"    {document.to_sign.hex()}", how]
    content = document.content
    return [
        f"Document {document.index}: {content.name}",
        f"    {content.media_type}, {content.size} bytes",
        f"    SHA-256 {content.digest.hex()}",
        f"{how}; recomputed from the files, and it agrees",
    ]
