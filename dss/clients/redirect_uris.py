"""Redirect URIs: what may be registered, and which of a request is a registered one.

A request's URI is compared as text, never parsed: what browsers and parsers read differently cannot be used against it.

Source: RFC 9700 sections 2.1 and 4.1, RFC 8252 sections 7 and 8; docs/authorization.md section 2.
"""

import re
from collections.abc import Collection
from urllib.parse import unquote

from dss.kernel.errors import Invalid

LONGEST = 2000
# What answers add to the URI (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207): none of it may stand there already.
ANSWERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})

# RFC 3986 appendix A without userinfo, fragment, capitals in host and scheme, and the asterisk of wildcards.
_CHARACTER = r"[A-Za-z0-9\-._~!$&'()+,;=:@/]|%[0-9A-Fa-f]{2}"
_PORT = r"(?::(?P<port>[1-9][0-9]{0,4}))?"
_REST = rf"(?P<path>/(?:{_CHARACTER})*)?(?:\?(?P<query>(?:{_CHARACTER}|\?)*))?"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_WEB = re.compile(rf"https://(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-f:]{{2,39}}\]){_PORT}{_REST}")
_LOOPBACK = re.compile(rf"http://(?:127\.0\.0\.1|\[::1\]|localhost){_PORT}{_REST}")
# No naming authority, so one slash (RFC 8252 section 7.1).
_PRIVATE_USE = re.compile(rf"[a-z][a-z0-9-]*(?:\.{_LABEL})+:(?P<port>)(?=/)(?!//){_REST}")
_ANY_PORT = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::([1-9][0-9]{0,4}))?((?:[/?].*)?)")


def require_registrable(uri: str, *, public: bool = False) -> None:
    """Accept an https URI, an http one of the same machine, or, of a public client, one of a private-use scheme.

    A private-use scheme is a domain name in reverse, as `com.example.app:/done`. It is for public clients only: any app
    on the person's device can claim it, so who is called by it has nothing that is secret. Raises Invalid.
    """
    if len(uri) > LONGEST:
        raise Invalid(f"a redirect URI has at most {LONGEST} characters")
    forms = (_WEB, _LOOPBACK, _PRIVATE_USE) if public else (_WEB, _LOOPBACK)
    found = next((match for form in forms if (match := form.fullmatch(uri))), None)
    if found is None or int(found["port"] or 1) > 65535:
        raise Invalid(
            "a redirect URI is https, or http on 127.0.0.1, [::1] or localhost, or of a public client a reverse domain "
            "name and one slash; lower-case scheme and host, no user, fragment or asterisk: "
            f"{uri[:100]!r} is not"
        )
    if {".", ".."} & set(re.split(r"[/\\]", unquote(found["path"] or ""))):
        raise Invalid("a redirect URI has no segments . and .., plain or encoded")
    if ANSWERS & {unquote(part.partition("=")[0]) for part in (found["query"] or "").split("&")}:
        raise Invalid(f"the query of a redirect URI has none of {', '.join(sorted(ANSWERS))}: answers bring them")


def matches(registered: Collection[str], asked: str) -> bool:
    """Tell whether a request's redirect URI is a registered one: the same text, or on loopback with another port.

    Another port is for http and the addresses 127.0.0.1 and [::1], not for localhost: a name may lead elsewhere
    (RFC 8252 sections 7.3 and 8.3).
    """
    return asked in registered or any(_differ_in_port(one, asked) for one in registered)


def _differ_in_port(registered: str, asked: str) -> bool:
    known, other = _ANY_PORT.fullmatch(registered), _ANY_PORT.fullmatch(asked)
    if known is None or other is None or int(other[2] or 80) > 65535:
        return False
    return (known[1], known[3]) == (other[1], other[3])
