"""The headers of pages. Source: CSP level 3; HTML section 7.1.3 (COOP); Permissions Policy."""

import re
from typing import Final
from urllib.parse import urlsplit

# In a policy's list neither a name of IPv6 nor any other sign may stand (CSP level 3 section 2.3.1).
HOST = re.compile(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?")
SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
WEB = frozenset({"http", "https"})

HEADERS: Final = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": (
        "camera=(), geolocation=(), microphone=(), payment=(), usb=(), "
        "publickey-credentials-create=(self), publickey-credentials-get=(self)"
    ),
    # With "no-referrer" browsers would call the origin of our own forms "null" (Fetch section 3.2.5).
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def headers(target: str = "") -> dict[str, str]:
    """Return the headers of a page; target: the address elsewhere that a form of it may lead to, or empty.

    Browsers hold the redirects that follow a form to `form-action` as well.
    """
    source = form_source(target)
    policy = (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        f"form-action 'self'{source and ' ' + source}; frame-ancestors 'none'; base-uri 'none'"
    )
    return {**HEADERS, "Content-Security-Policy": policy}


def form_source(target: str) -> str:
    """Return what a policy calls the site of an address: its origin, or its scheme where it has no such name."""
    try:
        parts = urlsplit(target)
    except ValueError:
        return ""
    if parts.scheme in WEB and HOST.fullmatch(parts.netloc):
        return f"{parts.scheme}://{parts.netloc}"
    return f"{parts.scheme}:" if SCHEME.fullmatch(parts.scheme) else ""
