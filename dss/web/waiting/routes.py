"""The page on which a person waits for their phone: the code in its address lets a browser see it, and nothing else."""

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from dss.kernel.errors import AnswerRefused, Conflict, DssError, Expired, NotFound
from dss.kernel.ids import CROCKFORD, LENGTH, TransactionId
from dss.notify.model import LOCALES
from dss.web.http.pictures import PNG, qr_png
from dss.web.http.reading import FORM, read_body
from dss.web.http.services import services_of
from dss.web.waiting import page
from dss.web.waiting.page import Addresses

ID = re.compile(f"[{CROCKFORD}]{{{LENGTH}}}")
CODE = re.compile("[A-Za-z0-9_-]{43}")
TYPED, BETWEEN = re.compile("[0-9]{8}"), re.compile("[ -]")
HEADERS = {"Content-Security-Policy": page.POLICY}
SCALE, SCALE_OF_REQUESTS = 6, 3
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
    return HTMLResponse(page.of_transaction(view, _addresses(f"{id}/", id, code)), headers=HEADERS)


async def draw_link(request: Request) -> Response:
    """Draw the QR of this second; a refusal is a page that nobody sees, and its status is what the script reads."""
    try:
        text = await services_of(request).waiting.link(*_capability(request))
    except DssError as error:
        return _refusal(request, error)
    return Response(await qr_png(text, SCALE), media_type=PNG)


async def draw_request(request: Request) -> Response:
    """Draw the QR for a phone without a connection."""
    try:
        text = await services_of(request).waiting.offline_text(*_capability(request))
    except DssError as error:
        return _refusal(request, error)
    return Response(await qr_png(text, SCALE_OF_REQUESTS), media_type=PNG)


async def take_code(request: Request) -> Response:
    """GET shows that QR with a field; POST takes what was typed. The code in the address stands for the visitor.

    What was answered meanwhile is shown by the page of the transaction.
    """
    try:
        id, code = _capability(request)
        view = await services_of(request).waiting.view(id, code)
        if not view.takes_code:
            return _to_page(id, code)
        right = request.method != "POST" or await _is_taken(request, id, code)
    except DssError as error:
        return _refusal(request, error)
    if right and request.method == "POST":
        return _to_page(id, code)
    text = page.of_code(view, _addresses("", id, code), wrong=not right)
    return HTMLResponse(text, 200 if right else AnswerRefused.status, HEADERS)


async def _is_taken(request: Request, id: TransactionId, code: str) -> bool:
    """Return False for a wrong code; what is not 8 digits is none, and counts as no try."""
    form: dict[str, str] = await read_body(request, dict[str, str], (FORM,), LONGEST_FORM)
    typed = BETWEEN.sub("", form.get("code", ""))
    if not TYPED.fullmatch(typed):
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
    if not (ID.fullmatch(id) and CODE.fullmatch(code)):
        raise NotFound
    return TransactionId(id), code


def _addresses(folder: str, id: TransactionId, code: str) -> Addresses:
    """Return the addresses as said from a page, whatever proxy is before; folder: how it comes to the pictures."""
    to_page = f"../{id}?k={code}"
    return Addresses(to_page, f"{folder}link.png?k={code}", f"{folder}code?k={code}", f"{folder}offline.png?k={code}")


def _to_page(id: TransactionId, code: str) -> Response:
    return RedirectResponse(f"../{id}?k={code}", 303, HEADERS)


def _refusal(request: Request, error: DssError) -> Response:
    """Answer without a transaction, whose person's language would be known."""
    asked = request.query_params.get("lang")
    headers = HEADERS if error.retry_after is None else HEADERS | {"Retry-After": str(error.retry_after)}
    return HTMLResponse(page.of_refusal(error, asked if asked in LOCALES else LOCALES[0]), error.status, headers)
