"""A transaction as the phone shows it: as lines for a person and as members for a program. Pure."""

from collections.abc import Collection
from typing import Any

from mobile_mock import jose
from mobile_mock.cli.papers import document_lines, document_members, quoted
from mobile_mock.cli.purpose import purpose
from mobile_mock.forms import time_text
from mobile_mock.matter import Change, Credential
from mobile_mock.owned import WaitingPhone
from mobile_mock.request import Request
from mobile_mock.showing import Shown
from mobile_mock.verification import CHOOSE, COMPARE, Verification


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
        **_session_members(request),
        **_login_members(request),
        "text": request.text,
        "documents": [document_members(document, shown) for document in request.documents],
        **_batch_members(request),
        "verification": _verification_members(request.verification),
        "answer_by": sorted(request.answer_by),
        "issued": time_text(request.issued),
        "expires": time_text(request.expires),
    }


def lines(shown: Shown, only: Collection[int] = ()) -> list[str]:
    """Return what a person is shown; every check has passed by then.

    only: the indexes of the documents to be shown, empty for all.
    """
    request = shown.request
    first, *others = purpose(request)
    head = [
        f"Transaction  {shown.id} ({shown.state}), to be answered until {time_text(request.expires)}",
        f"Who asks     {request.application.name}",
        f"Of whom      {request.signer.name} ({request.signer.login})",
        f"For what     {first}",
        *(f"             {line}" for line in others),
    ]
    text = ["What the relying application says:", *quoted(request.text)] if request.text else []
    return [*head, *text, *document_lines(shown, only), *_verification_lines(request.verification)]


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


def _allowed_members(change: Change) -> dict[str, Any]:
    allowed = change.application
    return {} if allowed is None else {"relying_application": {"id": allowed.id, "name": allowed.name}}


def _session_members(request: Request) -> dict[str, Any]:
    session = request.session
    return {} if session is None else {"session": {"signatures": session.signatures, "minutes": session.minutes}}


def _login_members(request: Request) -> dict[str, Any]:
    login = request.login
    return {} if login is None else {"login": {"id": login.id, "address": login.address, "agent": login.agent}}


def _batch_members(request: Request) -> dict[str, Any]:
    batch = request.batch
    return {} if batch is None else {"batch": {"count": batch.count, "root": batch.root.hex()}}


def _verification_members(asked: Verification) -> dict[str, Any]:
    if asked.mode == COMPARE:
        return {"mode": asked.mode, "code": asked.code}
    if asked.mode == CHOOSE:
        return {"mode": asked.mode, "numbers": list(asked.numbers), "commitment": asked.commitment.hex()}
    return {"mode": asked.mode}


def _verification_lines(asked: Verification) -> list[str]:
    if asked.mode == COMPARE:
        return [f"Code         {asked.code}: the requester's page must show the same"]
    if asked.mode == CHOOSE:
        return [f"Numbers      {', '.join(asked.numbers)}: the requester's page shows one of them, choose that one"]
    return []


def _existing(credential: Credential) -> dict[str, str]:
    return {"id": credential.id, "certificate_sha256": credential.certificate_sha256.hex()}


def _change_members(request: Request) -> dict[str, Any]:
    if request.change is not None:
        phone = request.change.phone
        named = {"id": phone.id, "name": phone.name} if phone else None
        told = {"action": request.change.action, "phone": named, "reason": request.change.reason}
        return {"change": told | _allowed_members(request.change)}
    if request.share is not None:
        share = request.share
        thumbprints = {"sig": jose.thumbprint(share.signature), "enc": jose.thumbprint(share.encryption)}
        phone_members = {"id": share.phone.id, "name": share.phone.name, "thumbprints": thumbprints}
        return {"share": {"phone": phone_members, "credentials": [_existing(one) for one in share.credentials]}}
    return {}


def waiting_phone(phone: WaitingPhone) -> dict[str, Any]:
    """Return what a program is told of a new phone that waits."""
    return {"waiting_phone": {"id": phone.id, "name": phone.name, "active": time_text(phone.active)}}
