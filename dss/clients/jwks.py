"""The public keys by which a relying application authenticates (private_key_jwt).

Source: RFC 7517, RFC 7518 sections 3.1 and 6, RFC 8725 section 3.
"""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from dss.kernel import b64
from dss.kernel.errors import BadRequest, Invalid
from dss.kernel.text import require_plain

MOST_KEYS = 2  # the one in use, and the next one while they change over
LONGEST_KID = 64
RSA_ALGORITHMS = frozenset({"RS256", "PS256"})
# Curve and coordinate length in bytes, by algorithm.
CURVES: Mapping[str, tuple[ec.EllipticCurve, str, int]] = {
    "ES256": (ec.SECP256R1(), "P-256", 32),
    "ES384": (ec.SECP384R1(), "P-384", 48),
    "ES512": (ec.SECP521R1(), "P-521", 66),
}
RSA_BITS = (2048, 4096)
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
COMMON = frozenset({"kty", "kid", "alg", "use"})


def require_public_keys(jwks: Mapping[str, Any]) -> None:
    """Accept a JWK Set of one or two public signature keys, each with its own kid and its alg. Raises Invalid."""
    keys = jwks.get("keys")
    if set(jwks) != {"keys"} or not isinstance(keys, list) or not 1 <= len(keys) <= MOST_KEYS:
        raise Invalid(f"a JWK Set has one member, keys, a list of 1 to {MOST_KEYS} keys")
    for key in keys:
        _require_key(key)
    if len({key["kid"] for key in keys}) != len(keys):
        raise Invalid("two keys of the JWK Set have the same kid")


def _require_key(key: object) -> None:
    if not isinstance(key, dict) or not all(isinstance(value, str) for value in key.values()):
        raise Invalid("a key of the JWK Set is an object whose members are texts")
    if PRIVATE & set(key):
        raise Invalid("the JWK Set holds a private key: keep it secret, make a new one, and send the public part only")
    if not key.get("kid") or key.get("use", "sig") != "sig":
        raise Invalid("a key of the JWK Set needs a kid, and the use sig where it has one")
    require_plain(key["kid"], LONGEST_KID, "the kid")
    if key.get("alg") in CURVES:
        _require_point(key)
    elif key.get("alg") in RSA_ALGORITHMS:
        _require_modulus(key)
    else:
        raise Invalid(f"the alg of a key is one of {', '.join([*CURVES, *sorted(RSA_ALGORITHMS)])}")


def _require_point(key: dict[str, str]) -> None:
    curve, name, length = CURVES[key["alg"]]
    _require_members(key, "EC", {"crv", "x", "y"})
    x, y = _bytes(key["x"]), _bytes(key["y"])
    if key["crv"] != name or len(x) != length or len(y) != length:
        raise Invalid(f"a key for {key['alg']} is on {name}, with coordinates of {length} bytes")
    try:
        ec.EllipticCurvePublicNumbers(int.from_bytes(x), int.from_bytes(y), curve).public_key()
    except ValueError as fault:
        raise Invalid(f"a key is not a point of {name}") from fault


def _require_modulus(key: dict[str, str]) -> None:
    _require_members(key, "RSA", {"n", "e"})
    n, e = (int.from_bytes(_bytes(key[name])) for name in ("n", "e"))
    least, most = RSA_BITS
    if not least <= n.bit_length() <= most or n % 2 == 0:
        raise Invalid(f"an RSA key has an odd modulus of {least} to {most} bits")
    if not 2**16 < e < 2**32 or e % 2 == 0:
        raise Invalid("an RSA key has an odd exponent between 65537 and 2^32")


def _require_members(key: dict[str, str], kty: str, own: set[str]) -> None:
    if key.get("kty") != kty or not own <= set(key) <= own | COMMON:
        raise Invalid(f"a key for {key['alg']} has kty {kty} and the members {', '.join(sorted(own | COMMON))} only")


def _bytes(text: str) -> bytes:
    try:
        return b64.url_decode(text)
    except BadRequest as fault:
        raise Invalid("a number of a key is not base64url") from fault
