"""What tokens cost: where they are given, where they are looked at, and with each call that they come with."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from dss.clients.model import SIGNERS
from dss.clients.profile import GrantType, Profile
from dss.clients.service import NewClient
from dss.kernel.ids import ClientId, Ids, LoginId
from dss.oauth import pkce
from dss.oauth.grant import NewGrant
from dss.users.model import User
from tests.bench.meter import Steps
from tests.bench.stage import Stage
from tests.world.dpop import DpopKey
from tests.world.relying_app import RelyingApp, form
from tests.world.world import OPERATOR, SERVER, Application

KEYED, SECRET = "client credentials, by private_key_jwt", "client credentials, by a secret"
CODE, REFRESH = "a code, redeemed", "a refresh token, used"
INTROSPECTION = "introspection of a signer's token"
CALL, BOUND = "a call of /v1, plain token", "a call of /v1, token bound by DPoP"
TOKENS = (KEYED, SECRET, CODE, REFRESH, INTROSPECTION, CALL, BOUND)
EACH = 5
TOKEN_PATH, CALLED = "/oauth/token", "/v1/documents"  # a list of nothing: it costs little besides
CALLBACK = "https://bench.example/back"
VERIFIER = "a-verifier-that-only-its-client-has-ever-seen.~_"

Work = Callable[[], Awaitable[httpx.Response]]


@dataclass(slots=True)
class TokenTurn:
    """The turn of tokens in each round.

    http:  sends what is proven in the request itself.
    keyed: an application that proves itself by a key. reader: one with a secret, which signers allow things.
    given: what the reader was given last for a signer. key, bound: of DPoP, and the token that is bound to it.
    """

    stage: Stage
    http: httpx.AsyncClient
    keyed: RelyingApp
    reader: Application
    signer: User
    key: DpopKey
    given: dict[str, Any]
    bound: str = ""

    @classmethod
    async def ready(cls, stage: Stage) -> "TokenTurn":
        """Register two relying applications and a signer."""
        world = stage.world
        clients = world.services.clients
        keyed = await RelyingApp.registered(clients, world.clock, "Keyed", ("signatures",))
        grants = (GrantType.CLIENT_CREDENTIALS, GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN)
        profile = Profile(redirect_uris=(CALLBACK,), grants=grants)
        new = NewClient("Reader", ("signatures", *SIGNERS), with_secret=True, profile=profile)
        registered = await clients.register(new, OPERATOR)
        reader = Application(world.http(), registered.client.id, registered.secret or "")
        return cls(stage, world.http(), keyed, reader, await world.user("reads"), DpopKey.new(world.clock), {})

    async def measure(self) -> Steps:
        """Do all of it; the tokens of the turn before may have ended."""
        await self.reader.log_in()
        proven = await self._proof("POST", TOKEN_PATH)
        self.bound = (await self._ask(TOKEN_PATH, proven, grant_type="client_credentials")).json()["access_token"]
        self.stage.meter.taken()
        work: dict[str, Work] = {
            KEYED: lambda: self.http.post(TOKEN_PATH, data=form(self.keyed.assertion(aud=SERVER))),
            SECRET: lambda: self._ask(TOKEN_PATH, grant_type="client_credentials"),
            CODE: self._redeem,
            REFRESH: self._refresh,
            INTROSPECTION: lambda: self._ask("/oauth/introspect", token=self.given["access_token"]),
            CALL: lambda: self.reader.http.get(CALLED),
            BOUND: self._call_by_key,
        }
        for name, one in work.items():
            with self.stage.meter.step(name):
                for _ in range(EACH):
                    answer = await one()
                    assert answer.status_code == 200, answer.text
        return {name: spent.each(EACH) for name, spent in self.stage.meter.taken().items()}

    async def _redeem(self) -> httpx.Response:
        redeemed = {"code": await self._code(), "code_verifier": VERIFIER, "redirect_uri": CALLBACK}
        return await self._give(grant_type="authorization_code", **redeemed)

    async def _refresh(self) -> httpx.Response:
        return await self._give(grant_type="refresh_token", refresh_token=self.given["refresh_token"])

    async def _call_by_key(self) -> httpx.Response:
        headers = {"Authorization": f"DPoP {self.bound}", **await self._proof("GET", CALLED, self.bound)}
        return await self.http.get(CALLED, headers=headers)

    async def _code(self) -> str:
        """Return a code, as after a consent in the browser."""
        world = self.stage.world
        new = NewGrant(
            ClientId(self.reader.id),
            self.signer.id,
            LoginId(Ids(world.clock).new()),
            scopes=("service",),
            redirect_uri=CALLBACK,
            code_challenge=pkce.challenge_of(VERIFIER),
            authenticated_at=world.clock.now(),
        )
        return await world.services.grants.issue(new)

    async def _give(self, **asked: str) -> httpx.Response:
        answer = await self._ask(TOKEN_PATH, **asked)
        self.given = answer.json()
        return answer

    async def _ask(self, path: str, headers: dict[str, str] | None = None, **asked: str) -> httpx.Response:
        who = (self.reader.id, self.reader.secret)
        return await self.http.post(path, data=asked, headers=headers, auth=who)

    async def _proof(self, method: str, path: str, token: str = "") -> dict[str, str]:
        nonce = await self.stage.world.services.calling.proofs.nonce()
        return {"DPoP": self.key.proof(method, f"{SERVER}{path}", nonce, token)}
