"""What people know a browser by, out of what it says of itself. It may say anything: nothing is decided by it.

Source: RFC 9110 section 10.1.5; browsers name those that they are taken for as well, so the order decides.
"""

import re

LONGEST = 64
BROWSERS = (
    ("Edge", re.compile(r"Edg(?:A|iOS)?/(\d{1,4})")),
    ("Opera", re.compile(r"OPR/(\d{1,4})")),
    ("Yandex Browser", re.compile(r"YaBrowser/(\d{1,4})")),
    ("Samsung Internet", re.compile(r"SamsungBrowser/(\d{1,4})")),
    ("Firefox", re.compile(r"(?:Firefox|FxiOS)/(\d{1,4})")),
    ("Chrome", re.compile(r"(?:Chrome|CriOS)/(\d{1,4})")),
    ("Safari", re.compile(r"Version/(\d{1,4})[.0-9]* (?:Mobile/\w+ )?Safari/")),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def named(user_agent: str) -> str:
    """Return the name of a browser, such as `Firefox 150, Linux`; of others what they say, where it can be shown."""
    said = "".join(c for c in user_agent if c.isascii() and c.isprintable())
    browser = next((f"{name} {found[1]}" for name, pattern in BROWSERS if (found := pattern.search(said))), "")
    system = next((name for mark, name in SYSTEMS if mark in said), "")
    return ", ".join(filter(None, (browser, system))) if browser else said[:LONGEST]
