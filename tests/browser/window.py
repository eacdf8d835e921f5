"""Chromium: a window with a profile of its own, and what it complains of."""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Response, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
ON_MACOS = tuple(
    f"/Applications/{name}.app/Contents/MacOS/{name}" for name in ("Chromium", "Google Chrome", "Microsoft Edge")
)
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_MS = 30_000
REFUSED = "Failed to load resource"
# What browsers ask for unasked, and the code to scan, which is there for as long as it can be scanned.
MAY_LACK = re.compile(r"/favicon\.ico$|/link\.png\?")
WATCH = """addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI}`);
});"""
ADDRESSES = count(1)


@dataclass
class Window:
    """A window of a browser that nobody has used before, at a network address of its own."""

    context: BrowserContext
    page: Page
    said: list[ConsoleMessage] = field(default_factory=list)
    thrown: list[str] = field(default_factory=list)
    shown: set[str] = field(default_factory=set)

    async def watch(self) -> None:
        """Listen to what the browser says from now on, and note which addresses are pages."""
        await self.context.add_init_script(WATCH)
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda fault: self.thrown.append(str(fault.error)))
        self.context.on("response", self._note)

    def complaints(self) -> list[str]:
        """Return what the browser complained of.

        That a page is itself a refusal is nothing to complain of, nor that there is no picture to scan any more: the
        script then asks for the page that tells why.
        """
        bad = [said for said in self.said if said.type in {"error", "warning"}]
        return [*self.thrown, *(f"{one.location['url']}: {one.text}" for one in bad if not self._is_expected(one))]

    def _is_expected(self, said: ConsoleMessage) -> bool:
        at = said.location["url"]
        return said.text.startswith(REFUSED) and (at in self.shown or bool(MAY_LACK.search(at)))

    def _hear(self, said: ConsoleMessage) -> None:
        self.said.append(said)

    def _note(self, answer: Response) -> None:
        if answer.request.is_navigation_request():
            self.shown.add(answer.url)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start Chromium, and end it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=_program(), args=OPTIONS)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def window(browser: Browser, **choices: Any) -> AsyncIterator[Window]:
    """Open a window, and close it; nothing that was shown in it may have been complained of. choices: Playwright's."""
    number = next(ADDRESSES)
    told = {"X-Forwarded-For": f"198.51.{number // 250}.{number % 250 + 1}"}
    context = await browser.new_context(**{"locale": "en-GB", "extra_http_headers": told, **choices})
    context.set_default_timeout(PATIENCE_MS)
    try:
        made = Window(context, await context.new_page())
        await made.watch()
        yield made
        complaints = made.complaints()
        assert not complaints, "\n".join(complaints)
    finally:
        await context.close()


def _program() -> str:
    found = [path for path in map(shutil.which, NAMES) if path] + [path for path in ON_MACOS if Path(path).exists()]
    assert found, "there is no Chromium here: deploy/setup.sh dev installs it"
    return found[0]
