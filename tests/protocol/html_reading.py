"""Pages of HTML as a browser reads them: for the tests of what stands in a page, and where."""

from html.parser import HTMLParser


class Reading(HTMLParser):
    """What a browser makes of a page: its elements, the text in each, and what was left open."""

    VOID = ("meta", "link", "br", "img", "input")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.open: list[str] = []
        self._html = html
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)

    @property
    def main(self) -> "Reading":
        """What the page is about, without what all pages have."""
        return Reading(self._html[self._html.index("<main") : self._html.index("</main>") + len("</main>")])

    def own_files(self) -> list[str | None]:
        """The addresses of the scripts and style sheets, of which none is written into the page itself."""
        assert not {"style"} & set(self.tags())
        assert "".join(self.texts.get("script", [])) == ""
        found = [given["src"] for tag, given in self.found if tag == "script"]
        return found + [given["href"] for tag, given in self.found if tag == "link" and given["rel"] == "stylesheet"]

    def tags(self) -> list[str]:
        return [tag for tag, _ in self.found]

    def attributes(self, tag: str) -> dict[str, str | None]:
        (only,) = [attributes for name, attributes in self.found if name == tag]
        return only

    def text(self, tag: str) -> str:
        return "".join(self.texts.get(tag, []))
