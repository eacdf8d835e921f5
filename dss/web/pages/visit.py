"""A visit to a page: which browser and session it is, in what language, and how it is answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from dss.kernel.errors import Unauthenticated
from dss.login.model import Session, Standing, Where
from dss.notify.model import LOCALES
from dss.users.model import User
from dss.web.http.peer import address_of
from dss.web.http.services import services_of
from dss.web.pages import agents, language, policy
from dss.web.pages.cookies import Jar
from dss.web.pages.forms import Forms
from dss.web.pages.local import ACCOUNT, local
from dss.web.pages.templates import of_site, render
from dss.wiring import Services

LANG, STILL = "lang", "still"
MOST_FIELDS = 100


class SignedOut(Unauthenticated):
    """The page is for a signer who is signed in."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody at a page.

    query:   the address's parameters, each once. lang: the language that it asks for, or empty.
    where:   from where, and by which browser. cookie: the text of the session's cookie, or empty.
    session: half or full, and living; or None. user: whose it is.
    code:    that the forms of the page carry.
    """

    request: Request
    query: Mapping[str, str]
    lang: str
    locale: str
    jar: Jar
    where: Where
    cookie: str
    session: Session | None
    user: User | None
    code: str
    form: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        """The services of the process."""
        return services_of(self.request)

    @property
    def then(self) -> str:
        """Where signing in goes on to: a path of this server."""
        return local(self.query.get("then", ACCOUNT))

    @property
    def still(self) -> bool:
        """True where the person asked that the page does not go on by itself (WCAG 2.2 criterion 2.2.1)."""
        return STILL in self.query

    @property
    def now(self) -> datetime:
        """The time of the services' clock."""
        return self.services.clock.now()

    def signed_in(self) -> Session:
        """Return the full session. Raises SignedOut."""
        if self.session is None or self.session.standing is not Standing.FULL:
            raise SignedOut
        return self.session

    def at(self, path: str, **query: str) -> str:
        """Return the address of a page of this server, in the language that was asked for."""
        told = urlencode({name: value for name, value in (query | {LANG: self.lang}).items() if value})
        between = "" if not told else "&" if "?" in path else "?"
        return f"{urlsplit(self.services.settings.public_url).path}{path}{between}{told}"

    def again(self, path: str) -> str:
        """Return the address of a page of this server with the query of this one, as it was written."""
        query = self.request.scope["query_string"].decode("latin-1")
        return f"{urlsplit(self.services.settings.public_url).path}{path}{'?' if query else ''}{query}"

    def page(self, template: str, status: int = 200, target: str = "", **context: Any) -> Response:
        """Answer with a page; target: the address elsewhere that a form of it may lead to."""
        settings = self.services.settings
        text = render(
            template,
            self.locale,
            visit=self,
            at=self.at,
            in_language=self.in_language,
            **of_site(settings.public_url, settings.name),
            **context,
        )
        return HTMLResponse(text, status, policy.headers(target))

    def go(self, path: str, **query: str) -> RedirectResponse:
        """Answer with the way to another page of this server."""
        return leave(self.at(path, **query))

    def in_language(self, locale: str) -> str:
        """Return the address of this page in another language, said from the page itself."""
        return "?" + urlencode({**self.query, LANG: locale})


def leave(address: str) -> RedirectResponse:
    """Answer with the way to any address (303: it is read there, whatever was sent here)."""
    return RedirectResponse(address, 303, policy.headers())


async def visit_of(request: Request, forms: Forms) -> Visit:
    """Return who is at a page. Raises Unavailable, Tampered."""
    services = services_of(request)
    jar = Jar.of(services.settings.public_url)
    query = _pairs(request.scope["query_string"].decode("latin-1"))
    cookie, where = jar.session_of(request), _where(request, jar)
    session = await services.login.session(cookie, where) if cookie else None
    user = await services.users.get(session.user_id) if session else None
    asked = [query.get(LANG, ""), query.get("ui_locales", ""), _pairs(query.get("then", "")).get("ui_locales", "")]
    return Visit(
        request=request,
        query=query,
        lang=query[LANG] if query.get(LANG) in LOCALES else "",
        locale=language.chosen(asked, user.locale if user else "", request.headers.get("accept-language", "")),
        jar=jar,
        where=where,
        cookie=cookie,
        session=session,
        user=user,
        code=await forms.code(where.browser, cookie),
    )


def _where(request: Request, jar: Jar) -> Where:
    agent = agents.named(request.headers.get("user-agent", ""))
    return Where(address_of(request), agent, jar.browser_of(request))


def _pairs(query: str) -> dict[str, str]:
    """Read a query as far as it can be: whoever needs more of it reads it again, strictly."""
    try:
        return dict(parse_qsl(query, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        return {}
