"""The authorization endpoint for people: sign in, consent, and back to the application.

Source: RFC 6749 section 4.1; RFC 9700 sections 4.1, 4.7 and 4.16; docs/authorization.md section 4.
"""

import secrets
from collections.abc import Awaitable, Callable
from functools import wraps

from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.digest import Digest
from dss.kernel.errors import Unauthenticated
from dss.login.model import Session
from dss.oauth.authorization_errors import PageFault, RequestGone, SentBack
from dss.oauth.reading import Wish
from dss.oauth.steps import Step
from dss.web.pages.serving import page
from dss.web.pages.visit import Visit, leave

SHOWN = 100
NONCE_BYTES = 16


def routes() -> list[Route]:
    """Return the route of the endpoint: GET is the request, POST is what the person decided on our page."""
    return [page("/oauth/authorize", show, decide)]


def _answered(answer: Callable[[Visit], Awaitable[Response]]) -> Callable[[Visit], Awaitable[Response]]:
    """Have the client told what is its own to hear, and the person what the client must not be told."""

    @wraps(answer)
    async def told(visit: Visit) -> Response:
        try:
            return await answer(visit)
        except SentBack as back:
            return leave(back.url)
        except RequestGone as fault:
            return visit.page("oauth/gone.html", fault.status)
        except PageFault as fault:
            return visit.page("oauth/fault.html", fault.status, detail=fault.detail)

    return told


@_answered
async def show(visit: Visit) -> Response:
    """Take a request, and show what is asked next."""
    wish = await _wish(visit)
    step = await visit.services.authorizing.next_step(wish, visit.session)
    if step is Step.SIGN_IN or visit.session is None:
        return _sign_in(visit, wish)
    if step is Step.GO_ON and visit.request.method != "HEAD":  # who only looks gets nothing
        return await _gone_on(visit, wish, visit.session)
    return await _consent(visit, wish, visit.session)


@_answered
async def decide(visit: Visit) -> Response:
    """Take what the person decided; the request stands in the address, as on the page."""
    wish = await _wish(visit)
    if visit.form.get("decision") != "allow":
        return leave(await visit.services.authorizing.refuse(wish, visit.session))
    # Whether they are signed in, and what was decided before, `allow` looks at: a form that is sent twice is no fault.
    return _sign_in(visit, wish) if visit.session is None else await _allowed(visit, wish, visit.session)


async def _wish(visit: Visit) -> Wish:
    return await visit.services.authorizing.read_query(visit.request.scope["query_string"])


def _sign_in(visit: Visit, wish: Wish) -> Response:
    """Go on to signing in, also for who has to do so once more."""
    return visit.go("/signin", then=_here(wish), again="1" if visit.session else "")


async def _allowed(visit: Visit, wish: Wish, session: Session) -> Response:
    """Go on to the client, or to the page that waits for the phone."""
    key, nonce = visit.form.get("credential_id", ""), visit.form.get("nonce", "")
    try:
        address = await visit.services.authorizing.allow(wish, session, visit.where.browser, key, nonce)
    except Unauthenticated:
        return _sign_in(visit, wish)
    return visit.go(address) if address.startswith("/") else leave(address)


async def _gone_on(visit: Visit, wish: Wish, session: Session) -> Response:
    """Go on to the client by what was allowed before."""
    try:
        return leave(await visit.services.authorizing.go_on(wish, session))
    except Unauthenticated:
        return _sign_in(visit, wish)


async def _consent(visit: Visit, wish: Wish, session: Session) -> Response:
    detail = wish.request.detail
    keys = await visit.services.authorizing.keys_for(wish, session)
    return visit.page(
        "oauth/consent.html",
        target=wish.request.redirect_uri,
        client=wish.client,
        redirect_uri=wish.request.redirect_uri,
        detail=detail,
        documents=wish.documents[:SHOWN],
        hashes=[Digest(detail.hash_algorithm, value) for value in detail.hashes[:SHOWN]] if detail else [],
        more=max(len(wish.documents), len(detail.hashes) if detail else 0) - SHOWN,
        keys=keys,
        then=_here(wish),
        nonce=secrets.token_urlsafe(NONCE_BYTES),
    )


def _here(wish: Wish) -> str:
    return f"/oauth/authorize?{wish.reached_by}"
