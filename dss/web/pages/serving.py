"""Routes of pages: who is there, whether a form is ours, and a page for every refusal."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dss.kernel.errors import DssError, Forbidden, NotFound, TooMany, Unauthenticated, Unavailable
from dss.login.model import NotFresh
from dss.web.http.services import services_of
from dss.web.pages import language, local, policy
from dss.web.pages.forms import ForeignForm, Forms
from dss.web.pages.templates import of_site, render
from dss.web.pages.visit import LANG, SignedOut, Visit, leave, visit_of

Answer = Callable[[Visit], Awaitable[Response]]

# What a refusal's page says, by the kind of the error; all others say that it did not work.
TOPICS: tuple[tuple[type[DssError], str], ...] = (
    (ForeignForm, "form"),
    (NotFound, "unknown"),
    (TooMany, "later"),
    (Unavailable, "unavailable"),
    (Unauthenticated, "signed_out"),
)


def page(path: str, show: Answer | None = None, take: Answer | None = None, of: str = "") -> Route:
    """Return the route of a page: `show` answers GET, `take` answers a form of ours that was posted.

    of: the path of the page that this belongs to, by default itself. Without `show` a GET leads there: browsers ask
    for the address of what a form was answered with when the language is changed, or the address is opened anew.
    """
    home = of or path
    answers = {"GET": show, "HEAD": show, "POST": take}

    async def serve(request: Request) -> Response:
        return await _served(request, answers[request.method], home.format(**request.path_params))

    return Route(path, serve, methods=["GET", "POST"] if take else ["GET"])


def forms_of(request: Request) -> Forms:
    """Return what makes and checks the codes of forms."""
    forms: Forms = request.state.forms
    return forms


async def _served(request: Request, answer: Answer | None, home: str) -> Response:
    visit = None
    try:
        visit = await visit_of(request, forms_of(request))
        visit = await _with_form(visit) if request.method == "POST" else visit
        response = leave(visit.again(home)) if answer is None else await answer(visit)
    except SignedOut:
        assert visit is not None, "it is raised by the page"
        response = visit.go("/signin", then=_after_signing_in(visit, home))
    except NotFresh:
        assert visit is not None, "it is raised by what the page does"
        response = visit.go("/signin", then=local.local(home), again="1")
    except DssError as error:
        response = refusal(request, error, visit, home if request.method == "POST" else "")
    if visit is not None:
        visit.jar.keep_browser(response, visit.where.browser)
    return response


def _after_signing_in(visit: Visit, home: str) -> str:
    """Return where a page without a session was to lead; else the page itself, where signing in can go on to it."""
    asked = visit.query.get("then", "")
    return asked if local.local(asked) == asked else local.local(home)


async def _with_form(visit: Visit) -> Visit:
    form = await forms_of(visit.request).read(visit.request, visit.code, visit.services.settings.public_url)
    return replace(visit, form=form)


def refusal(request: Request, error: DssError, visit: Visit | None = None, home: str = "") -> Response:
    """Return the page of a refusal; of the error it tells its kind, and how long to wait.

    home: the path of the page whose form was refused, or empty.
    """
    topic = next((topic for kind, topic in TOPICS if isinstance(error, kind)), "failed")
    # A 401 would name a scheme by which browsers sign in themselves (RFC 9110 section 15.5.2); there is none.
    status = Forbidden.status if isinstance(error, Unauthenticated) else error.status
    context: dict[str, Any] = {"topic": topic, "wait": error.retry_after}
    if visit is not None:
        response = visit.page("refusal.html", status, back=visit.again(home) if home else "", **context)
    else:
        response = _to_anybody(request, status, context)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _to_anybody(request: Request, status: int, context: dict[str, Any]) -> Response:
    """Answer where it is not known who is there: the address could not be read, or the database."""
    settings = services_of(request).settings
    asked = request.query_params.get(LANG, "")
    locale = language.chosen([asked], "", request.headers.get("accept-language", ""))
    site = of_site(settings.public_url, settings.name)
    text = render("refusal.html", locale, visit=None, in_language="?lang={}".format, back="", **site, **context)
    return HTMLResponse(text, status, policy.headers())
