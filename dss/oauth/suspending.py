"""The verbs by which operators stop an application, and let it work again.

Source: docs/authorization.md section 2.
"""

from functools import partial

from dss.clients.model import Client
from dss.clients.service import Clients
from dss.kernel.clock import Clock
from dss.kernel.ids import ClientId
from dss.oauth.grants import Grants
from dss.oauth.issuer import LONGEST_TOKEN
from dss.oauth.revoked import NEVER, Revoked
from dss.transactions.withdrawing import Withdrawing

WHY = "the application is suspended"


class Suspending:
    """Suspends applications, and resumes them."""

    def __init__(
        self, clients: Clients, grants: Grants, revoked: Revoked, withdrawing: Withdrawing, clock: Clock
    ) -> None:
        self._clients = clients
        self._grants = grants
        self._revoked = revoked
        self._withdrawing = withdrawing
        self._clock = clock

    async def suspend(self, id: ClientId, actor: str) -> Client:
        """Stop an application: it gets nothing any more, its tokens are refused, and all that it asked for ends.

        A second time ends what a first one that failed half-way left. Raises NotFound, Conflict, Tampered, Unavailable.
        """
        client = await self._clients.suspend(id, actor, partial(self._revoked.refuse_client, id=id, expires_at=NEVER))
        self._revoked.note(id, NEVER)
        await self._end_all(id, actor)
        return client

    async def resume(self, id: ClientId, actor: str) -> Client:
        """Let an application work again; nothing that was ended comes back. Raises as `suspend`.

        What was under way at the very moment of its suspension ends now. One that works changes by nothing.
        """
        client = await self._clients.get(id)
        if not client.profile.suspended:
            return client
        await self._end_all(id, actor)
        until = self._clock.now() + LONGEST_TOKEN
        client = await self._clients.resume(id, actor, partial(self._revoked.refuse_client, id=id, expires_at=until))
        self._revoked.note(id, until)
        return client

    async def _end_all(self, id: ClientId, actor: str) -> None:
        await self._withdrawing.all_of(id, WHY, actor)
        await self._grants.end_all_of_client(id, WHY, actor)
