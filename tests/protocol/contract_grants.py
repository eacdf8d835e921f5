"""What random requests need of the authorization server: a client with all grants, tokens of a signer, right values."""

import json
from base64 import b64encode
from dataclasses import dataclass, field
from typing import Any

from dss.clients.change import Change
from dss.clients.model import RELYING, SIGNERS
from dss.clients.profile import GrantType
from dss.kernel.ids import ClientId, LoginId, TransactionId
from dss.oauth import pkce
from dss.oauth.exchange import ACCESS_TOKEN
from dss.oauth.grant import CREDENTIAL, SERVICE, NewGrant
from tests.protocol.scene import ABSENT, HASH, Scene
from tests.world.dpop import DpopKey
from tests.world.world import OPERATOR, SERVER, Application

CALLBACK = "https://contracts.example/back"
VERIFIER = "a-verifier-that-only-its-client-has-ever-seen.~_"
OF_CLIENT = ("client_id", "client_secret", "client_assertion", "client_assertion_type")
DETAIL: dict[str, Any] = {"type": "signature", "text": "The contract", "hashes": [HASH], "hash_algorithm": "sha256"}
PUSHED = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "code_challenge": pkce.challenge_of(VERIFIER),
    "code_challenge_method": "S256",
}


@dataclass(frozen=True)
class Granted:
    """A client, and what a signer allowed it.

    key, nonce: by which calls for the signer are proven. tokens: by their scope; bound to that key.
    right:      values of forms that are good, by the member. exchanged: what a token exchange takes.
    """

    client: Application
    key: DpopKey
    nonce: str
    tokens: dict[str, str] = field(default_factory=dict)
    right: dict[str, str] = field(default_factory=dict)
    exchanged: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def of(cls, scene: Scene, signature_id: str) -> "Granted":
        """Let the shop have all grants, and the signer allow it to read their keys and one signature."""
        shop, services = scene.shop, scene.world.services
        change = Change(scopes=(*RELYING, *SIGNERS), redirect_uris=(CALLBACK,), grants=tuple(GrantType))
        await services.clients.change(ClientId(shop.id), change, OPERATOR)
        key, nonce = DpopKey.new(scene.world.clock), await services.calling.proofs.nonce()
        detail = {**DETAIL, "credential_id": scene.alice.credential_id, "signature_id": signature_id}
        grants = {
            SERVICE: _new(scene, (SERVICE,)),
            CREDENTIAL: _new(scene, (CREDENTIAL,), details=(detail,), signature_id=TransactionId(signature_id)),
        }
        made = cls(shop, key, nonce)
        for scope, grant in grants.items():
            given = await made._redeem(await services.grants.issue(grant), made.proof("POST", "/oauth/token"))
            made.tokens[scope] = given["access_token"]
        await made._learn(*[await services.grants.issue(_new(scene, (SERVICE,))) for _ in range(2)])
        return made

    @property
    def basic(self) -> str:
        """How the client proves itself in a header."""
        return "Basic " + b64encode(f"{self.client.id}:{self.client.secret}".encode()).decode()

    def proof(self, method: str, path: str, token: str = "") -> dict[str, str]:
        """Return the header that proves the key for one request."""
        return {"DPoP": self.key.proof(method, f"{SERVER}{path}", self.nonce, token)}

    def call(self, method: str, path: str) -> dict[str, str]:
        """Return the headers of a call for the signer."""
        token = self.tokens[CREDENTIAL if path.startswith("/v1/signatures") else SERVICE]
        return {"Authorization": f"DPoP {token}", **self.proof(method, path, token)}

    def aim(self, path: str, form: dict[str, Any]) -> None:
        """Put right values into a form that is right by its schema: each way in its turn, what else it has as it is."""
        turn = len(form) + len(str(form))
        for name in OF_CLIENT:
            form.pop(name, None)
        form |= {name: value for name, value in self.right.items() if name in form}
        if path == "/oauth/token":
            form["grant_type"] = list(GrantType)[turn % len(GrantType)]
        if form.get("grant_type") == GrantType.TOKEN_EXCHANGE:
            form |= self.exchanged
        if path == "/oauth/par":
            form |= PUSHED | {"scope": (SERVICE, CREDENTIAL)[turn % 2]}

    async def _learn(self, code: str, another: str) -> None:
        """Take tokens that nobody needs, and what goes with them: what is tried out ends them."""
        given, other = await self._redeem(code, {}), await self._redeem(another, {})
        self.exchanged.update(
            subject_token=other["access_token"],
            actor_token=self.client.http.headers["Authorization"].removeprefix("Bearer "),
            **dict.fromkeys(("subject_token_type", "actor_token_type", "requested_token_type"), ACCESS_TOKEN),
        )
        self.right.update(
            token=given["access_token"],
            refresh_token=given["refresh_token"],
            code=code,
            code_verifier=VERIFIER,
            redirect_uri=CALLBACK,
            authorization_details=json.dumps([DETAIL]),
        )

    async def _redeem(self, code: str, proof: dict[str, str]) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, "redirect_uri": CALLBACK}
        who = (self.client.id, self.client.secret)
        return (await self.client.http.post("/oauth/token", data=form, auth=who, headers=proof)).json()


def _new(scene: Scene, scopes: tuple[str, ...], **changes: Any) -> NewGrant:
    """What the signer allows the shop."""
    return NewGrant(
        ClientId(scene.shop.id),
        scene.alice.user.id,
        LoginId(ABSENT),
        scopes=scopes,
        redirect_uri=CALLBACK,
        code_challenge=pkce.challenge_of(VERIFIER),
        authenticated_at=scene.world.clock.now(),
        **changes,
    )
