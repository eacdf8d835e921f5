"""The proof of possession that comes with every call of a phone.

Source: RFC 9449 sections 4.2 and 4.3; docs/device-protocol.md section 3.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dss.infra import jose
from dss.kernel.errors import DssError, Unauthenticated

PROOF = "dpop+jwt"
SKEW_S = 60
MEMBERS = {"jti", "htm", "htu", "iat"}


@dataclass(frozen=True, slots=True)
class Call:
    """What a proof is for: the method, and the URL without its query."""

    method: str
    url: str


def check(jws_text: str, call: Call, now: datetime) -> tuple[str, str]:
    """Check a proof but for its being used once.

    Returns the thumbprint of the key that made it, and its unique id. Raises Unauthenticated.
    """
    try:
        jws = jose.read_jws(jws_text, PROOF, names_key_by="jwk", canonical_payload=False)
        jws.verify(jose.read_jwk(jws.header["jwk"]))
    except DssError as fault:
        raise Unauthenticated("the DPoP proof does not verify") from fault
    claims = jws.claims
    if set(claims) != MEMBERS or claims["htm"] != call.method or claims["htu"] != call.url:
        raise Unauthenticated(f"the DPoP proof has jti, htm, htu and iat and is for {call.method} {call.url}")
    if type(claims["iat"]) is not int or abs(int(now.timestamp()) - claims["iat"]) > SKEW_S:
        raise Unauthenticated(f"the DPoP proof was made more than {SKEW_S} s from the server's time")
    return jose.thumbprint(jws.header["jwk"]), _unique_id(claims["jti"])


def _unique_id(jti: object) -> str:
    if not isinstance(jti, str) or not jti.isascii() or not 16 <= len(jti) <= 128:
        raise Unauthenticated("the jti of a DPoP proof has 16 to 128 ASCII characters")
    return jti


def expiry(now: datetime) -> datetime:
    """Return until when a used proof must be remembered: one from the future is good for nearly twice SKEW_S."""
    return now + timedelta(seconds=3 * SKEW_S)
