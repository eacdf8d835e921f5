"""How the page looks and reads, in the language of the person who is asked: pure builders from a view to HTML.

What an application and a person wrote is somebody's own text: it stands in a place of its own, escaped as it goes in.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib import resources
from string import Template
from typing import Any, Final

from dss.devices.request import Kind
from dss.kernel import b64
from dss.kernel.digest import Digest
from dss.kernel.errors import DssError, NotFound, Unavailable
from dss.kernel.policy import Mode
from dss.transactions.machine import ENDED, State
from dss.transactions.preparation import Stage
from dss.transactions.waiting import WaitView

NAMED = 20
# A code is good for three seconds: without the script below, the page is loaded anew while it is.
RELOAD_QR_S, RELOAD_S, RETRY_S = 1, 3, 5

# Contrast in both schemes is above 7:1, fields are 48 px high (WCAG 2.2 criteria 1.4.6 and 2.5.5); a QR code is dark on
# light in both.
STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1b1f; --paper: #ffffff; --edge: #6b6b76; }
@media (prefers-color-scheme: dark) { :root { --ink: #ececf1; --paper: #17171b; --edge: #9a9aa6; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1.125rem/1.6 system-ui, sans-serif; }
main { max-width: 36rem; margin: 0 auto; padding: 2rem 1rem; }
h1 { font-size: 1.75rem; line-height: 1.25; }
.number { margin: 1.5rem 0; padding: 1rem; border: 2px solid; border-radius: 8px; text-align: center; }
.number strong { display: block; font-size: 4rem; line-height: 1.2; letter-spacing: 0.1em; }
.link { display: block; width: 100%; max-width: 20rem; margin: 1.5rem auto; image-rendering: pixelated; }
.request { display: block; max-width: 100%; height: auto; margin: 1.5rem auto; }
dt { margin-top: 1rem; font-size: 1rem; font-weight: 600; }
dd { margin: 0; overflow-wrap: anywhere; }
dd.said { border-left: 4px solid var(--edge); padding-left: 1rem; white-space: pre-wrap; }
ul { margin: 0; padding-left: 1.25rem; }
a { color: inherit; }
label { display: block; font-weight: 600; }
input, button {
  box-sizing: border-box; min-height: 48px; margin: 0.5rem 0; padding: 0.5rem 1rem; border: 2px solid var(--edge);
  border-radius: 8px; background: var(--paper); color: var(--ink); font: inherit;
}
input { width: 12rem; max-width: 100%; letter-spacing: 0.1em; }
button { background: var(--ink); color: var(--paper); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--ink); outline-offset: 3px; }
"""

# Each second another picture; where there is none any more, the page tells what has come of it.
SCRIPT: Final = """
const picture = document.querySelector(".link");
const address = picture.src;
let turn = 0;
let timer = 0;
const next = () => {
  clearTimeout(timer);
  timer = setTimeout(() => { turn += 1; picture.src = `${address}&n=${turn}`; }, 1000);
};
const reload = () => {
  fetch(location.href).then(() => location.reload(), () => setTimeout(reload, 1000));
};
picture.addEventListener("load", next);
picture.addEventListener("error", reload);
if (picture.complete) (picture.naturalWidth ? next : reload)();
"""


def _hash(text: str) -> str:
    return f"'sha256-{b64.encode(Digest.of(text.encode()).value)}'"


# Nothing but the one style and the one script above is applied; pictures, looks and the form stay here (CSP level 3).
POLICY: Final = (
    f"default-src 'none'; style-src {_hash(STYLE)}; script-src {_hash(SCRIPT)}; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

PAGE: Final = Template("""<!doctype html>
<html lang="$locale">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$reload
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

# Without an action it goes to the address of the page, whatever proxy is before.
FORM: Final = Template("""<form method="post">
<label for="code">$label</label>
<input id="code" name="code" inputmode="numeric" autocomplete="off" maxlength="16" required>
<button type="submit">$button</button>
</form>""")


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of a transaction's page are, said from the page that names them."""

    page: str
    link: str
    code: str
    offline: str


def of_transaction(view: WaitView, at: Addresses) -> str:
    """Return the page of a transaction; with a QR while it waits for a scan, which another page does not ask for."""
    words = _words(view.locale)
    topic = words[_topic(view)]
    content = [_paragraph(topic["text"]), *_number(view, words["number"])]
    reload = ""
    if view.shows_link:
        content.append(f'<img class="link" src="{escape(at.link)}" alt="{escape(words["words"]["link"])}">')
        content.append(f'<script type="module">{SCRIPT}</script>')
        reload = f"<noscript>{_reload(RELOAD_QR_S)}</noscript>"
    elif _goes_on(view):
        reload = _reload(RELOAD_S)
    if view.takes_code:
        content.append(_way(at.code, words["words"]["offline"]))
    content.append(_facts(view, words["words"]))
    return _page(view.locale, topic["title"], "\n".join(content), reload)


def of_code(view: WaitView, at: Addresses, *, wrong: bool = False) -> str:
    """Return the page for a phone without a connection: its QR, and the field for what the phone then shows.

    It is not loaded anew by itself: what is typed would be lost. wrong: whether the code that was typed is.
    """
    words = _words(view.locale)
    text = words["code"]
    content = [
        _paragraph(text["wrong" if wrong else "text"]),
        *_number(view, words["number"]),
        f'<img class="request" src="{escape(at.offline)}" alt="{escape(words["words"]["link"])}">',
        FORM.substitute(label=escape(text["label"]), button=escape(text["button"])),
        _way(at.page, text["back"]),
        _facts(view, words["words"]),
    ]
    return _page(view.locale, text["title"], "\n".join(content))


def of_refusal(error: DssError, locale: str) -> str:
    """Return the page that tells what to do where no transaction can be shown; of the error it tells its kind only."""
    passes = isinstance(error, Unavailable)
    topic = "unknown" if isinstance(error, NotFound) else "unavailable" if passes else "refused"
    text = _words(locale)[topic]
    return _page(locale, text["title"], _paragraph(text["text"]), _reload(RETRY_S) if passes else "")


def _topic(view: WaitView) -> str:
    if view.has_run and view.state in ENDED:
        return "ended"
    if view.state is State.AWAITING:
        return "linked" if view.is_linked else "pushed" if view.is_pushed else "scan"
    if view.state is State.CANCELLED and view.wrong_number:
        return "wrong_number"
    if view.state is State.DECLINED:
        return view.cause or "declined"
    if view.state is State.CONFIRMED and view.kind is Kind.SESSION:
        return "going_on"
    named: dict[str, str] = {State.CONFIRMED: "working", State.SIGNING: "working", State.SIGNED: "done"}
    return named.get(view.state, view.state.value)


def _goes_on(view: WaitView) -> bool:
    return view.state in {Stage.PREPARING, State.AWAITING, State.CONFIRMED, State.SIGNING}


def _number(view: WaitView, words: dict[str, str]) -> list[str]:
    """Return the number that is to be found on the phone, large; nothing where there is none."""
    if view.mode is Mode.NONE or not view.number:
        return []
    return [f'<p class="number">{escape(words[view.mode])} <strong>{escape(view.number)}</strong></p>']


def _facts(view: WaitView, words: dict[str, str]) -> str:
    facts = [
        (words["application"], _own(view.application), ""),
        (words["wanted"], _wanted(view, words), ""),
        (words["text"], _own(view.text), "said"),
        (words["reason"], _own(view.reason), "said"),
    ]
    told = [f'<dt>{escape(label)}</dt>\n<dd class="{kind}">{value}</dd>' for label, value, kind in facts if value]
    return "<dl>\n{}\n</dl>".format("\n".join(told))


def _wanted(view: WaitView, words: dict[str, str]) -> str:
    if view.kind is not Kind.SIGN:
        return escape(words[view.kind].format(count=view.count))
    if 0 < len(view.names) <= NAMED:
        return "<ul>{}</ul>".format("".join(f"<li>{_own(name)}</li>" for name in view.names))
    return escape(words["count"].format(count=view.count))


def _own(text: str) -> str:
    """Set somebody's own text apart: one that is written from right to left does not turn what stands around it."""
    return f"<bdi>{escape(text)}</bdi>" if text else ""


def _paragraph(text: str) -> str:
    return f'<p role="status">{escape(text)}</p>'


def _reload(seconds: int) -> str:
    return f'<meta http-equiv="refresh" content="{seconds}">'


def _way(address: str, words: str) -> str:
    return f'<p><a href="{escape(address)}">{escape(words)}</a></p>'


def _page(locale: str, title: str, content: str, reload: str = "") -> str:
    return PAGE.substitute(locale=locale, title=escape(title), style=STYLE, content=content, reload=reload)


@cache
def _words(locale: str) -> dict[str, Any]:
    texts = resources.files("dss.web.waiting").joinpath(f"texts/{locale}.toml")
    return tomllib.loads(texts.read_text(encoding="utf-8"))
