"""Transactions that the phone itself opens, and checking that the request is what its owner asked for. Pure.

Source: docs/device-protocol.md sections 6 and 7.
"""

from collections.abc import Mapping
from typing import TypedDict

from mobile_mock import jose
from mobile_mock.errors import BadInput, Difference
from mobile_mock.matter import ALLOW, CHANGE, CHANGES, OF_NO_KEY, REASONS, REMOVE, REVOKE, SHARE, Sharing
from mobile_mock.members import require_id
from mobile_mock.request import Request
from mobile_mock.share_code import read_share_code

APPLICATION = "relying_application"
CODE = "code"  # what is kept of a scanned QR, beside the members of the calls


class Given(TypedDict, total=False):
    """What goes with the action of a change, as its call names it; None where absent."""

    credential: str | None
    phone: str | None
    reason: str | None
    relying_application: str | None


def change_body(action: str, given: Given) -> dict[str, str]:
    """Return the body of the call that opens a change. Raises BadInput on members that its action does not take."""
    if action not in CHANGES:
        raise BadInput(f"a change is one of {', '.join(CHANGES)}")
    body = {name: value for name, value in given.items() if isinstance(value, str)}
    wanted = set() if action in OF_NO_KEY else {"credential"}
    wanted |= {REVOKE: {"reason"}, REMOVE: {"phone"}, ALLOW: {APPLICATION}}.get(action, set())
    if set(body) != wanted:
        raise BadInput(f"the change {action} takes {' and '.join(sorted(wanted)) or 'nothing else'}")
    for name in ("credential", "phone", APPLICATION):
        if name in body:
            require_id(body[name], name.replace("_", " "))
    if action == REVOKE and body["reason"] not in REASONS:
        raise BadInput(f"a reason is one of {', '.join(REASONS)}")
    return {"action": action, **body}


def check_asked(request: Request, asked: Mapping[str, str] | None) -> None:
    """Raise Difference unless a change or a sharing is what the owner asked for on this phone; asked: what is kept."""
    if request.kind not in {CHANGE, SHARE}:
        return
    if asked is None:
        raise Difference("the request is for something that the owner did not ask for on this phone")
    if request.share is not None and CODE in asked:
        _check_scanned(request.share, asked[CODE])
    elif dict(asked) != _wish_in(request):
        raise Difference("the request is for something else than the owner asked for")


def _check_scanned(share: Sharing, text: str) -> None:
    code = read_share_code(text)
    if share.phone.id != code.phone:
        raise Difference("the request is to share with another phone than the one whose QR was scanned")
    told = jose.thumbprint(share.signature), jose.thumbprint(share.encryption)
    if told != (code.signature, code.encryption):
        raise Difference("the request has other keys for the new phone than the QR that was scanned")


def _wish_in(request: Request) -> dict[str, str]:
    change = request.change
    if change is None:
        return {}
    found = {
        "action": change.action,
        "credential": request.credential.id if request.credential else None,
        "phone": change.phone.id if change.phone else None,
        "reason": change.reason,
        APPLICATION: change.application.id if change.application else None,
    }
    return {name: value for name, value in found.items() if value is not None}
