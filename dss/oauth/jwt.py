"""JWTs that others sign with their own keys, read strictly. Source: RFC 7515, RFC 7519, RFC 8725 section 3."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from joserfc import jwk, jws
from joserfc.errors import JoseError

from dss.infra import jose
from dss.kernel import b64
from dss.kernel.errors import BadRequest, Invalid
from dss.kernel.storable import require_storable_json

PARTS = 3


class _Registry(jws.JWSRegistry):
    """As long headers as `read` lets through: an RSA key in one is longer than the library's own limit."""

    max_header_length = 16 * 1024


@dataclass(frozen=True, slots=True)
class Jwt:
    """A signed JWT whose form is right; nothing is proven until `is_by`.

    header, claims: JSON objects in which no member stands twice, of any other shape.
    """

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    def is_by(self, key: Mapping[str, Any], algorithm: str) -> bool:
        """Tell whether the holder of a public JWK signed it, with this algorithm and no other."""
        registry = _Registry(algorithms=[algorithm])
        try:
            signed = jws.extract_compact(self.text.encode(), registry=registry)
            return jws.validate_compact(signed, jwk.import_key(dict(key)), registry=registry)
        except (JoseError, ValueError, TypeError):
            return False


def read(text: str, longest: int) -> Jwt:
    """Read the form of a JWT. longest: in characters. Raises BadRequest."""
    if len(text) > longest:
        raise BadRequest(f"it has at most {longest} characters")
    parts = text.split(".")
    if len(parts) != PARTS:
        raise BadRequest("it is not a signed JWT")
    b64.url_decode(parts[2])
    return Jwt(text, _object(parts[0]), _object(parts[1]))


def _object(part: str) -> Mapping[str, Any]:
    try:
        require_storable_json(b64.url_decode(part))
    except Invalid as fault:
        raise BadRequest(fault.detail) from fault
    return jose.read_object(part)
