"""Chromium: a window with a profile of its own, and what it complains of."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

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
WATCH = """addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.effectiveDirective} ${event.blockedURI}`);
});"""
ADDRESSES = count(1)


@dataclass
class Window:
    """A window of a browser that nobody has used before, at a network address of its own."""

    context: BrowserContext
    page: Page
    complaints: list[str] = field(default_factory=list)

    def hear(self, said: ConsoleMessage) -> None:
        """Note what the console says of a page; that the page itself is a refusal is no fault."""
        is_refusal = said.text.startswith("Failed to load resource") and said.location["url"] == self.page.url
        if said.type in {"error", "warning"} and not is_refusal:
            self.complaints.append(f"{self.page.url}: {said.text}")


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
        await context.add_init_script(WATCH)
        made = Window(context, await context.new_page())
        context.on("console", made.hear)
        context.on("weberror", lambda fault: made.complaints.append(str(fault.error)))
        yield made
        assert not made.complaints, "\n".join(made.complaints)
    finally:
        await context.close()


def _program() -> str:
    found = [path for path in map(shutil.which, NAMES) if path] + [path for path in ON_MACOS if Path(path).exists()]
    assert found, "there is no Chromium here: deploy/setup.sh dev installs it"
    return found[0]
