"""Routes of pages: who is there, whether a form is ours, and a page for every refusal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dss.kernel.errors import DssError, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable
from dss.web.http.services import services_of
from dss.web.pages import language, local, policy
from dss.web.pages.forms import ForeignForm, Forms
from dss.web.pages.templates import of_site, render
from dss.web.pages.visit import SignedOut, Visit, visit_of

Answer = Callable[[Visit], Awaitable[Response]]

# What a refusal's page says, by the kind of the error; all others say that it did not work.
TOPICS: tuple[tuple[type[DssError], str], ...] = (
    (ForeignForm, "form"),
    (NotFound, "unknown"),
    (TooMany, "later"),
    (Unavailable, "unavailable"),
    (Unauthenticated, "signed_out"),
)


def page(path: str, show: Answer | None = None, take: Answer | None = None) -> Route:
    """Return the route of a page: `show` answers GET, `take` answers a form of ours that was posted."""
    answers = {"GET": show, "HEAD": show, "POST": take}

    async def serve(request: Request) -> Response:
        answer = answers[request.method]
        assert answer is not None, "the route takes no other method"
        return await _served(request, answer)

    methods = [method for method, answer in (("GET", show), ("POST", take)) if answer]
    return Route(path, serve, methods=methods)


def forms_of(request: Request) -> Forms:
    """Return what makes and checks the codes of forms."""
    forms: Forms = request.state.forms
    return forms


async def _served(request: Request, answer: Answer) -> Response:
    visit = None
    try:
        visit = await visit_of(request, forms_of(request))
        visit = await _with_form(visit) if request.method == "POST" else visit
        response = await answer(visit)
    except SignedOut:
        assert visit is not None, "it is raised by the page"
        response = visit.go("/signin", then=local.local(request.url.path))
    except DssError as error:
        response = refusal(request, error, visit)
    if visit is not None:
        visit.jar.keep_browser(response, visit.where.browser)
    return response


async def _with_form(visit: Visit) -> Visit:
    form = await forms_of(visit.request).read(visit.request, visit.code, visit.services.settings.public_url)
    return replace(visit, form=form)


def refusal(request: Request, error: DssError, visit: Visit | None) -> Response:
    """Return the page of a refusal; of the error it tells its kind, and how long to wait."""
    topic = next((topic for kind, topic in TOPICS if isinstance(error, kind)), "failed")
    # A 401 would name a scheme by which browsers sign in themselves (RFC 9110 section 15.5.2); there is none.
    status = Forbidden.status if isinstance(error, Unauthenticated) else error.status
    context: dict[str, Any] = {"topic": topic, "wait": error.retry_after}
    if visit is not None:
        response = visit.page("refusal.html", status, **context)
    else:
        response = _to_anybody(request, status, context)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _to_anybody(request: Request, status: int, context: dict[str, Any]) -> Response:
    """Answer where it is not known who is there: the address could not be read, or the database."""
    settings = services_of(request).settings
    locale = language.chosen((), "", request.headers.get("accept-language", ""))
    site = of_site(settings.public_url, settings.name)
    text = render("refusal.html", locale, visit=None, in_language="?lang={}".format, **site, **context)
    return HTMLResponse(text, status, policy.headers())
