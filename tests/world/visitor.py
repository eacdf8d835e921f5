"""A person at a browser, without the browser: follows addresses, reads pages, fills in their forms and sends them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx

MOST_HOPS = 10


@dataclass
class Form:
    """A form of a page: where it goes, what is in it already, and what its button says."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    button: str = ""


class Page(HTMLParser):
    """What a person sees of a page."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.answer = answer
        self.url = str(answer.url)
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.headings: list[str] = []
        self.words: list[str] = []
        self._form: Form | None = None
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(answer.text)

    @property
    def title(self) -> str:
        """The first heading."""
        return " ".join(self.headings).strip()

    @property
    def text(self) -> str:
        """All words of it."""
        return " ".join(" ".join(self.words).split())

    def form(self, button: str) -> Form:
        """The form with a button."""
        found = [form for form in self.forms if form.button == button]
        assert len(found) == 1, f"{self.url} has no one button {button}: {self.text}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        if tag == "form":
            self._form = Form(urljoin(self.url, told.get("action") or self.url), told.get("method") or "get")
            self.forms.append(self._form)
        chosen = told.get("type") != "radio" or "checked" in told
        if tag == "input" and self._form is not None and told.get("name") and chosen:
            self._form.fields[str(told["name"])] = told.get("value") or ""
        if tag not in {"input", "meta", "link", "br", "img"}:
            self._open.append((tag, told))

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1][0] == tag:
            self._open.pop()
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        words = data.strip()
        if not words or not self._open:
            return
        tag, told = self._open[-1]
        self.words.append(words)
        if tag == "h1":
            self.headings.append(words)
        if tag == "button" and self._form is not None:
            self._form.button = words
        if tag == "a":
            self.links[words] = urljoin(self.url, told.get("href") or "")


class Visitor:
    """Goes from page to page of one server; where a page leads elsewhere is noted, and not followed."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.page: Page
        self.left_for = ""

    async def go(self, url: str) -> Page | None:
        """Open an address. Returns the page in the end, or None where the way leads elsewhere."""
        return await self._arrive(await self.http.get(url, headers={"Accept": "text/html"}))

    async def press(self, button: str, **typed: str) -> Page | None:
        """Fill in the form that has a button, and press it."""
        form = self.page.form(button)
        assert set(typed) <= set(form.fields), f"{button} has no {set(typed) - set(form.fields)}"
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.page.url))
        answer = await self.http.post(form.action, data=form.fields | typed, headers={"Origin": origin})
        return await self._arrive(answer)

    def answer(self) -> dict[str, str]:
        """The parameters with which the way led elsewhere."""
        return dict(parse_qsl(urlsplit(self.left_for).query))

    async def _arrive(self, answer: httpx.Response) -> Page | None:
        for _ in range(MOST_HOPS):
            if not answer.is_redirect:
                self.page = Page(answer)
                return self.page
            target = urljoin(str(answer.url), answer.headers["location"])
            if urlsplit(target).netloc != answer.url.netloc.decode():
                self.left_for = target
                return None
            answer = await self.http.get(target)
        raise AssertionError(f"more than {MOST_HOPS} redirects")
