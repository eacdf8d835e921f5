"""Turning a decision into an answer, and into what the phone keeps before it is sent.

Source: docs/device-protocol.md section 5.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime

from mobile_mock import jose
from mobile_mock.answer import SHARE_BYTES, Answer, Confirmation, Refusal, Sealed, Signer, draft
from mobile_mock.errors import Difference
from mobile_mock.kept import Kept, Share
from mobile_mock.misbehave import Misbehaviour
from mobile_mock.request import Request


@dataclass(frozen=True, slots=True)
class Vow:
    """How the owner confirms: by `pin` or `biometric`, with the PIN proof, and what the tester wants done wrong."""

    by: str
    proof: bytes
    wrong: Misbehaviour


def confirm(kept: Kept, request: Request, vow: Vow, now: datetime) -> tuple[Kept, Answer]:
    """Return the confirmation, and what must be kept before it is sent. Raises Difference without a key share."""
    share = _share(kept, request)
    sealed = Sealed(share.k_act, vow.proof, share.following if request.relock else None)
    said = vow.wrong.twist(draft(request, kept.counter + 1, now), kept)
    answer = Confirmation(vow.by, sealed, request.box_key).answer(said, request, _signer(kept))
    return kept.with_share(request.credential.id, share).with_answer(answer), answer


def decline(kept: Kept, request: Request, refusal: Refusal, now: datetime) -> tuple[Kept, Answer]:
    """Return the refusal, and what must be kept before it is sent."""
    answer = refusal.answer(draft(request, kept.counter + 1, now), request, _signer(kept))
    return kept.with_answer(answer), answer


def _share(kept: Kept, request: Request) -> Share:
    share = kept.shares.get(request.credential.id)
    if request.kind == "create":
        return share or Share(secrets.token_bytes(SHARE_BYTES))
    if share is None:
        raise Difference("this phone holds no share of the key that would sign")
    if request.relock:
        return replace(share, following=secrets.token_bytes(SHARE_BYTES), relocking=request.transaction)
    return share


def _signer(kept: Kept) -> Signer:
    return Signer(kept.device, jose.read_private(kept.signature_key))
