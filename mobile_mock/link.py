"""One phone's link to its server: the store, the pinned channel key, and the transactions it fetches.

Source: docs/device-protocol.md sections 1 and 3.
"""

from collections.abc import Mapping
from dataclasses import replace

import httpx

from mobile_mock import jose
from mobile_mock.channel import check_introduction
from mobile_mock.errors import Difference, Refused
from mobile_mock.jose import Signed
from mobile_mock.keystore import Keystore
from mobile_mock.members import Members, require_id
from mobile_mock.server import Clock, Server

TRANSACTIONS = "/device/v1/transactions"
STATE_LIMIT = 32


class Link:
    """What every verb of an enrolled phone needs; now: the phone's clock."""

    def __init__(self, store: Keystore, http: httpx.AsyncClient, now: Clock) -> None:
        self.store = store
        self.now = now
        self._http = http
        self._known_server: Server | None = None

    @property
    def server(self) -> Server:
        """The server that this phone is enrolled at. Raises StoreFault without a phone."""
        if self._known_server is None:
            kept = self.store.load()
            key = jose.read_private(kept.signature_key)
            self._known_server = Server(self._http, kept.server, key, self.now)
        return self._known_server

    async def fetch(self, id: str, wait: int = 0) -> tuple[str, str]:
        """Return a transaction's state and its request, a JWS that nobody checked yet."""
        query: dict[str, str | int] = {"wait": wait} if wait else {}
        answer = await self.server.get(transaction_path(id), query, wait)
        members = Members(answer, "the answer", ("state", "request"))
        return members.shown("state", STATE_LIMIT), members.text("request")

    async def told_state(self, path: str, body: Mapping[str, str] | None = None) -> str:
        """Make a call whose reply is a state, and return it."""
        reply = Members(await self.server.post(path, body), "the reply", ("state",))
        return reply.shown("state", STATE_LIMIT)

    async def trusted(self, signed: Signed) -> bytes:
        """Return the payload of a server's message by the pinned key, or by one that it introduced."""
        if signed.by != self.store.load().channel_key:
            async with self.store.exclusive():
                await self._pin(signed.by)
        return signed.payload

    async def _pin(self, new: jose.Jwk) -> None:
        kept = self.store.load()
        if new == kept.channel_key:  # another task pinned it meanwhile
            return
        try:
            answer = await self.server.get(f"/device/v1/channel-keys/{jose.thumbprint(new)}")
        except Refused as fault:
            raise Difference("the request is signed by a key that the pinned one did not introduce") from fault
        text = Members(answer, "the answer", ("channel_key",)).text("channel_key")
        check_introduction(text, kept, new, self.now())
        self.store.save(replace(kept, channel_key=new))


def transaction_path(id: str) -> str:
    """Return the path of a transaction. Raises BadInput on what cannot be one."""
    return f"{TRANSACTIONS}/{require_id(id, 'transaction')}"
