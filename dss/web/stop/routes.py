"""The stop link: the letter that told of a phone holds it, and who has it may do one thing, stop that phone.

Mail systems open the links of letters to look for harm, so a GET changes nothing; the button of the page is a POST.
Source: RFC 9110 section 9.2.1.
"""

import re

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dss.kernel.errors import DssError, NotFound
from dss.kernel.ids import CROCKFORD, LENGTH, DeviceId
from dss.notify.model import LOCALES
from dss.transactions.phones import StopView
from dss.web.http.services import services_of
from dss.web.stop import page

ID = re.compile(f"[{CROCKFORD}]{{{LENGTH}}}")
HEADERS = {"Content-Security-Policy": page.POLICY}


def routes() -> list[Route]:
    """Return the route of the page. A wrong mac and a phone that there is not give one and the same 404."""
    return [Route("/stop/{device}/{mac}", stop, methods=["GET", "POST"], name="stop")]


async def stop(request: Request) -> Response:
    """GET shows the phone and what the button does; POST is the button, and shows what came of it."""
    try:
        view = await _view(request)
    except DssError as error:
        return _refusal(request, error)
    return HTMLResponse(page.of_phone(view), headers=HEADERS)


async def _view(request: Request) -> StopView:
    phones = services_of(request).phones
    device, mac = _device(request), request.path_params["mac"]
    if request.method == "POST":
        return await phones.stop_by_link(device, mac)
    return await phones.stop_page(device, mac)


def _device(request: Request) -> DeviceId:
    """Return the phone of the link. What cannot be one is not looked up: databases refuse some characters."""
    device = request.path_params["device"]
    if not ID.fullmatch(device):
        raise NotFound
    return DeviceId(device)


def _refusal(request: Request, error: DssError) -> Response:
    """Answer without a phone, whose owner's language would be known: the link itself then says it."""
    asked = request.query_params.get("lang")
    headers = HEADERS if error.retry_after is None else HEADERS | {"Retry-After": str(error.retry_after)}
    text = page.of_refusal(error, asked if asked in LOCALES else LOCALES[0])
    return HTMLResponse(text, error.status, headers)
