"""Proof key for code exchange: what only the client of the authorization request knows. Source: RFC 7636."""

import hashlib
import hmac
import re

from dss.kernel import b64

METHOD = "S256"
VERIFIER = re.compile("[A-Za-z0-9._~-]{43,128}")
CHALLENGE = re.compile("[A-Za-z0-9_-]{43}")


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (section 4.2): 43 characters."""
    return b64.url_encode(hashlib.sha256(verifier.encode()).digest())


def fits(verifier: str, challenge: str) -> bool:
    """Tell whether a verifier has the right form and is the challenge's (sections 4.1 and 4.6)."""
    return VERIFIER.fullmatch(verifier) is not None and hmac.compare_digest(challenge_of(verifier), challenge)
