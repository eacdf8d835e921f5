"""What both the authorization endpoint and the push endpoint do with a request: read it, and look for its documents."""

from dataclasses import dataclass
from datetime import datetime

from dss.clients.model import Client
from dss.documents.model import Document
from dss.documents.service import Documents
from dss.kernel.errors import Conflict, Invalid
from dss.kernel.ids import CredentialId
from dss.oauth import authorization_request, rar
from dss.oauth.authorization_errors import InvalidAuthorizationDetails
from dss.oauth.authorization_request import AuthorizationRequest, Query
from dss.oauth.pushed import Pushed
from dss.oauth.rar import Detail
from dss.oauth.redirects import WayBack
from dss.transactions import rules
from dss.transactions.model import Limits


@dataclass(frozen=True, slots=True)
class Wish:
    """An authorization request that was read, and may be granted.

    reached_by: the query by which a browser comes back to it.
    back:       where the answers go.
    documents:  that are to be signed, as they were uploaded; of hashes nothing is known.
    asked_at:   when the person was first asked: a sign-in that must be fresh is younger than that.
    pushed:     the request as it was pushed, or None.
    """

    request: AuthorizationRequest
    client: Client
    reached_by: str
    back: WayBack
    documents: tuple[Document, ...]
    asked_at: datetime
    pushed: Pushed | None = None


class Reading:
    """Reads requests. limits: of what is signed at once."""

    def __init__(self, documents: Documents, limits: Limits) -> None:
        self._documents = documents
        self._limits = limits

    async def read(self, query: Query, client: Client) -> tuple[AuthorizationRequest, tuple[Document, ...]]:
        """Return the request, and the documents in its order. Raises as `authorization_request.read`."""
        request = authorization_request.read(query, client, self._limits)
        return request, () if request.detail is None else await self._of(client, request.detail)

    async def _of(self, client: Client, detail: Detail) -> tuple[Document, ...]:
        """Return the documents of a detail: the client's own, and those that are meant."""
        found = await self._documents.among(client.id, set(detail.documents))
        if not all(id in found for id in detail.documents):
            raise InvalidAuthorizationDetails("there is no such document")
        try:
            rules.require_documents(detail.wish(client.id, CredentialId("")), found, self._limits)
        except (Conflict, Invalid) as fault:
            raise rar.refused(fault) from fault
        return tuple(found[id] for id in detail.documents)
