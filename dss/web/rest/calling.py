"""Who calls: the relying application of the access token, for itself or for a signer."""

from starlette.requests import Request

from dss.kernel.errors import NotFound
from dss.kernel.ids import ClientId, TransactionId, UserId
from dss.oauth.caller import Caller

# Scopes of operations that signers' tokens open besides, each for what is the signer's own and no more.
READS_KEYS = ("credentials", "service")
READS_SIGNATURES = ("signatures", "credential")


def client_of(request: Request) -> ClientId:
    """Return the relying application that calls."""
    caller: Caller = request.state.caller
    return caller.client_id


def signer_of(request: Request) -> UserId | None:
    """Return the signer whom the application speaks for, or None where it speaks for itself."""
    caller: Caller = request.state.caller
    return caller.user_id


def signature_of(request: Request, id: str) -> TransactionId:
    """Return the id of a signature. Raises NotFound where a signer's token is for another one.

    The scope alone does not say which: the application's other signatures are as little this token's as anybody's.
    """
    caller: Caller = request.state.caller
    if caller.user_id is not None and id not in caller.signatures:
        raise NotFound
    return TransactionId(id)
