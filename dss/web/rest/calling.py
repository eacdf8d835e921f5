"""Who calls: the relying application of the access token."""

from starlette.requests import Request

from dss.kernel.ids import ClientId
from dss.oauth.service import Caller


def client_of(request: Request) -> ClientId:
    """Return the relying application that calls."""
    caller: Caller = request.state.caller
    return caller.client_id
