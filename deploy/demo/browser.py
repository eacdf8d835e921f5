"""A browser without a screen: opens addresses, fills in the forms of pages, keeps cookies, and runs no script."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Self
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

from deploy.demo.programs import ProgramFailed

ANSWER_S, RELOAD_S, PATIENCE_S = 30, 0.3, 30
AGENT = "Demo browser"
WITHOUT_WORDS = frozenset({"br", "img", "input", "link", "meta"})


@dataclass
class Form:
    """A form of a page: where it goes, what stands in it, and what its button says."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class Page(HTMLParser):
    """A page as its reader sees it: its title, its forms, and the number to look for on the phone, where it has one."""

    def __init__(self, url: str, text: str) -> None:
        super().__init__()
        self.url = url
        self.title = self.number = ""
        self._forms: list[Form] = []
        self._open: list[str] = []
        self.feed(text)

    def form(self, button: str) -> Form:
        """Return the form with a button. Raises ProgramFailed where there is none."""
        for one in self._forms:
            if one.button == button:
                return one
        raise ProgramFailed(f"the page {self.url} “{self.title}” has no button “{button}”")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take a form, or what stands in one."""
        told = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._forms.append(Form(urljoin(self.url, told.get("action", ""))))
        elif tag == "input" and "form" in self._open and "name" in told:
            self._forms[-1].fields[told["name"]] = told.get("value", "")
        if tag not in WITHOUT_WORDS:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Leave what is closed."""
        while tag in self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        """Take the words of headings, buttons, and of what is emphasised."""
        words, inside = data.strip(), self._open[-1] if self._open else ""
        if inside == "h1":
            self.title += words
        elif inside == "strong" and words.isdigit():
            self.number = words
        elif inside == "button" and "form" in self._open:
            self._forms[-1].button += words


class Browser:
    """Goes from page to page of one server, and notes where it is sent elsewhere."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._http = httpx.Client(timeout=ANSWER_S, headers={"User-Agent": AGENT})
        self.page = Page(server, "")
        self.sent_to = ""

    @property
    def answer(self) -> Mapping[str, str]:
        """The parameters with which it was sent elsewhere."""
        return dict(parse_qsl(urlsplit(self.sent_to).query))

    def open(self, url: str) -> Self:
        """Open an address. Raises ProgramFailed where there is no page."""
        return self._arrive(self._http.get(url))

    def press(self, button: str, **typed: str) -> Self:
        """Type into the form that has a button, and press it. Raises ProgramFailed."""
        form = self.page.form(button)
        origin = {"Origin": self._server}
        return self._arrive(self._http.post(form.action, data={**form.fields, **typed}, headers=origin))

    def wait(self) -> Self:
        """Load the page anew, as browsers without scripts are told to, until it leads on. Raises ProgramFailed."""
        waits, deadline = self.page.url, time.monotonic() + PATIENCE_S
        while not self.sent_to and self.page.url == waits:
            if time.monotonic() > deadline:
                raise ProgramFailed(f"the page {waits} “{self.page.title}” led nowhere within {PATIENCE_S} s")
            time.sleep(RELOAD_S)
            self.open(waits)
        return self

    def _arrive(self, answer: httpx.Response) -> Self:
        while answer.is_redirect:
            url = urljoin(str(answer.url), answer.headers["location"])
            if not url.startswith(f"{self._server}/"):
                self.sent_to = url
                return self
            answer = self._http.get(url)
        self.page = Page(str(answer.url), answer.text)
        if answer.is_error:
            raise ProgramFailed(f"the page {answer.url} was answered by {answer.status_code}: {self.page.title}")
        return self
