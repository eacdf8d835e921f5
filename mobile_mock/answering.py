"""Turning a decision into an answer, and into what the phone keeps before it is sent.

Source: docs/device-protocol.md sections 5 to 7.
"""

import secrets
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from mobile_mock import jose, offline_code, offline_secret
from mobile_mock.answer import SHARE_BYTES, Answer, Confirmation, Gift, Refusal, Signer, draft
from mobile_mock.errors import Difference, NothingToDo
from mobile_mock.jose import BoxKey
from mobile_mock.kept import Kept, Share
from mobile_mock.matter import CREATE, OFFLINE, Sharing
from mobile_mock.request import Request
from mobile_mock.vow import Vow


def confirm(kept: Kept, request: Request, vow: Vow, now: datetime, held: Collection[str]) -> tuple[Kept, Answer]:
    """Return the confirmation, and what must be kept before it is sent.

    held: the credentials whose keys open with this phone's share, as the server says; of them alone a share is given.

    Raises Difference without a share of the key that the request needs, NothingToDo without any share to give.
    """
    kept = replace(kept, offline=offline_secret.announced(kept.offline, request))
    if request.opens_key and request.credential:
        share = _share(kept, request, request.credential.id)
        kept = kept.with_share(request.credential.id, share)
        sealed = vow.sealed(share.k_act, share.following if request.relocks else None)
    else:
        sealed = vow.sealed()
    sealed = replace(sealed, k_offline=_k_offline(kept, request, vow))
    gift = vow.wrong.gift(_gift(kept, request.share, held)) if request.share else None
    said = vow.wrong.twist(draft(request, kept.counter + 1, now), kept)
    confirmation = Confirmation(vow.by, vow.choice, vow.wrong.box(sealed), request.box_key, gift)
    answer = confirmation.answer(said, request, _signer(kept))
    return replace(kept, pin_next=vow.pin_next or kept.pin_next).with_answer(answer), answer


def decline(kept: Kept, request: Request, refusal: Refusal, now: datetime) -> tuple[Kept, Answer]:
    """Return the refusal, and what must be kept before it is sent."""
    answer = refusal.answer(draft(request, kept.counter + 1, now), request, _signer(kept))
    return kept.with_answer(answer), answer


def _share(kept: Kept, request: Request, credential: str) -> Share:
    share = kept.shares.get(credential)
    if request.kind == CREATE:
        return share or Share(secrets.token_bytes(SHARE_BYTES))
    if share is None:
        raise Difference("this phone holds no share of the key that would sign")
    # A second answer to one request offers the same fresh share: either of the two may be the one that is taken.
    if request.relocks and share.relocking != request.transaction:
        return replace(share, following=secrets.token_bytes(SHARE_BYTES), relocking=request.transaction)
    return share


def _k_offline(kept: Kept, request: Request, vow: Vow) -> bytes | None:
    if request.action != OFFLINE or request.credential is None:
        return None
    credential = request.credential.id
    secret = kept.offline[credential].following
    return offline_code.seal_secret(secret, vow.proof, credential) if secret else None


def _gift(kept: Kept, wanted: Sharing, held: Collection[str]) -> Gift:
    # A share that another phone's relock made useless must not take the place of the right one.
    ids = [one.id for one in wanted.credentials if one.id in kept.shares and one.id in held]
    if not ids:
        raise NothingToDo("this phone holds no share that opens one of the keys that it is to share")
    return Gift({id: kept.shares[id].k_act for id in ids}, BoxKey(wanted.phone.id, wanted.encryption))


def _signer(kept: Kept) -> Signer:
    return Signer(kept.device, jose.read_private(kept.signature_key))
