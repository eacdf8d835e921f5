"""The two cookies of the pages: which browser it is, and which session.

The prefix makes browsers take them from this host only, over https, for every path (RFC 6265bis section 4.1.3.2).
Without https there are no such cookies: then they have plain names, and only a trial server is so.
"""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

BROWSER = re.compile(r"[A-Za-z0-9_-]{43}")
BROWSER_BYTES = 32
KEPT = timedelta(days=365)
LONGEST = 300


@dataclass(frozen=True, slots=True)
class Jar:
    """The cookies' names, and whether they need https."""

    secure: bool

    @classmethod
    def of(cls, public_url: str) -> Self:
        """Return the names for a server of this address."""
        return cls(public_url.startswith("https:"))

    @property
    def browser(self) -> str:
        """The cookie that stands for the browser."""
        return self._prefixed("dss-browser")

    @property
    def session(self) -> str:
        """The cookie of the signer's session."""
        return self._prefixed("dss-session")

    def browser_of(self, request: Request) -> str:
        """Return the browser's 43 characters; what is no such text counts as none, and is made anew."""
        kept = request.cookies.get(self.browser, "")
        return kept if BROWSER.fullmatch(kept) else secrets.token_urlsafe(BROWSER_BYTES)

    def session_of(self, request: Request) -> str:
        """Return the text of the session's cookie, or an empty one."""
        return request.cookies.get(self.session, "")[:LONGEST]

    def keep_browser(self, response: Response, browser: str) -> None:
        """Have the browser keep its own cookie for a year."""
        self._keep(response, self.browser, browser, int(KEPT.total_seconds()))

    def keep_session(self, response: Response, text: str) -> None:
        """Have the browser keep a session until it is closed: the server ends it earlier."""
        self._keep(response, self.session, text, None)

    def drop_session(self, response: Response) -> None:
        """Have the browser forget its session."""
        self._keep(response, self.session, "", 0)

    def _keep(self, response: Response, name: str, text: str, seconds: int | None) -> None:
        response.set_cookie(name, text, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite="lax")

    def _prefixed(self, name: str) -> str:
        return f"__Host-{name}" if self.secure else name
