"""A transaction as the phone shows it: as lines for a person and as members for a program. Pure."""

from typing import Any

from mobile_mock import jose
from mobile_mock.cli.purpose import purpose
from mobile_mock.documents import Document
from mobile_mock.forms import time_text
from mobile_mock.matter import Credential
from mobile_mock.owned import WaitingPhone
from mobile_mock.request import Request
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
        **_change_members(request),
        "text": request.text,
        "documents": [_document_members(document) for document in request.documents],
        "answer_by": sorted(request.answer_by),
        "issued": time_text(request.issued),
        "expires": time_text(request.expires),
    }


def lines(shown: Shown) -> list[str]:
    """Return what a person is shown; every check has passed by then."""
    request = shown.request
    first, *others = purpose(request)
    head = [
        f"Transaction  {shown.id} ({shown.state}), to be answered until {time_text(request.expires)}",
        f"Who asks     {request.application.name}",
        f"Of whom      {request.signer.name} ({request.signer.login})",
        f"For what     {first}",
        *(f"             {line}" for line in others),
    ]
    said = [f"    | {line}" for line in request.text.splitlines()]
    text = ["What the relying application says:", *said] if said else []
    return [*head, *text, *(line for document in request.documents for line in _document_lines(document))]


def _credential_members(request: Request) -> dict[str, Any] | None:
    credential = request.credential
    if credential is None:
        return None
    if isinstance(credential, Credential):
        return _existing(credential) | {"has_password": credential.password is not None}
    return {
        "id": credential.id,
        "subject": credential.subject,
        "key_type": credential.key_type,
        "validity_days": credential.validity_days,
        "replaces": _existing(credential.replaces) if credential.replaces else None,
    }


def _existing(credential: Credential) -> dict[str, str]:
    return {"id": credential.id, "certificate_sha256": credential.certificate_sha256.hex()}


def _change_members(request: Request) -> dict[str, Any]:
    if request.change is not None:
        phone = request.change.phone
        named = {"id": phone.id, "name": phone.name} if phone else None
        return {"change": {"action": request.change.action, "phone": named, "reason": request.change.reason}}
    if request.share is not None:
        share = request.share
        thumbprints = {"sig": jose.thumbprint(share.signature), "enc": jose.thumbprint(share.encryption)}
        phone_members = {"id": share.phone.id, "name": share.phone.name, "thumbprints": thumbprints}
        return {"share": {"phone": phone_members, "credentials": [_existing(one) for one in share.credentials]}}
    return {}


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


def waiting_phone(phone: WaitingPhone) -> dict[str, Any]:
    """Return what a program is told of a new phone that waits."""
    return {"waiting_phone": {"id": phone.id, "name": phone.name, "active": time_text(phone.active)}}
