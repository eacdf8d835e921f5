"""The secrets by which a phone confirms without a connection, and which confirmations make and end them. Pure.

Source: docs/device-protocol.md section 12.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mobile_mock.matter import OFFLINE, OFFLINE_END, PASSWORD, PIN, RELOCK
from mobile_mock.request import Request

SECRET_BYTES = 32
ENDING = {OFFLINE_END, PASSWORD, RELOCK}  # and a change of the PIN, which ends all of them


@dataclass(frozen=True, slots=True)
class OfflineSecret:
    """The offline secret of one credential, 32 bytes; None until the server took the first.

    following: the one that a confirmation offered in its place, None where that one ends it.
    changing:  the transaction of that confirmation, empty while there is none.
    """

    secret: bytes | None
    following: bytes | None = None
    changing: str = ""

    def settled(self, *, signed: bool) -> "OfflineSecret":
        """Return what holds, once it is known whether the confirmation came to something."""
        return OfflineSecret(self.following if signed else self.secret)


Secrets = Mapping[str, OfflineSecret]


def announced(kept: Secrets, request: Request) -> Secrets:
    """Return what must be kept before a confirmation is sent that makes an offline secret, or ends some."""
    if request.action == PIN:
        return {credential: _ending(secret, request) for credential, secret in kept.items()}
    if request.credential is None:
        return kept
    credential = request.credential.id
    if request.action == OFFLINE:
        return {**kept, credential: _following(kept.get(credential, OfflineSecret(None)), request)}
    if credential in kept and (request.relock or request.action in ENDING):
        return {**kept, credential: _ending(kept[credential], request)}
    return kept


def settled(kept: Secrets, transaction: str, *, signed: bool) -> Secrets:
    """Return the secrets that hold once a transaction has ended."""
    ended = {
        credential: secret.settled(signed=signed) if secret.changing == transaction else secret
        for credential, secret in kept.items()
    }
    return {credential: secret for credential, secret in ended.items() if secret != OfflineSecret(None)}


def _following(secret: OfflineSecret, request: Request) -> OfflineSecret:
    # A second answer to one request offers the same secret: either of the two may be the one that is taken.
    if secret.changing == request.transaction:
        return secret
    return replace(secret, following=secrets.token_bytes(SECRET_BYTES), changing=request.transaction)


def _ending(secret: OfflineSecret, request: Request) -> OfflineSecret:
    return replace(secret, following=None, changing=request.transaction)
