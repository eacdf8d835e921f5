"""Pages that their address alone opens: no cookie, no session, and no form code; who has the address may see them.

So nothing in them leads on with the address, and browsers tell it to nobody, not even to this server (Referrer-Policy).
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dss.kernel.errors import DssError, NotFound, Unavailable
from dss.notify.model import LOCALES
from dss.web.http.services import services_of
from dss.web.pages import policy
from dss.web.pages.templates import of_site, render

HEADERS: Final = {**policy.headers(), "Referrer-Policy": "no-referrer"}


def page(request: Request, template: str, locale: str, status: int = 200, **context: Any) -> Response:
    """Answer with a page in the language of the person whom it is for."""
    settings = services_of(request).settings
    site = of_site(settings.public_url, settings.name)
    return HTMLResponse(render(template, locale, visit=None, in_language=None, **site, **context), status, HEADERS)


def go(address: str) -> Response:
    """Answer with the way to another such page, said from this one."""
    return RedirectResponse(address, 303, HEADERS)


def refusal(request: Request, template: str, error: DssError) -> Response:
    """Answer without that person, in the language that the address says; of the error it tells its kind only."""
    topic = "unknown" if isinstance(error, NotFound) else "unavailable" if isinstance(error, Unavailable) else "failed"
    asked = request.query_params.get("lang")
    response = page(request, template, asked if asked in LOCALES else LOCALES[0], error.status, topic=topic)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response
