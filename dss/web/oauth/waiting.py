"""The page on which a signer waits for their phone, and which then goes on to the application.

Source: docs/authorization.md section 8.
"""

import re

from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.errors import AnswerRefused, Conflict, Expired, NotFound
from dss.kernel.ids import GrantId, is_id
from dss.oauth.awaiting import WaitingView
from dss.transactions.machine import ENDED, State
from dss.transactions.preparation import Stage
from dss.web.pages import standing
from dss.web.pages.serving import page
from dss.web.pages.streams import changes
from dss.web.pages.visit import Visit, leave

MARK = re.compile("[a-z-]{1,32}")
SHOWN = 100
GO_ON_S = 5
OVER = ENDED | {Stage.CANCELLED, Stage.FAILED}


def routes() -> list[Route]:
    """Return the routes of the page. Another's grant and one that there is not give one and the same 404."""
    at = "/oauth/waiting/{id}"
    return [
        page(at, show),
        page(f"{at}/events", events, of=at),
        page(f"{at}/link.png", draw_link, of=at),
        page(f"{at}/offline.png", draw_request, of=at),
        page(f"{at}/code", show_code, take_code, of=at),
        page(f"{at}/stop", take=stop, of=at),
    ]


async def show(visit: Visit) -> Response:
    """Show where the signature stands; once it is made, go on; what ended otherwise is told first."""
    session, id = visit.signed_in(), _id(visit)
    view = await visit.services.authorizing.waiting(id, session)
    if view.shown.state not in OVER:
        return _waiting(visit, view)
    address = await visit.services.authorizing.finish(id, session)
    if address is not None and view.shown.state is State.SIGNED:
        return leave(address)
    topic, here = standing.topic(view.shown), _at(view)
    return visit.page("oauth/ended.html", view=view, topic=topic, page=here, address=address, after=GO_ON_S)


async def events(visit: Visit) -> Response:
    """Tell the page once it would tell something else."""
    session, id, mark = visit.signed_in(), _id(visit), visit.query.get("since", "")
    await visit.services.authorizing.waiting(id, session)

    async def look(wait_s: float) -> str:
        since = mark if MARK.fullmatch(mark) else ""
        changed = await visit.services.authorizing.await_change(id, session, wait_s, since)
        return "other" if changed else "same"

    return changes(visit, session, "same", look)


async def draw_link(visit: Visit) -> Response:
    """Draw the QR of this second."""
    return await standing.picture_of_link(await visit.services.authorizing.link(_id(visit), visit.signed_in()))


async def draw_request(visit: Visit) -> Response:
    """Draw the QR for a phone without a connection."""
    text = await visit.services.authorizing.offline_text(_id(visit), visit.signed_in())
    return await standing.picture_of_request(text)


async def show_code(visit: Visit) -> Response:
    """Show that QR, with a field for what the phone shows then; it is not loaded anew: what is typed would be lost."""
    view = await visit.services.authorizing.waiting(_id(visit), visit.signed_in())
    return _code(visit, view) if view.shown.takes_code else visit.go(_at(view))


async def take_code(visit: Visit) -> Response:
    """Take such a code; what is none counts as no try."""
    session, id = visit.signed_in(), _id(visit)
    typed = standing.code_of(visit.form.get("code", ""))
    view = await visit.services.authorizing.waiting(id, session)
    if typed is None:
        return _code(visit, view, wrong=True)
    try:
        await visit.services.authorizing.answer(id, session, typed)
    except AnswerRefused:
        view = await visit.services.authorizing.waiting(id, session)
        return _code(visit, view, wrong=True) if view.shown.takes_code else visit.go(_at(view))
    except (Conflict, Expired):
        pass  # it was answered meanwhile, and the page tells how
    return visit.go(_at(view))


async def stop(visit: Visit) -> Response:
    """Cancel what waits for the phone, and show that it is."""
    id = _id(visit)
    await visit.services.authorizing.stop(id, visit.signed_in())
    return visit.go(f"/oauth/waiting/{id}")


def _waiting(visit: Visit, view: WaitingView) -> Response:
    return visit.page(
        "oauth/waiting.html",
        target=view.redirect_uri,
        view=view,
        topic=standing.topic(view.shown),
        documents=view.documents[:SHOWN],
        hashes=view.hashes[:SHOWN],
        page=_at(view),
        reload=standing.reload_s(view.shown),
    )


def _code(visit: Visit, view: WaitingView, *, wrong: bool = False) -> Response:
    status = AnswerRefused.status if wrong else 200
    return visit.page("oauth/code.html", status, view.redirect_uri, view=view, page=_at(view), wrong=wrong)


def _at(view: WaitingView) -> str:
    return f"/oauth/waiting/{view.grant_id}"


def _id(visit: Visit) -> GrantId:
    """Return the grant of an address. What cannot be an id is not looked up: databases refuse some texts."""
    id = visit.request.path_params["id"]
    if not is_id(id):
        raise NotFound
    return GrantId(id)
