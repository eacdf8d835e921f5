"""Taking what another phone of the owner shared with this one. Pure.

Source: docs/device-protocol.md section 7.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mobile_mock import answer, jose
from mobile_mock.errors import Difference
from mobile_mock.forms import b64url, read_canonical
from mobile_mock.kept import Kept
from mobile_mock.matter import Sharing
from mobile_mock.members import Members
from mobile_mock.request import Expected, Request, read_request

CLAIMS = ("aud", "txn", "binding", "counter", "iat", "decision", "verification", "sealed_sha256", "share_sha256")
WHERE_ASKED = ("number",)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What one transaction shared with this phone, as the server hands it out; request, answer: JWS. share: JWE."""

    id: str
    request: str
    answer: str
    share: str


def read_parcel(item: Any) -> Parcel:
    """Read one item of the list. Raises Difference."""
    parcel = Members(item, "a share", ("id", "request", "answer", "share"))
    return Parcel(parcel.id("id"), parcel.text("request"), parcel.text("answer"), parcel.text("share"))


def open_parcel(parcel: Parcel, payload: bytes, kept: Kept) -> Mapping[str, bytes]:
    """Check a parcel, open it, and return `k_act` by credential. Raises Difference.

    payload: of the request, once its signature by the channel key was checked.
    The answer's signature is not checked, as this phone does not know the other one's key. A forged share opens no key
    and betrays none: it is of no use until the owner confirms with it, and then it is refused.
    """
    request = read_request(payload, Expected(kept.server, parcel.id, kept.owner.id, None), None)
    if request.share is None:
        raise Difference("the request was not to share keys")
    _check_addressee(request.share, kept)
    _check_answer(parcel, request, kept)
    key = jose.read_private(kept.encryption_key)
    plaintext = jose.unseal(parcel.share, key, kept.device, request.binding)
    return _shares(plaintext, {credential.id for credential in request.share.credentials})


def _check_addressee(share: Sharing, kept: Kept) -> None:
    mine = [jose.public(jose.read_private(key)) for key in (kept.encryption_key, kept.signature_key)]
    if share.phone.id != kept.device or [share.encryption, share.signature] != mine:
        raise Difference("the request was to share with another phone, or with other keys than this phone's")


def _check_answer(parcel: Parcel, request: Request, kept: Kept) -> None:
    told = jose.read_told(parcel.answer, "dss-answer+jws")
    if told.kid != request.matter.phone:
        raise Difference("the answer is not by the phone that was asked to share")
    claims = Members(read_canonical(told.payload), "the answer", CLAIMS, WHERE_ASKED)
    claims.must_be("aud", kept.server)
    claims.must_be("txn", parcel.id)
    claims.must_be("binding", b64url(request.binding))
    claims.must_be("decision", answer.CONFIRM)
    claims.must_be("share_sha256", answer.digest(parcel.share))


def _shares(plaintext: bytes, credentials: set[str]) -> dict[str, bytes]:
    given = Members(read_canonical(plaintext), "what was shared", ("shares",)).value["shares"]
    shares = Members(given, "what was shared", (), credentials)
    return {credential: shares.raw(credential, answer.SHARE_BYTES) for credential in shares.value}
