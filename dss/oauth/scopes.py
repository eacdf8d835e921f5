"""Which scopes a client is given. Source: RFC 6749 section 3.3."""

import re
from collections.abc import Collection

from dss.oauth.errors import InvalidScope

SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*")


def granted(asked: str, allowed: Collection[str]) -> tuple[str, ...]:
    """Return the scopes asked for, sorted, or all that are allowed when none is named.

    Raises InvalidScope, also where nothing is allowed.
    """
    if not allowed:
        raise InvalidScope("the client is registered for no scope that it may have in this way")
    if not asked:
        return tuple(sorted(allowed))
    if not SCOPE.fullmatch(asked):
        raise InvalidScope("the scope is a list of names with one space between")
    wanted = frozenset(asked.split(" "))
    if not wanted <= frozenset(allowed):
        raise InvalidScope("the scope goes beyond what the client is registered for")
    return tuple(sorted(wanted))
