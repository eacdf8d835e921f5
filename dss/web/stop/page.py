"""How the page looks and reads, in the language of the phone's owner: pure builders from a view to HTML.

A phone's name was chosen by whoever enrolled it, so it may be an attacker's: everything is escaped as it goes in.
"""

import tomllib
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Any, Final

from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import DssError, NotFound, Unavailable
from dss.transactions.phones import StopView

# Contrast in both schemes is above 7:1, the button is 48 px high (WCAG 2.2 criteria 1.4.6 and 2.5.5).
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --stop: #9b1c1c; --on-stop: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf1; --paper: #17171b; --stop: #ffb4ab; --on-stop: #3d0505; }
}
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.6 system-ui, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.75rem; line-height: 1.25; }
.phone { border-left: 4px solid; padding-left: 1rem; font-weight: 600; overflow-wrap: anywhere; }
button {
  min-height: 48px; padding: 0.5rem 1.5rem; border: 2px solid transparent; border-radius: 8px; cursor: pointer;
  background: var(--stop); color: var(--on-stop); font: inherit; font-weight: 600;
}
button:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
"""

# Nothing but the one style above is applied, nothing is loaded, and the form leads nowhere else (CSP level 3).
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{b64.encode(Digest.of(STYLE.encode()).value)}'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

PAGE: Final = Template("""<!doctype html>
<html lang="$locale">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
$content
</main>
</body>
</html>
""")


def of_phone(view: StopView) -> str:
    """Return the page of a phone in the language of its owner; with the button while it can still be stopped.

    A phone is locked here only if the lock does not end by itself: one that does is still to be stopped.
    """
    return _page(view.locale, view.state, view.name)


def of_refusal(error: DssError, locale: str) -> str:
    """Return the page that tells what to do where no phone can be shown; of the error it tells its kind only."""
    if isinstance(error, NotFound):
        return _page(locale, "unknown")
    return _page(locale, "unavailable" if isinstance(error, Unavailable) else "failed")


def _page(locale: str, topic: str, phone: str = "") -> str:
    text = _words(locale)[topic]
    content = [_paragraph(text["before"]), _phone(phone)] if phone else []
    content += [_paragraph(words) for words in text["after"]]
    if "button" in text:
        content.append(_form(text["button"]))
    return PAGE.substitute(locale=locale, title=escape(text["title"]), style=STYLE, content="\n".join(content))


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _phone(name: str) -> str:
    """Set a name apart: one that is written from right to left does not turn what stands around it."""
    return f'<p class="phone"><bdi>{escape(name)}</bdi></p>'


def _form(button: str) -> str:
    """Return the form of one button. Without an action it goes to the address of the page, whatever proxy is before."""
    return f'<form method="post"><button type="submit">{escape(button)}</button></form>'


@cache
def _words(locale: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("dss.web.stop").joinpath(f"texts/{locale}.toml").read_text(encoding="utf-8"))
