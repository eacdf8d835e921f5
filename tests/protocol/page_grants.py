"""An authorization endpoint without a database: what its pages ask of it, and what they are told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from dss.clients.model import Client
from dss.clients.profile import Profile
from dss.devices.items import Shown
from dss.devices.request import Kind
from dss.documents.model import Document
from dss.kernel.digest import Digest
from dss.kernel.errors import AnswerRefused, NotFound
from dss.kernel.ids import ClientId, CredentialId, DocumentId, GrantId
from dss.kernel.policy import Mode
from dss.login.model import Session
from dss.oauth.authorization_request import AuthorizationRequest
from dss.oauth.authorizing import Key
from dss.oauth.awaiting import WaitingView
from dss.oauth.rar import Detail
from dss.oauth.reading import Wish
from dss.oauth.redirects import WayBack
from dss.oauth.steps import Step
from dss.transactions.machine import State
from dss.transactions.waiting import WaitView
from tests.protocol.pages_world import FULL, NOW

CALLBACK = "https://rp.example/cb"
GRANT = GrantId("01KAJ9T8VX3N5Q7R9S1T2V4W6G")
PDF, SHA256 = "application/pdf", Digest.of(b"contract")
CLIENT = Client(
    ClientId("01KAJ9T8VX3N5Q7R9S1T2V4W6C"),
    "Bank <b>of</b> Examples",
    ("credential", "service"),
    None,
    None,
    "help@rp.example",
    NOW,
    profile=Profile(redirect_uris=(CALLBACK,)),
    logo=b"\x89PNG",
)
KEYS = tuple(
    Key(CredentialId(f"01KAJ9T8VX3N5Q7R9S1T2V4W6{end}"), f"CN=Key {end}", NOW + timedelta(days=90)) for end in "JK"
)
DETAIL = Detail(None, "Sign the <contract>", (DocumentId("1"),), (), (), "sha256", None, Mode.CHOOSE, {})
DOCUMENT = Document(DocumentId("1"), CLIENT.id, "contract.pdf", PDF, SHA256, 2048, NOW)
SERVICE = Wish(
    AuthorizationRequest(CLIENT.id, CALLBACK, "service", "c" * 43),
    CLIENT,
    "client_id=1",
    WayBack("https://sign.example", CALLBACK, "st"),
    (),
    NOW,
)
SIGNING = replace(SERVICE, request=replace(SERVICE.request, scope="credential", detail=DETAIL), documents=(DOCUMENT,))
SHOWN = WaitView(
    Kind.SIGN, State.AWAITING, CLIENT.name, "Sign it", 1, "en", ("contract.pdf",), Mode.CHOOSE, "42", True,
    takes_code=True,
)  # fmt: skip
VIEW = WaitingView(
    grant_id=GRANT,
    client=CLIENT,
    shown=SHOWN,
    documents=(Shown("contract.pdf", PDF, 2048, SHA256),),
    hashes=(),
    expires_at=NOW,
    is_over=False,
    redirect_uri=CALLBACK,
    mark="awaiting",
)


class AuthorizingStandIn:
    """Reads every query as one wish; fault: what it raises instead. ends: where the browser goes at the end."""

    def __init__(self, wish: Wish = SERVICE) -> None:
        self.wish, self.step, self.keys = wish, Step.CONSENT, KEYS
        self.fault: Exception | None = None
        self.view = VIEW
        self.ends: str | None = None
        self.changed = True
        self.allowed: list[tuple[str, str, str]] = []
        self.done: list[str] = []

    async def read_query(self, _: bytes) -> Wish:
        if self.fault:
            raise self.fault
        return self.wish

    async def next_step(self, _: Wish, session: Session | None) -> Step:
        return self.step if session is FULL else Step.SIGN_IN

    async def keys_for(self, wish: Wish, _: Session) -> tuple[Key, ...]:
        return self.keys if wish.request.detail else ()

    async def allow(self, wish: Wish, _: Session, browser: str, credential_id: str = "", nonce: str = "") -> str:
        self.allowed.append((browser, credential_id, nonce))
        return f"/oauth/waiting/{GRANT}" if wish.request.detail else wish.back.with_code("code")

    async def go_on(self, wish: Wish, session: Session) -> str:
        return await self.allow(wish, session, "")

    async def refuse(self, wish: Wish, _: Session | None = None) -> str:
        self.done.append("refused")
        return wish.back.with_error("access_denied", "the signer refused")

    async def waiting(self, id: GrantId, session: Session) -> WaitingView:
        if id != GRANT or session is not FULL:
            raise NotFound
        return self.view

    async def await_change(self, *_: Any) -> bool:
        return self.changed

    async def finish(self, *_: Any) -> str | None:
        return self.ends

    async def stop(self, *_: Any) -> str:
        self.done.append("stopped")
        return CALLBACK

    async def link(self, *_: Any) -> str:
        return "dss-link:1"

    async def offline_text(self, *_: Any) -> str:
        return "dss-offline:1"

    async def answer(self, _: GrantId, __: Session, typed: str) -> None:
        self.done.append(typed)
        if typed == "00000000":
            raise AnswerRefused


def ended(state: State, **more: Any) -> WaitingView:
    """Return the view of a signature that came to an end."""
    return replace(VIEW, shown=replace(SHOWN, state=state, number="", takes_code=False, **more), mark=state.value)
