"""Where a page goes on to: a path of this server, and never anybody else's address (RFC 9700 section 4.11)."""

import re

from dss.kernel.ids import CROCKFORD, LENGTH

ACCOUNT = "/account"
ACCOUNT_PAGE = re.compile(r"/account(/[a-z-]{1,32}){0,2}")
AUTHORIZE = "/oauth/authorize?"
WAITING = re.compile(f"/oauth/waiting/([{CROCKFORD}]{{{LENGTH}}})")
# Characters that a query may have: no white space, no control character and no backslash (RFC 3986 section 3.4).
QUERY = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@/?%-]{1,9000}")


def local(then: str) -> str:
    """Return an address within this server that signing in may go on to; for any other text the account."""
    if then.startswith(AUTHORIZE):
        return then if QUERY.fullmatch(then.removeprefix(AUTHORIZE)) else ACCOUNT
    return then if ACCOUNT_PAGE.fullmatch(then) or WAITING.fullmatch(then) else ACCOUNT
