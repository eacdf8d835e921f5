"""How a client proves who it is in a form: the same parameters at every endpoint."""

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request

from dss.oauth.client_authentication import ClientProof
from dss.web.http.peer import certificate_of

FORM_LIMIT = 32 * 1024

Short = Annotated[str, Meta(max_length=1024)]


class ClientForm(msgspec.Struct, kw_only=True):
    """The client of a request; a parameter that is not known is ignored (RFC 6749 section 3.2)."""

    client_id: Short = ""
    client_secret: Short = ""
    client_assertion_type: Short = ""
    client_assertion: Annotated[str, Meta(description="A JWT of the client (RFC 7523 section 2.2).")] = ""


def proof_of(request: Request, form: ClientForm) -> ClientProof:
    """Return what a request tells of its client. Raises BadRequest."""
    return ClientProof(
        client_id=form.client_id,
        client_secret=form.client_secret,
        client_assertion=form.client_assertion,
        client_assertion_type=form.client_assertion_type,
        authorization=request.headers.get("authorization", ""),
        certificate=certificate_of(request),
    )
