"""The public keys that access tokens verify with. Source: RFC 7517 section 5, RFC 7518 section 6.2."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from dss.infra import jose


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A P-256 verification key as a JWK."""

    kty: str
    crv: str
    x: str
    y: str
    kid: str
    use: str = "sig"
    alg: str = "ES256"


@dataclass(frozen=True, slots=True)
class KeySet:
    """A JWK set."""

    keys: tuple[PublicKey, ...]


def key_id(key: ec.EllipticCurvePublicKey) -> str:
    """Return the id that names a key in tokens: its RFC 7638 thumbprint."""
    return jose.thumbprint(jose.write_jwk(key))


def jwk_of(key: ec.EllipticCurvePublicKey) -> PublicKey:
    """Return a token key as it is published."""
    return PublicKey(**jose.write_jwk(key), kid=key_id(key))
