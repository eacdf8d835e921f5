"""The page on which a person waits for their phone: the code in its address lets a browser see it, and nothing else."""

import re

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.errors import AnswerRefused, Conflict, DssError, Expired, NotFound
from dss.kernel.ids import TransactionId, is_id
from dss.transactions.waiting import WaitView
from dss.web.http.reading import FORM, read_body
from dss.web.http.services import services_of
from dss.web.pages import linked, standing
from dss.web.pages.visit import STILL

CODE = re.compile("[A-Za-z0-9_-]{43}")
NAMED = 20
LONGEST_FORM = 1000


def routes() -> list[Route]:
    """Return the routes of the page. A wrong code and a transaction that there is not give one and the same 404."""
    return [
        Route("/wait/{id}", show, methods=["GET"], name="wait"),
        Route("/wait/{id}/link.png", draw_link, methods=["GET"], name="wait-link"),
        Route("/wait/{id}/code", take_code, methods=["GET", "POST"], name="wait-code"),
        Route("/wait/{id}/offline.png", draw_request, methods=["GET"], name="wait-offline"),
    ]


async def show(request: Request) -> Response:
    """Show where the transaction stands, and what is to be scanned while it waits for that."""
    try:
        id, code = _capability(request)
        view = await services_of(request).waiting.view(id, code)
    except DssError as error:
        return _refusal(request, error)
    topic, reload, still = standing.topic(view), standing.reload_s(view), STILL in request.query_params
    return _page(request, "waiting/standing.html", view, topic=topic, reload=reload, still=still)


async def draw_link(request: Request) -> Response:
    """Draw the QR of this second; a refusal is a page that nobody sees, and makes the script look again."""
    try:
        text = await services_of(request).waiting.link(*_capability(request))
    except DssError as error:
        return _refusal(request, error)
    return await standing.picture_of_link(text)


async def draw_request(request: Request) -> Response:
    """Draw the QR for a phone without a connection."""
    try:
        text = await services_of(request).waiting.offline_text(*_capability(request))
    except DssError as error:
        return _refusal(request, error)
    return await standing.picture_of_request(text)


async def take_code(request: Request) -> Response:
    """GET shows that QR with a field; POST takes what was typed. The code in the address stands for the visitor.

    What was answered meanwhile is shown by the page of the transaction.
    """
    try:
        id, code = _capability(request)
        view = await services_of(request).waiting.view(id, code)
        if not view.takes_code:
            return linked.go(_address(id, code))
        right = request.method != "POST" or await _is_taken(request, id, code)
    except DssError as error:
        return _refusal(request, error)
    if right and request.method == "POST":
        return linked.go(_address(id, code))
    return _page(request, "waiting/code.html", view, 200 if right else AnswerRefused.status, wrong=not right)


async def _is_taken(request: Request, id: TransactionId, code: str) -> bool:
    """Return False for a wrong code, and for what is none."""
    form: dict[str, str] = await read_body(request, dict[str, str], (FORM,), LONGEST_FORM)
    typed = standing.code_of(form.get("code", ""))
    if typed is None:
        return False
    try:
        await services_of(request).waiting.answer(id, code, typed)
    except AnswerRefused:
        return False
    except (Conflict, Expired):
        return True
    return True


def _capability(request: Request) -> tuple[TransactionId, str]:
    """Return transaction and code of an address. What cannot be one is not looked up: databases refuse some texts."""
    id, code = request.path_params["id"], request.query_params.get("k", "")
    if not (is_id(id) and CODE.fullmatch(code)):
        raise NotFound
    return TransactionId(id), code


def _address(id: TransactionId, code: str) -> str:
    """Return the page's address as said from its parts, whatever proxy is before."""
    return f"../{id}?k={code}"


def _page(request: Request, template: str, view: WaitView, status: int = 200, **context: object) -> Response:
    id, code = _capability(request)
    names = view.names if len(view.names) <= NAMED else ()
    return linked.page(request, template, view.locale, status, view=view, names=names, id=id, k=code, **context)


def _refusal(request: Request, error: DssError) -> Response:
    return linked.refusal(request, "waiting/refusal.html", error)
