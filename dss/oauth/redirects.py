"""The way back to the client: every answer, good or bad, names who gives it.

Source: RFC 6749 sections 3.1.2, 4.1.2 and 4.1.2.1, RFC 9207 section 2.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

LONGEST_DESCRIPTION = 300


@dataclass(frozen=True, slots=True)
class WayBack:
    """Where the answers to an authorization request go.

    issuer: of this server. redirect_uri: as the request named it, which is a registered one; it has no fragment.
    state:  the client's own, which comes back as it came; or empty.
    """

    issuer: str
    redirect_uri: str
    state: str

    def with_code(self, code: str) -> str:
        """Return the URL that brings a code."""
        return self._with({"code": code})

    def with_error(self, error: str, description: str = "") -> str:
        """Return the URL that brings an error; of its description only the characters that it may have."""
        told = {"error": error}
        if description:
            told["error_description"] = describable(description)
        return self._with(told)

    def _with(self, answer: dict[str, str]) -> str:
        """Add an answer to the query; what stands there already is kept as it is."""
        state = {"state": self.state} if self.state else {}
        pairs = urlencode({**answer, **state, "iss": self.issuer})
        uri = self.redirect_uri
        joint = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
        return f"{uri}{joint}{pairs}"


def describable(text: str) -> str:
    """Return a description in the characters that it may have (RFC 6749 appendix A.8)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "'" for c in text[:LONGEST_DESCRIPTION])
