"""The stop link: the letter that told of a phone holds it, and who has it may do one thing, stop that phone.

Mail systems open the links of letters to look for harm, so a GET changes nothing; the button of the page is a POST.
Source: RFC 9110 section 9.2.1.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dss.kernel.errors import DssError, NotFound
from dss.kernel.ids import DeviceId, is_id
from dss.transactions.phones import StopView
from dss.web.http.services import services_of
from dss.web.pages import linked


def routes() -> list[Route]:
    """Return the route of the page. A wrong mac and a phone that there is not give one and the same 404."""
    return [Route("/stop/{device}/{mac}", stop, methods=["GET", "POST"], name="stop")]


async def stop(request: Request) -> Response:
    """GET shows the phone and what the button does; POST is the button, and shows what came of it."""
    try:
        view = await _view(request)
    except DssError as error:
        return linked.refusal(request, "stop/refusal.html", error)
    return linked.page(request, "stop/phone.html", view.locale, view=view)


async def _view(request: Request) -> StopView:
    phones = services_of(request).phones
    device, mac = _device(request), request.path_params["mac"]
    if request.method == "POST":
        return await phones.stop_by_link(device, mac)
    return await phones.stop_page(device, mac)


def _device(request: Request) -> DeviceId:
    """Return the phone of the link. What cannot be one is not looked up: databases refuse some characters."""
    device = request.path_params["device"]
    if not is_id(device):
        raise NotFound
    return DeviceId(device)
