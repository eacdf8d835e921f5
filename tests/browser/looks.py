"""What is asked of every page: what axe finds, room on the narrowest screen, focus that is seen, title and language.

DSS_SOAK=1 looks at each page in each language, light and dark, at three widths. Source: WCAG 2.2, A and AA.
"""

import os
from itertools import product
from pathlib import Path
from typing import Any, Final

from playwright.async_api import Page

from dss.notify.model import LOCALES
from tests.browser.person import Person

SOAK = "DSS_SOAK" in os.environ
READ_IN: Final = LOCALES if SOAK else ("en",)
SCHEMES: Final = ("light", "dark") if SOAK else ("light",)
WIDTHS: Final = (320, 412, 1280) if SOAK else (1280,)
NARROWEST, HEIGHT = 320, 800
MOST_STOPS = 80

AXE: Final = (Path(__file__).parent.parent / "outside/node_modules/axe-core/axe.min.js").read_text()
# Evaluated by the driver, so it is held to no policy of the page.
FINDINGS: Final = """async () => {
  const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
  const found = await axe.run(document, { runOnly: tags, resultTypes: ["violations"] });
  return found.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.html} ${node.failureSummary}`));
}"""
OVERFLOW: Final = """() => [...document.querySelectorAll("body *")]
  .filter((one) => one.getBoundingClientRect().right > innerWidth && !one.matches(".skip"))
  .map((one) => `wider than the screen: ${one.outerHTML.slice(0, 100)}`)
  .slice(document.documentElement.scrollWidth > innerWidth ? 0 : Infinity)"""
FROM_THE_TOP: Final = """() => {
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute("tabindex");
}"""
FOCUS: Final = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(at);
  const box = at.getBoundingClientRect();
  const seen = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2 && box.width > 0 && box.left >= 0;
  const again = at.dataset.walked === "1";
  at.dataset.walked = "1";
  return { seen, again, html: at.outerHTML.slice(0, 100) };
}"""
STOPS: Final = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden])")]
  .filter((one) => one.checkVisibility()
    && !(one.type === "radio" && !one.checked && document.querySelector(`[name=${one.name}]:checked`))).length"""


class Looks:
    """Looks at the pages that a person comes to, and keeps what is wrong with them."""

    def __init__(self, person: Person) -> None:
        self.faults: list[str] = []
        self._person = person

    async def at(self, title: str) -> None:
        """Look at the page with a title, once it is there."""
        await self._person.sees(title)
        found = await faults(self._person.page, self._person.locale)
        self.faults += [f"{title}: {fault}" for fault in found]


async def faults(page: Page, locale: str) -> list[str]:
    """Return what is wrong with a page in a language."""
    await page.wait_for_load_state()
    title, heading = await page.title(), await page.locator("h1").inner_text()
    told = await page.locator("html").get_attribute("lang")
    found = [] if (told, title) == (locale, heading) else [f"its language is {told}, its title {title}, not {heading}"]
    return [*found, *await _of_all(page), *await _narrow(page), *await _walk(page)]


async def _of_all(page: Page) -> list[str]:
    """Return what axe finds, whatever the scheme and the width."""
    await page.evaluate(AXE)
    found: list[str] = []
    for scheme, width in product(SCHEMES, WIDTHS):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
        await page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{scheme} {width}: {fault}" for fault in await page.evaluate(FINDINGS)]
    return found


async def _narrow(page: Page) -> list[str]:
    """Return what does not fit on the narrowest screen (WCAG 2.2 criterion 1.4.10)."""
    await page.set_viewport_size({"width": NARROWEST, "height": HEIGHT})
    found: list[str] = await page.evaluate(OVERFLOW)
    await page.set_viewport_size({"width": WIDTHS[-1], "height": HEIGHT})
    return found


async def _walk(page: Page) -> list[str]:
    """Go through the page by the tab key; return what cannot be seen or reached so (criteria 2.1.1 and 2.4.7)."""
    await page.evaluate(FROM_THE_TOP)
    found: list[str] = []
    for reached in range(MOST_STOPS):
        await page.keyboard.press("Tab")
        stop: dict[str, Any] | None = await page.evaluate(FOCUS)
        if stop is None or stop["again"]:
            expected = await page.evaluate(STOPS)
            return found if reached >= expected else [*found, f"{reached} of {expected} are reached by keys"]
        if not stop["seen"]:
            found.append(f"focus is not seen: {stop['html']}")
    return [*found, "the walk has no end"]
